// Pruning against one bare DELETE of the same rows, with refreshes over HTTP and without.
//
// npm run prune -- [--rows 1400000] [--rounds 5] [--seconds 6] [--load 0.5 | --rate 60] [--no-copy]
// --load: refreshes, as a share of what the idle machine answers; --rate: refreshes per second.
// --no-copy leaves out the DELETE; the default from 3 million rows on.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import mysql from 'mysql2/promise';
import { createDatabase, serve } from '../lib/database.mjs';
import { addIndexes, dropIndexes, fill } from '../lib/fill.mjs';
import { Process, residentMemory } from '../lib/process.mjs';

const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
        rows: { type: 'string' },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '6' },
        load: { type: 'string', default: '0.5' },
        rate: { type: 'string' },
        'no-copy': { type: 'boolean' }
    }
});
const rows = Number(options.rows ?? positionals[0] ?? 1_400_000);
const rounds = Number(options.rounds);
const WINDOW = Number(options.seconds) * 1000;
if (!(WINDOW >= 2000)) {
    throw new Error('--seconds must be at least 2: refreshes are counted by the second');
}
const compares = !(options['no-copy'] ?? rows >= 3_000_000);

const quantile = (values, share) =>
    +([...values].sort((one, other) => one - other)[Math.floor(values.length * share)] ?? NaN).toFixed(2);
const median = (values) => quantile(values, 0.5);
const show = (name, value) => console.log(name.padEnd(34), JSON.stringify(value));
const started = performance.now();

const server = await serve('durable-mariadb');
const url = await createDatabase(server.database);
const connection = await mysql.createConnection(url);
// The statements here must not lock rows that refreshes and the job use.
await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');

await connection.query("SET GLOBAL innodb_monitor_enable = 'purge_del_mark_records'");
const { usable, ...filled } = await fill(url, rows, { usable: 5000 });
show('filled', { ...filled, seconds: Math.round((performance.now() - started) / 1000) });
if (compares) {
    await copyTokens();
}

/** Copies the tokens as `fill` writes them: indexes are built after the rows. */
async function copyTokens() {
    await connection.query('CREATE TABLE copied LIKE oauth_refresh_tokens');
    await dropIndexes(connection, 'copied');
    await connection.query('INSERT INTO copied SELECT * FROM oauth_refresh_tokens');
    await addIndexes(connection, 'copied');
    await connection.query('CREATE TABLE gone (id VARCHAR(20) COLLATE utf8mb4_bin PRIMARY KEY)');
    await connection.query('ANALYZE TABLE copied');
}

/** How many rows InnoDB has purged so far. */
async function purgedRows() {
    const [[row]] = await connection.query(
        "SELECT COUNT AS purged FROM information_schema.INNODB_METRICS WHERE NAME = 'purge_del_mark_records'"
    );
    return Number(row.purged);
}

/**
 * Waits until InnoDB has purged the deleted rows, so that the purge does not slow down the next measurement.
 *
 * @param least total of purged rows to wait for; without it, waits until the purge pauses
 * @returns how long the purge went on, milliseconds
 */
async function settle(least = 0) {
    const began = performance.now();
    let purged = await purgedRows();
    let changed = began;
    for (let now = began; (purged < least || now - changed < 400) && now - began < 120_000; now = performance.now()) {
        await sleep(40);
        const seen = await purgedRows();
        if (seen !== purged) {
            purged = seen;
            changed = performance.now();
        }
    }
    return changed - began;
}

