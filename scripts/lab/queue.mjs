import { on } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { interruptedWith, root, start } from './processes.mjs';

const WORKER = fileURLToPath(new URL('worker.cjs', import.meta.url));

/** The one longest file takes about as long as an eighth of all, and a Redis server has databases for no more than 16. */
const MAX_PROCESSES = 8;

export const processCount = () => Math.min(availableParallelism(), MAX_PROCESSES);

/** The files that have tests, relative to the root; the largest first, which mostly takes longest. */
function testFiles() {
    const files = readdirSync(join(root, 'test'), { recursive: true })
        .filter((path) => path.endsWith('.ts'))
        .map((path) => ({ path: join('test', path), text: readFileSync(join(root, 'test', path), 'utf8') }))
        .filter(({ text }) => text.includes('Lab.script('));
    return files.sort((a, b) => b.text.length - a.text.length).map(({ path }) => path);
}

class Totals {
    passed = 0;
    failed = 0;
    code = 0;
    coverage = [];

    add(file, { passed, failed }, { code, output }, milliseconds) {
        this.passed += passed;
        this.failed += failed;
        const seconds = (milliseconds / 1000).toFixed(1);
        if (code === 0 && passed > 0) {
            console.log(`\u2714 ${file} (${passed} tests, ${seconds} s)`);
        } else {
            this.code = 1;
            console.log(`\u2716 ${file} (${passed} passed, ${failed} failed, ${seconds} s)\n\n${output.trim()}\n`);
        }
    }

    /** A file whose tests could not be counted is one that failed. */
    lose(file, why) {
        if (interruptedWith() === undefined) {
            this.failed += 1;
            this.code = 1;
            console.log(`\u2716 ${file}: ${why}`);
        }
    }
}

/** Lets one process run files until there are no more. */
async function work(worker, queue, totals) {
    const messages = on(worker, 'message', { close: ['close'] });
    const ask = (question) => worker.send(question, () => {});
    const answer = async () => {
        const { done, value } = await messages.next();
        if (done) {
            throw new Error(`the process of the tests ended with ${await worker.ended}`);
        }

        return value[0];
    };

    let file;
    try {
        while ((file = queue.shift())) {
            const begin = performance.now();
            ask({ file });
            const { counts } = await answer();
            totals.add(file, counts, await answer(), performance.now() - begin);
        }

        ask({});
        totals.coverage.push((await answer()).coverage);
    } catch (error) {
        totals.lose(file ?? 'Coverage', error.message);
    }

    await worker.ended;
}

/** Runs all test files in as many processes as there are environments for them. */
export async function runAll(environments, args) {
    const totals = new Totals();
    const queue = testFiles();
    await Promise.all(environments.map((env) => work(start([WORKER, ...args], env), queue, totals)));
    queue.forEach((file) => totals.lose(file, 'no process was left to run it'));
    return totals;
}
