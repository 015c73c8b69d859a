// Kills the worker (SIGKILL) at random moments: does the next run finish, and do all live rows stay?
//
// npm run kill -- [kills, 20] [rows, 300000]

import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { createDatabase, serve } from '../lib/database.mjs';
import { fill } from '../lib/fill.mjs';
import { Process } from '../lib/process.mjs';

const [kills = 20, rows = 300_000] = process.argv.slice(2).map(Number);
const DAY = 24 * 60 * 60 * 1000;
const server = await serve('mariadb', 'redis');
const url = await createDatabase(server.database);
const { usable: _usable, ...counts } = await fill(url, rows);
console.log('filled', counts);
const connection = await mysql.createConnection(url);
const now = Date.now();

// Rows that must stay, selected from the rules and not with the job's code: all tokens of families that are live or died
// recently, except superseded tokens that are old or beyond the hundredth.
await connection.query(
    `CREATE TABLE live AS SELECT t.id FROM oauth_refresh_tokens t JOIN oauth_grants g ON g.id = t.grant_id
    JOIN (SELECT grant_id, MAX(generation) AS head FROM oauth_refresh_tokens GROUP BY grant_id) c USING (grant_id)
    JOIN oauth_refresh_tokens h ON h.grant_id = c.grant_id AND h.generation = c.head
    WHERE COALESCE(g.ended_at, ?) > ? AND h.expires_at > ?
        AND (g.ended_at IS NOT NULL OR t.generation >= c.head - 1
            OR (t.generation >= c.head - 101 AND t.created_at > ?))`,
    [now, now - 7 * DAY, now - 7 * DAY, now - 7 * DAY + 60 * 60 * 1000]
);
await connection.query('ALTER TABLE live ADD PRIMARY KEY (id)');
const count = async (sql) => Number((await connection.query(sql))[0][0].total);
const live = await count('SELECT COUNT(*) AS total FROM live');
const tokens = () => count('SELECT COUNT(*) AS total FROM oauth_refresh_tokens');
const missing = () =>
    count('SELECT COUNT(*) AS total FROM live l LEFT JOIN oauth_refresh_tokens t ON t.id = l.id WHERE t.id IS NULL');
const holes = () =>
    count(`SELECT COUNT(*) AS total FROM (SELECT MAX(generation) - MIN(generation) + 1 - COUNT(*) AS gone
        FROM oauth_refresh_tokens GROUP BY grant_id HAVING gone <> 0) h`);

const touched = [];
for (let killed = 1; killed <= kills; ++killed) {
    const before = await tokens();
    // Half of them run once, as cron would start it; half are workers on Redis with schedules of one second.
    const worker =
        killed % 2 === 0
            ? new Process('processes/worker.mjs', [url, server.redis])
            : new Process('dist/jobs/command.js', ['--once'], { DATABASE_URL: url });
    for (let waited = 0; waited < 1000 && (await tokens()) === before; ++waited) {
        await sleep(20);
    }
    await sleep(Math.random() * 800);
    worker.child.kill('SIGKILL');
    await worker.exit;
    const result = { killed, removed: before - (await tokens()), missing: await missing(), holes: await holes() };
    touched.push(result);
    console.log(JSON.stringify(result));
}
const left = await tokens();
const last = new Process('dist/jobs/command.js', ['--once'], { DATABASE_URL: url });
const [status] = await last.exit;
console.log('the next run', { status, removed: left - (await tokens()) });
const dry = new Process('dist/jobs/command.js', ['--dry-run'], { DATABASE_URL: url });
await dry.exit;
console.log('left to remove', JSON.stringify(dry.lines.at(-1).counts));
console.log('live rows', { before: live, missing: await missing(), holes: await holes(), rows: await tokens() });
console.log('kills that touched live rows', touched.filter((result) => result.missing + result.holes > 0).length);
await connection.end();
await server.stop();
