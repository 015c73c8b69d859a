// npm test                      everything, with the coverage threshold
// npm test -- test/scopes       lab's own arguments, without it
//
// Starts MariaDB and Redis servers of its own for the run, except where TEST_DATABASE_URL or TEST_REDIS_URL name some.
// The tests of the pages use the Chromium that TEST_CHROMIUM names, or the one in PATH.

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { locateChromium } from './chromium.mjs';
import { startServers } from './servers/index.mjs';

const COVERAGE = ['--coverage', '--coverage-all', '--threshold', '95'];
const REPORTERS = ['-r', 'console', '-o', 'stdout', '-r', './scripts/lab/reporter.cjs', '-o', 'stdout'];
const VARIABLES = { mariadb: 'TEST_DATABASE_URL', redis: 'TEST_REDIS_URL' };

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lab = join(dirname(createRequire(import.meta.url).resolve('@hapi/lab/package.json')), 'bin/lab');

let interrupted;
let running;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
        // The first lets lab go its own way, a second does not.
        running?.kill(interrupted ? 'SIGKILL' : signal);
        interrupted ??= signal;
    });
}

function runLab(args, env) {
    return new Promise((resolve, reject) => {
        let result;
        running = spawn(process.execPath, [lab, ...REPORTERS, ...args], {
            cwd: root,
            env: { ...process.env, ...env },
            stdio: ['ignore', 'inherit', 'inherit', 'ipc']
        });
        running.on('message', (message) => (result = message));
        running.once('error', reject);
        running.once('close', (code, signal) => resolve({ code: code ?? 128 + constants.signals[signal], result }));
    });
}

async function run(args) {
    const missing = Object.keys(VARIABLES).filter((name) => !process.env[VARIABLES[name]]);
    const servers = missing.length > 0 ? startServers(missing) : undefined;
    try {
        const { urls = {}, control } = (await servers?.ready) ?? {};
        if (interrupted) {
            return { code: 128 + constants.signals[interrupted] };
        }

        const needsBrowser = args.length === 0 || args.some((arg) => /^test\/?$|pages/.test(arg));
        const env = Object.fromEntries(missing.map((name) => [VARIABLES[name], urls[name]]));
        return await runLab(args.length > 0 ? args : COVERAGE, {
            ...env,
            ...(needsBrowser && { TEST_CHROMIUM: locateChromium() }),
            ...(servers && { TEST_SERVERS: JSON.stringify({ control, names: missing }) })
        });
    } finally {
        await servers?.stop();
    }
}

try {
    const { code, result } = await run(process.argv.slice(2));
    if (result) {
        console.log(`${result.passed} passed, ${result.failed} failed`);
    } else {
        console.error('The tests ended before they could be counted.');
    }

    process.exitCode = code || (result ? 0 : 1);
} catch (error) {
    console.error(error.message);
    process.exitCode = 1;
}
