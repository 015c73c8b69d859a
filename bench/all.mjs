// Everything that is measured, as ratios within one run: prints a table, and writes results.json and results.md,
// where what was measured before and not this time stays.
//
// node all.mjs [--full] [--only=refresh,bearer,size,prune,memory,paths] [--rounds=] [--seconds=] [--rows=] [--refreshes=]
//     [--algorithm=] [--prune-rows=] [--prune-rounds=] [--prune-seconds=] [--readme]
// --readme puts the tables into README.md; with an empty --only= nothing is measured.
// Servers under test, load and MariaDB are processes of their own. What is compared takes turns, in another order
// each round, so that a machine that is busy with other things is so for all of them; a ratio is of one round.

import { parseArgs } from 'node:util';
import { serve } from './database.mjs';
import OAuth from './dist/plugin/index.js';
import { bearer } from './suites/bearer.mjs';
import { memory } from './suites/memory.mjs';
import { paths } from './suites/paths.mjs';
import { prune } from './suites/prune.mjs';
import { refresh } from './suites/refresh.mjs';
import { size } from './suites/size.mjs';
import { Findings, keep, publish, writeTables } from './table.mjs';

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
        readme: { type: 'boolean', default: false },
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
    throw new Error(`There is no suite called ${unknown.join(', ')}`);
}
const server = chosen.length > 0 ? await serve('durable-mariadb') : undefined;
for (const name of chosen) {
    const findings = new Findings();
    const began = performance.now();
    const how = await SUITES[name](server, options, findings);
    const took = Math.round((performance.now() - began) / 1000);
    await keep(name, findings, `${how}; took ${took} s`);
}
await server?.stop();
const text = await writeTables(Object.keys(SUITES));
if (given.readme) {
    await publish(text);
}
console.log(text);
process.exit();
