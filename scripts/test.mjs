// npm test                      everything, in a process per core, with the coverage threshold
// npm test -- test/scopes       lab's own arguments, in one process, without it
//
// Starts MariaDB and Redis servers of its own for the run, except where TEST_DATABASE_URL or TEST_REDIS_URL name some.
// The tests of the pages use the Chromium that TEST_CHROMIUM names, or the one in PATH.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { locateChromium } from './chromium.mjs';
import { reportCoverage } from './lab/coverage.mjs';
import { interruptedWith, start } from './lab/processes.mjs';
import { processCount, runAll } from './lab/queue.mjs';
import { startTestServers } from './servers/for-tests.mjs';

const THRESHOLD = 95;
const REPORTER = ['-r', './scripts/lab/reporter.cjs', '-o', 'stdout'];

const resolve = createRequire(import.meta.url).resolve;
const lab = join(dirname(resolve('@hapi/lab/package.json')), 'bin/lab');

/** Compiles the example, which tests in several processes start. One that does not compile is theirs to tell of. */
async function buildExample() {
    const codes = [
        await start([join(dirname(resolve('typescript/package.json')), 'bin/tsc'), '-p', 'example']).ended,
        await start(['scripts/copy-pages.mjs', 'example/dist/plugin/pages']).ended
    ];
    return codes.every((code) => code === 0) ? { TEST_EXAMPLE: 'built' } : {};
}

/** Lab's own command. */
async function runLab(args, env) {
    const child = start([lab, ...REPORTER, ...args], env);
    let counts;
    child.on('message', (message) => ({ counts } = message));
    const code = await child.ended;
    return { code, ...counts };
}

async function runEverything(environments) {
    const totals = await runAll(environments, process.stdout.isTTY ? ['--color'] : []);
    if (interruptedWith() === undefined) {
        const percent = await reportCoverage(totals.coverage);
        if (percent < THRESHOLD) {
            console.log(`Code coverage below threshold: ${percent.toFixed(2)} < ${THRESHOLD}`);
            totals.code = 1;
        }
    }

    return totals;
}

async function run(args) {
    const everything = args.length === 0;
    const needsBrowser = everything || args.some((arg) => /^test\/?$|pages/.test(arg));
    const browser = needsBrowser ? { TEST_CHROMIUM: locateChromium() } : {};
    const servers = startTestServers(everything ? processCount() : 1);
    try {
        const [environments, example] = await Promise.all([servers.ready, everything ? buildExample() : {}]);
        if (interruptedWith() !== undefined) {
            return {};
        }

        const complete = environments.map((env) => ({ ...env, ...browser, ...example }));
        return await (everything ? runEverything(complete) : runLab(args, complete[0]));
    } finally {
        await servers.stop();
    }
}

try {
    const { code, passed, failed } = await run(process.argv.slice(2));
    if (passed === undefined || interruptedWith() !== undefined) {
        console.error('The tests ended before they could be counted.');
    } else {
        console.log(`\n${passed} passed, ${failed} failed`);
    }

    process.exitCode = interruptedWith() ?? (code || (passed === undefined ? 1 : 0));
} catch (error) {
    console.error(error.message);
    process.exitCode = 1;
}
