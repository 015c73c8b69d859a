// Runs the suites and prints tables. With --save it writes them to results/, which keeps the latest results of each suite.
//
// npm run all -- [--full] [--only=refresh,bearer,size,prune,memory,paths] [--rounds=] [--seconds=] [--rows=] [--refreshes=]
//     [--algorithm=] [--prune-rows=] [--prune-rounds=] [--prune-seconds=] [--save]
// With an empty --only= it measures nothing; with --save it then writes tables.md anew from results.json.

import { parseArgs } from 'node:util';
import { serve } from '../lib/database.mjs';
import { Findings } from '../lib/findings.mjs';
import { OAuth } from '../lib/plugin.mjs';
import { resultsOf, save, tables } from '../lib/results.mjs';
import { bearer } from '../suites/bearer.mjs';
import { memory } from '../suites/memory.mjs';
import { paths } from '../suites/paths.mjs';
import { prune } from '../suites/prune.mjs';
import { refresh } from '../suites/refresh.mjs';
import { size } from '../suites/size.mjs';

const SUITES = { refresh, bearer, size, prune, memory, paths };
const QUICK = {
    rounds: 5,
    seconds: 1,
    rows: 300_000,
    refreshes: 50_000,
    'prune-rows': 300_000,
    'prune-rounds': 3,
    'prune-seconds': 3
};
const FULL = {
    rounds: 15,
    seconds: 4,
    rows: 10_000_000,
    refreshes: 1_000_000,
    'prune-rows': 1_400_000,
    'prune-rounds': 5,
    'prune-seconds': 6
};

const { values: given } = parseArgs({
    options: {
        full: { type: 'boolean', default: false },
        save: { type: 'boolean', default: false },
        only: { type: 'string', default: Object.keys(SUITES).join() },
        algorithm: { type: 'string', default: 'EdDSA' },
        ...Object.fromEntries(Object.keys(QUICK).map((name) => [name, { type: 'string' }]))
    }
});
const options = { ...(given.full ? FULL : QUICK), algorithm: given.algorithm };
for (const name of Object.keys(QUICK).filter((one) => given[one] !== undefined)) {
    options[name] = Number(given[name]);
}

process.env.SIGNING_KEY = JSON.stringify(await OAuth.generateSigningKey());
process.env.NO_COLOR = '1';

const chosen = given.only.split(',').filter(Boolean);
const unknown = chosen.filter((name) => !SUITES[name]);
if (unknown.length > 0) {
    throw new Error(`Unknown suite ${unknown.join(', ')}: use ${Object.keys(SUITES).join(', ')}`);
}
const server = chosen.length > 0 ? await serve('durable-mariadb') : undefined;
const order = Object.keys(SUITES);
const measured = {};
for (const name of chosen) {
    const findings = new Findings();
    const began = performance.now();
    const how = await SUITES[name](server, options, findings);
    const took = Math.round((performance.now() - began) / 1000);
    measured[name] = resultsOf(findings, `${how}; took ${took} s`);
    if (given.save) {
        // After each suite, so that a later failure loses nothing.
        await save(measured, order);
    }
}
await server?.stop();
if (chosen.length === 0 && given.save) {
    await save({}, order);
}
console.log(chosen.length > 0 ? tables(measured, order) : 'Nothing was measured.');
process.exit();
