import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { cpu, Process, Tasks } from './process.mjs';

/** How many connections load a server. */
export const CONNECTIONS = 64;

let loader;

/** Runs a task of `processes/load.mjs`; throws where a response was not the expected one. */
export async function load(task) {
    loader ??= new Tasks('processes/load.mjs');
    const result = await loader.run(task);
    if (result.errors > 0) {
        throw new Error(`${result.errors} of ${result.done} requests to ${task.url ?? task.sides[0].url} failed`);
    }
    return result;
}

/** Runs a task of `processes/hammer.mjs`. */
export async function hammer(task) {
    const child = new Process('processes/hammer.mjs');
    child.child.stdin.end(JSON.stringify({ connections: CONNECTIONS, ...task }));
    const measured = await child.line();
    await child.exit;
    return measured;
}

/**
 * Measures `names` in turns, in another order each round. The first round warms up and is left out.
 *
 * @param measure takes a name, returns what was measured
 * @returns the values of each name, by round
 */
export async function inTurns(rounds, names, measure) {
    const measured = Object.fromEntries(names.map((name) => [name, []]));
    for (let round = -1; round < rounds; ++round) {
        for (let index = 0; index < names.length; ++index) {
            const name = names[(index + round + 1) % names.length];
            const value = await measure(name);
            if (round >= 0) {
                measured[name].push(value);
            }
        }
    }
    return measured;
}

/**
 * Measures the CPU of some work.
 *
 * @param pid the process under test
 * @param database the process of MariaDB
 * @param work returns {"done", "seconds"}
 * @returns what the work returns, requests per second, and CPU per request in milliseconds: of the process, and with MariaDB
 */
export async function withCpu(pid, database, work) {
    const [own, others] = [await cpu(pid), await cpu(database)];
    const result = await work();
    const used = (await cpu(pid)) - own;
    return {
        ...result,
        rate: result.done / result.seconds,
        cpu: used / result.done,
        withDatabase: (used + (await cpu(database)) - others) / result.done
    };
}

/** The process id of a MariaDB server on this machine. */
export async function databaseProcess(url) {
    const connection = await mysql.createConnection(url);
    const [[{ file, folder }]] = await connection.query('SELECT @@pid_file AS file, @@datadir AS folder');
    await connection.end();
    return Number(await readFile(file.startsWith('/') ? file : join(folder, file), 'utf8'));
}

/** Memory of `processes/forum.mjs` after a garbage collection, MB: in use, outside the heap, and resident. */
export async function memoryOf(forum) {
    const seen = forum.lines.length;
    forum.child.kill('SIGUSR2');
    const { memory } = await forum.line((line, index) => line.memory && index >= seen);
    return memory;
}