const forum = new Process('processes/forum.mjs', [url]);
const { origin } = await forum.line();
const folder = mkdtempSync(join(tmpdir(), 'bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'tokens');
writeFileSync(file, usable.join('\n'));
const load = new Process('processes/refreshes.mjs', [origin, '0', file]);
const cleanup = new Process('processes/cleanup.mjs', [url]);

const rate = options.rate === undefined ? Math.round((await capacity()) * Number(options.load)) : Number(options.rate);
show('rate, refreshes/s', rate);

/** How many refreshes per second the idle machine answers. */
async function capacity() {
    load.tell('max');
    await sleep(6000);
    load.tell('0');
    const perSecond = median(load.lines.slice(-4).map((line) => line.latencies.length));
    show('capacity, refreshes/s', perSecond);
    return perSecond;
}

/** The refreshes while something was measured. */
class Refreshes {
    latencies = [];
    errors = 0;

    /** Collects the refreshes while `work` runs. */
    static async of(work) {
        // The first line is about the time before.
        const from = load.lines.length + 1;
        const result = await work();
        await sleep(200);
        const refreshes = new Refreshes();
        refreshes.add(load.lines.slice(from));
        return { result, refreshes };
    }

    add(lines) {
        for (const line of lines) {
            this.latencies.push(...line.latencies);
            this.errors += line.errors;
        }
    }

    get p99() {
        return quantile(this.latencies, 0.99);
    }
}

const isDone = () => cleanup.lines.some((line) => line.counts);
const memory = [];
let removed = 0;
let lastStop = 0;

/** Runs the job for one window. */
async function prune() {
    const began = performance.now();
    cleanup.tell('go');
    await Promise.race([sleep(WINDOW), cleanup.line((line) => line.counts)]);
    if (!isDone()) {
        cleanup.tell('stop');
        memory.push(await residentMemory(cleanup.pid));
    }
    const { removed: total } = await cleanup.line((line, index) => index >= lastStop);
    const milliseconds = performance.now() - began;
    lastStop = cleanup.lines.length;
    const count = total - removed;
    removed = total;
    return { rows: count, perSecond: (count / milliseconds) * 1000 };
}

/** Deletes from the copy, in one statement, the rows pruned since the last call. */
async function bareDelete() {
    await connection.query('TRUNCATE TABLE gone');
    await connection.query(
        `INSERT INTO gone SELECT c.id FROM copied c LEFT JOIN oauth_refresh_tokens t ON t.id = c.id
        WHERE t.id IS NULL ORDER BY c.id`
    );
    await settle();
    const purged = await purgedRows();
    const began = performance.now();
    const [{ affectedRows }] = await connection.query('DELETE c FROM gone g STRAIGHT_JOIN copied c ON c.id = g.id');
    const milliseconds = performance.now() - began;
    const purging = await settle(purged + affectedRows);
    return {
        rows: affectedRows,
        perSecond: (affectedRows / milliseconds) * 1000,
        withPurge: (affectedRows / (milliseconds + purging)) * 1000
    };
}

const quiet = [];
const loaded = [];
for (let round = 0; round < rounds || !compares; ++round) {
    if (isDone()) {
        break;
    }
    if (compares) {
        const pruned = await prune();
        await settle();
        quiet.push({ pruned, bare: await bareDelete() });
    }
    if (isDone()) {
        break;
    }
    load.tell(String(rate));
    await sleep(1500);
    // The order alternates: what runs second finds other pages in memory.
    const alone = () => Refreshes.of(() => sleep(WINDOW));
    const before = round % 2 === 0 ? await alone() : undefined;
    const { result: pruned, refreshes } = await Refreshes.of(prune);
    if (compares) {
        await settle();
    }
    const { refreshes: without } = before ?? (await alone());
    loaded.push({ pruned, refreshes, without, bare: compares ? await bareDelete() : undefined });
    load.tell('0');
    await sleep(300);
    if (!compares && round % 10 === 0) {
        const { rows: count, perSecond } = pruned;
        show('so far', { removed, count, perSecond: Math.round(perSecond), p99: [without.p99, refreshes.p99] });
    }
}
if (!isDone()) {
    cleanup.tell('go');
}
const { counts } = await cleanup.line((line) => line.counts);
if (loaded.length === 0) {
    throw new Error('Everything was pruned before the first window with refreshes: use more --rows or fewer --seconds');
}

const all = (parts) => {
    const { latencies } = parts.reduce((sum, one) => ({ latencies: sum.latencies.concat(one.latencies) }));
    const errors = parts.reduce((sum, one) => sum + one.errors, 0);
    return { refreshes: latencies.length, errors, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) };
};
const without = all(loaded.map((round) => round.without));
const during = all(loaded.map((round) => round.refreshes));
const inEach = (pick, list) => list.map((round) => +pick(round).toPrecision(3));
const showRounds = (name, pick, list) => show(name, { median: median(list.map(pick)), rounds: inEach(pick, list) });

show('refreshes alone', without);
show('refreshes while pruning', during);
show('ratio of p99', +(during.p99 / without.p99).toFixed(2));
showRounds('ratio of p99 by round', (round) => round.refreshes.p99 / round.without.p99, loaded);
showRounds('pruning, rows/s', (round) => round.pruned.perSecond, loaded);
if (compares) {
    const ratio = (round) => round.pruned.perSecond / round.bare.perSecond;
    const ratioWithPurge = (round) => round.pruned.perSecond / round.bare.withPurge;
    showRounds('bare DELETE, rows/s', (round) => round.bare.perSecond, loaded);
    show('ratio of rates', median(loaded.map(ratio)));
    showRounds('ratio of rates by round', ratio, loaded);
    showRounds('ratio with purge of both', ratioWithPurge, loaded);
    showRounds('without refreshes: pruning', (round) => round.pruned.perSecond, quiet);
    showRounds('without refreshes: DELETE', (round) => round.bare.perSecond, quiet);
    showRounds('without refreshes: ratio', ratio, quiet);
    showRounds('without refreshes: with purge', ratioWithPurge, quiet);
}
show('pruned to the end', counts);
const third = Math.max(1, Math.floor(memory.length / 3));
show('memory of the job, MB, by thirds', [
    median(memory.slice(0, third)),
    median(memory.slice(third, 2 * third)),
    median(memory.slice(-third))
]);
show('minutes', +((performance.now() - started) / 60_000).toFixed(1));
await load.stop('SIGKILL');
await forum.stop('SIGKILL');
await connection.end();
await server.stop();
