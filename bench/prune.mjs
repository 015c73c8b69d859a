// Pruning a million dead rows against one bare DELETE of the same rows on a copy of the table, while refreshes run over
// HTTP against the same server. The machine may be busy with other things, so all three are measured in turns: some
// seconds of refreshes alone, some seconds of pruning, an eighth of the bare DELETE, and again.
//
// node prune.mjs [rows, 1400000] [refreshes per second, 60] [turns, 8] [--no-copy]
// Of the rows 70 % are dead and go. With --no-copy there is no DELETE to compare with, for tables that are too large.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { createDatabase, residentMemory, serve } from './database.mjs';
import { fill } from './fill.mjs';
import { Process } from './process.mjs';

const numbers = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const [rows = 1_400_000, rate = 60, turns = 8] = numbers.map(Number);
const compares = !process.argv.includes('--no-copy');
const WINDOW = 5000;
const DAY = 24 * 60 * 60 * 1000;

const quantile = (values, share) =>
    +([...values].sort((one, other) => one - other)[Math.floor(values.length * share)] ?? NaN).toFixed(1);
const median = (values) => quantile(values, 0.5);
const show = (name, value) => console.log(name.padEnd(30), JSON.stringify(value));

const server = await serve('durable-mariadb');
const url = await createDatabase(server.database);
const connection = await mysql.createConnection(url);

const began = performance.now();
const { usable, ...filled } = await fill(url, rows, { usable: 5000 });
show('filled', { ...filled, seconds: Math.round((performance.now() - began) / 1000) });
if (compares) {
    await copyTokens();
}

/** Copies the tokens, and notes which of them are dead, in as many parts as there are turns. */
async function copyTokens() {
    const cutoff = Date.now() - 7 * DAY;
    await connection.query('CREATE TABLE copied LIKE oauth_refresh_tokens');
    await connection.query('INSERT INTO copied SELECT * FROM oauth_refresh_tokens');
    await connection.query(
        'CREATE TABLE dead (grant_id VARCHAR(20) COLLATE utf8mb4_bin PRIMARY KEY, part INT, KEY (part))'
    );
    await connection.query(
        `INSERT INTO dead SELECT grant_id, FLOOR((SUM(tokens) OVER (ORDER BY grant_id) - 1) * ? / SUM(tokens) OVER ())
        FROM (SELECT t.grant_id, COUNT(*) AS tokens FROM copied t JOIN oauth_grants g ON g.id = t.grant_id
            GROUP BY t.grant_id HAVING MAX(COALESCE(g.ended_at, t.expires_at)) <= ?) d`,
        [turns, cutoff]
    );
}

/** Waits until InnoDB has purged what was deleted, so that this does not count for what is measured next. */
async function settle() {
    for (let waited = 0; waited < 200; ++waited) {
        const [[status]] = await connection.query("SHOW GLOBAL STATUS LIKE 'Innodb_history_list_length'");
        if (Number(status.Value) < 200) {
            return;
        }
        await sleep(50);
    }
}

const forum = new Process('forum.mjs', [url]);
const { origin } = await forum.line();
const file = join(mkdtempSync(join(tmpdir(), 'bench-')), 'tokens');
writeFileSync(file, usable.join('\n'));
const load = new Process('refreshes.mjs', [origin, String(rate), file]);
const sweeper = new Process('sweeper.mjs', [url]);
await sleep(5000);

/** What happened while something was measured, turn by turn. */
class Series {
    seconds = [];
    rows = 0;
    milliseconds = 0;

    async turn(work) {
        // The line that comes first tells of what was before.
        const from = load.lines.length + 1;
        const start = performance.now();
        this.rows += await work();
        this.milliseconds += performance.now() - start;
        await sleep(200);
        this.seconds.push(load.lines.slice(from));
    }

    get rowsPerSecond() {
        return Math.round((this.rows / this.milliseconds) * 1000);
    }

    get p99() {
        return quantile(this.#latencies(this.seconds.flat()), 0.99);
    }

    get summary() {
        const latencies = this.#latencies(this.seconds.flat());
        return {
            refreshes: latencies.length,
            errors: this.seconds.flat().reduce((sum, second) => sum + second.errors, 0),
            p50: quantile(latencies, 0.5),
            p99: this.p99,
            'median p99 of turns': median(this.seconds.map((lines) => quantile(this.#latencies(lines), 0.99)))
        };
    }

    #latencies(lines) {
        return lines.flatMap((line) => line.latencies);
    }
}

const memory = [];
const alone = new Series();
const pruning = new Series();
const bare = new Series();
let removed = 0;
let purged = 0;
const isDone = () => sweeper.lines.some((line) => line.counts);
for (let turn = 0; turn < turns || (!isDone() && !compares); ++turn) {
    await alone.turn(async () => {
        await sleep(WINDOW);
        return 0;
    });
    if (!isDone()) {
        await pruning.turn(async () => {
            const stops = sweeper.lines.length;
            sweeper.tell('go');
            await Promise.race([sleep(WINDOW), sweeper.line((line) => line.counts)]);
            if (!isDone()) {
                sweeper.tell('stop');
                memory.push(await residentMemory(sweeper.pid));
            }
            const { removed: total } = await sweeper.line((line, index) => index >= stops);
            const now = total - removed;
            removed = total;
            return now;
        });
    }
    await settle();
    if (compares) {
        const start = performance.now();
        await bare.turn(async () => {
            const [result] = await connection.query(
                'DELETE t FROM copied t JOIN dead d ON d.grant_id = t.grant_id WHERE d.part = ?',
                [turn]
            );
            return result.affectedRows;
        });
        await settle();
        purged += performance.now() - start;
    }
}
sweeper.tell('go');
const { counts } = await sweeper.line((line) => line.counts);

show('refreshes alone', alone.summary);
show('refreshes while pruning', pruning.summary);
show('pruned while measured, rows/s', [pruning.rows, pruning.rowsPerSecond]);
show('pruned to the end', counts);
const third = Math.max(1, Math.floor(memory.length / 3));
show('memory of the sweep, MB, thirds', [
    median(memory.slice(0, third)),
    median(memory.slice(third, 2 * third)),
    median(memory.slice(-third))
]);
show('ratio of p99', +(pruning.p99 / alone.p99).toFixed(2));
show(
    'ratio of median p99 of turns',
    +(pruning.summary['median p99 of turns'] / alone.summary['median p99 of turns']).toFixed(2)
);
if (compares) {
    show('bare DELETE, rows/s', [bare.rows, bare.rowsPerSecond]);
    show('ratio of rates', +(pruning.rowsPerSecond / bare.rowsPerSecond).toFixed(2));
    // Most of the work of a DELETE is done by InnoDB's purge threads: after one statement, but during small ones.
    show('bare DELETE and purge, rows/s', Math.round((bare.rows / purged) * 1000));
}
await load.stop('SIGKILL');
await forum.stop('SIGKILL');
await connection.end();
await server.stop();
