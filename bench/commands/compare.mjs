// Compares this checkout with another build of the plugin: refreshes (P1), the bearer route (P2) and whole sign-ins, in turns
// on one MariaDB. Prints medians and ratios.
//
// npm run compare -- --base <git ref or folder> [--only=refresh,bearer,sign-in] [--rounds=5] [--seconds=2]
// A folder is another checkout of this project with installed dependencies. A git ref is extracted into a temporary folder,
// where `npm ci` runs.

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { compile, compileRef } from '../lib/build.mjs';
import { serve } from '../lib/database.mjs';
import { Findings } from '../lib/findings.mjs';
import { OAuth } from '../lib/plugin.mjs';
import { compare, COMPARED } from '../suites/compare.mjs';

const { values: options } = parseArgs({
    options: {
        base: { type: 'string' },
        only: { type: 'string', default: COMPARED.join() },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '2' }
    }
});
const only = options.only.split(',');
if (!options.base || only.some((name) => !COMPARED.includes(name))) {
    console.error(
        `Usage: npm run compare -- --base <git ref or folder> [--only=${COMPARED.join()}] [--rounds=5] [--seconds=2]`
    );
    process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => process.exit(1));
}
// npm runs scripts in bench/; a relative folder is relative to where npm was called.
const base = resolve(process.env.INIT_CWD ?? '.', options.base);
const isFolder = statSync(base, { throwIfNoEntry: false })?.isDirectory();
const plugins = { new: fileURLToPath(new URL('../dist/plugin/index.js', import.meta.url)) };
try {
    plugins.base = isFolder ? compile(base, join(folder, 'dist')) : compileRef(options.base, folder);
} catch (error) {
    console.error(`${options.base} cannot be built: ${error.message}`);
    process.exit(1);
}
console.error(`Built ${options.base}`);

process.env.SIGNING_KEY = JSON.stringify(await OAuth.generateSigningKey());
const server = await serve('durable-mariadb');
await compare(
    server,
    plugins,
    { only, rounds: Number(options.rounds), seconds: Number(options.seconds) },
    new Findings()
);
console.log('A ratio is the new build divided by base: more is better for rates, less for times, CPU and statements.');
await server.stop();
process.exit();
