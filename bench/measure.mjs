import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { createDatabase } from './database.mjs';
import { fill } from './fill.mjs';
import { Process } from './process.mjs';

/** How many connections load a server. */
export const CONNECTIONS = 64;
const CLOCK_TICKS = 100;

/** A process that reads tasks, one a line, and answers each with a line. */
export class Tasks extends Process {
    async run(task) {
        const answered = this.lines.length;
        this.tell(JSON.stringify(task));
        return this.line((line) => this.lines.indexOf(line) >= answered);
    }
}

let loader;

/** Has `load.mjs` do a task; throws where not all answers were as expected. */
export async function load(task) {
    loader ??= new Tasks('load.mjs', []);
    const result = await loader.run(task);
    if (result.errors > 0) {
        throw new Error(`${result.errors} of ${result.done} requests to ${task.url ?? task.sides[0].url} failed`);
    }
    return result;
}

/** Lets `names` take turns, in another order each round after one to warm up, and gives what `measure` says by round. */
export async function inTurns(rounds, names, measure) {
    const measured = Object.fromEntries(names.map((name) => [name, []]));
    for (let round = -1; round < rounds; ++round) {
        for (let index = 0; index < names.length; ++index) {
            const name = names[(index + round + 1) % names.length];
            const value = await measure(name, round);
            if (round >= 0) {
                measured[name].push(value);
            }
        }
    }
    return measured;
}

/** CPU that a process has used, in milliseconds, all its threads included. */
export async function cpu(pid) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / CLOCK_TICKS;
}

/** The process of a MariaDB server on this machine. */
export async function databaseProcess(url) {
    const connection = await mysql.createConnection(url);
    const [[{ file, folder }]] = await connection.query('SELECT @@pid_file AS file, @@datadir AS folder');
    await connection.end();
    return Number(await readFile(file.startsWith('/') ? file : join(folder, file), 'utf8'));
}

/** Lets so many connections be open to a server at a time. */
export async function allowConnections(url, count) {
    const connection = await mysql.createConnection(url);
    await connection.query('SET GLOBAL max_connections = ?', [count]);
    await connection.end();
}

/** A filled database with so many usable tokens: one long chain can be most of a small table. */
export async function fillWith(server, rows, wanted) {
    for (;;) {
        const url = await createDatabase(server.database);
        const { usable } = await fill(url, rows, { dead: 0.2, usable: wanted });
        if (usable.length === wanted) {
            return { url, usable };
        }
    }
}

/** What `forum.mjs` has in use after a collection, and all that the system has given it, in MB. */
export async function memoryOf(forum) {
    const seen = forum.lines.length;
    forum.child.kill('SIGUSR2');
    const { memory } = await forum.line((line) => line.memory && forum.lines.indexOf(line) >= seen);
    return memory;
}
