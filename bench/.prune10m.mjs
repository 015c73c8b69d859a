// Pruning dead rows against one bare DELETE of the same rows on a copy of the table, each while refreshes run over HTTP
// against the same server.
//
// node prune.mjs [rows, 1400000] [refreshes per second, 60] [rounds, 1]
// Of the rows 70 % are dead and go. Of more than three million no copy is made, and nothing is compared.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { createDatabase, residentMemory, serve } from './database.mjs';
import { fill } from './fill.mjs';
import { Process } from './process.mjs';

const [rows = 1_400_000, rate = 60, rounds = 1] = process.argv.slice(2).map(Number);
const SECONDS = 20;

const quantile = (values, share) => [...values].sort((one, other) => one - other)[Math.floor(values.length * share)];

function summary(seconds) {
    const latencies = seconds.flatMap((second) => second.latencies);
    return {
        refreshes: latencies.length,
        errors: seconds.reduce((sum, second) => sum + second.errors, 0),
        p50: +quantile(latencies, 0.5)?.toFixed(1),
        p99: +quantile(latencies, 0.99)?.toFixed(1),
        max: +quantile(latencies, 0.99999)?.toFixed(1)
    };
}

const server = await serve('durable-mariadb', 'redis');
const connection = await mysql.createConnection(server.database);
const show = (name, value) => console.log(name.padEnd(34), JSON.stringify(value));

async function historyLength() {
    const [[row]] = await connection.query(
        "SELECT COUNT AS length FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len'"
    );
    return Number(row?.length ?? 0);
}

/** Purging what was deleted would count for whatever is measured next. */
async function settle() {
    await sleep(2000);
    for (let waited = 0; waited < 120 && (await historyLength()) > 1000; ++waited) {
        await sleep(1000);
    }
}

/** A copy of the tokens in a database of its own, which it returns. */
async function copyTokens(name) {
    const copy = `${name}_copy`;
    await connection.query(`CREATE DATABASE ${copy} CHARACTER SET utf8mb4`);
    await connection.query(`CREATE TABLE ${copy}.oauth_refresh_tokens LIKE ${name}.oauth_refresh_tokens`);
    await connection.query(`INSERT INTO ${copy}.oauth_refresh_tokens SELECT * FROM ${name}.oauth_refresh_tokens`);
    return copy;
}

/** Deletes the chains that the sweep has removed from the copy, in one statement; returns rows per second. */
async function deleteCopy(copy, name, during) {
    await connection.query(`USE ${copy}`);
    await connection.query('CREATE TABLE dead (grant_id VARCHAR(20) COLLATE utf8mb4_bin PRIMARY KEY)');
    await connection.query(
        `INSERT INTO dead SELECT DISTINCT c.grant_id FROM oauth_refresh_tokens c
        LEFT JOIN ${name}.oauth_grants g ON g.id = c.grant_id WHERE g.id IS NULL`
    );
    const deleted = { rows: 0, seconds: 0 };
    const refreshes = await during(async () => {
        const start = performance.now();
        const [result] = await connection.query(
            'DELETE t FROM oauth_refresh_tokens t JOIN dead d ON d.grant_id = t.grant_id'
        );
        deleted.seconds = (performance.now() - start) / 1000;
        deleted.rows = result.affectedRows;
    });
    show('refreshes during bare DELETE', refreshes);
    show('bare DELETE', { ...deleted, 'rows/s': Math.round(deleted.rows / deleted.seconds) });
    return deleted.rows / deleted.seconds;
}

for (let round = 1; round <= rounds; ++round) {
    const now = Date.now();
    const url = await createDatabase(server.database);
    const name = new URL(url).pathname.slice(1);
    const began = performance.now();
    const { usable, ...counts } = await fill(url, rows, { usable: 3000, now });
    show('filled', { ...counts, seconds: Math.round((performance.now() - began) / 1000) });

    const copy = rows <= 3_000_000 ? await copyTokens(name) : undefined;
    await settle();

    const forum = new Process('forum.mjs', [url]);
    const { origin } = await forum.line();
    const tokens = join(mkdtempSync(join(tmpdir(), 'bench-')), 'tokens');
    writeFileSync(tokens, usable.join('\n'));
    const load = new Process('refreshes.mjs', [origin, String(rate), tokens]);
    const during = async (work) => {
        const from = load.lines.length;
        await work();
        return summary(load.lines.slice(from));
    };

    await sleep(5000);
    const alone = await during(() => sleep(SECONDS * 1000));
    show('refreshes alone', alone);

    const memory = [];
    let report;
    const pruned = await during(async () => {
        const command = new Process('dist/jobs/command.js', ['--once'], { DATABASE_URL: url });
        const watching = setInterval(() => {
            residentMemory(command.pid).then(
                (megabytes) => memory.push(megabytes),
                () => undefined
            );
        }, 1000);
        report = await command.line((line) => line.job === 'prune-refresh-chains' && line.counts);
        clearInterval(watching);
        await command.exit;
    });
    const pruneRate = report.counts.refresh_tokens / (report.duration_ms / 1000);
    show('refreshes while pruning', pruned);
    show('pruned', { ...report.counts, seconds: report.duration_ms / 1000, 'rows/s': Math.round(pruneRate) });
    const third = Math.max(1, Math.floor(memory.length / 3));
    const mean = (values) => Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);
    show('worker memory, MB, by thirds', [
        mean(memory.slice(0, third)),
        mean(memory.slice(third, 2 * third)),
        mean(memory.slice(-third))
    ]);
    show('history length after pruning', await historyLength());
    await settle();

    const after = await during(() => sleep(SECONDS * 1000));
    show('refreshes alone, again', after);

    show('ratio of p99', +(pruned.p99 / ((alone.p99 + after.p99) / 2)).toFixed(2));
    if (copy !== undefined) {
        const bareRate = await deleteCopy(copy, name, during);
        show('ratio of rates', +(pruneRate / bareRate).toFixed(2));
        await connection.query(`DROP DATABASE ${copy}`);
    }
    await load.stop('SIGKILL');
    await forum.stop('SIGKILL');
    await connection.query(`DROP DATABASE ${name}`);
}
await connection.end();
await server.stop();
