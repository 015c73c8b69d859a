// Shows what the database does for each statement of the jobs on a large table: indexes used, rows read.
//
// npm run explain -- [--rows 1000000]
// Exits with 1 where a statement scans a table, sorts, or reads more than ten rows for each row of a batch.

import { parseArgs } from 'node:util';
import mysql from 'mysql2/promise';
import { connect, createDatabase, serve } from '../lib/database.mjs';
import { fill } from '../lib/fill.mjs';
import { OAuth } from '../lib/plugin.mjs';

const { values: options } = parseArgs({ options: { rows: { type: 'string', default: '1000000' } } });
const BATCH = 2000;
/** For each row of a batch: the row itself, in two indexes, and its neighbours in the token family. */
const READS = 10 * BATCH;

const server = await serve('durable-mariadb');
const url = await createDatabase(server.database);
const { usable: _usable, ...filled } = await fill(url, Number(options.rows));
console.log('filled', filled);

/** The largest statement of each shape that the jobs sent. */
const statements = new Map();
const logger = {
    logQuery: (sql, parameters = []) => {
        const shape = sql
            .replaceAll(/\?(, \?)+/g, '?, …')
            .replaceAll(/LIMIT \d+/g, 'LIMIT n')
            .replaceAll(/\s+/g, ' ')
            .trim();
        const size = parameters.length + Number(/LIMIT (\d+)$/.exec(sql)?.[1] ?? 0);
        if (size > (statements.get(shape)?.size ?? -1)) {
            statements.set(shape, { sql, parameters, size });
        }
    }
};
for (const name of ['logQueryError', 'logQuerySlow', 'logSchemaBuild', 'logMigration', 'log']) {
    logger[name] = () => undefined;
}
const dataSource = await connect(url, { logging: true, logger });
statements.clear();
await OAuth.expireDeviceCodes(dataSource);
// The walk along the token families: a dry run changes nothing.
await OAuth.pruneRefreshChains(dataSource, { batchSize: BATCH, dryRun: true });
// Part of the walk through time, so that the table stays large.
const stopping = new AbortController();
let batches = 0;
await OAuth.pruneRefreshChains(dataSource, {
    batchSize: BATCH,
    signal: stopping.signal,
    onProgress: () => {
        batches += 1;
        if (batches === 30) {
            stopping.abort();
        }
    }
});
await dataSource.destroy();

const connection = await mysql.createConnection(url);
let isBad = false;
for (const [shape, { sql, parameters }] of statements) {
    const [plan] = await connection.query(`EXPLAIN ${sql}`, parameters);
    const steps = plan.map((row) => `${row.table}: ${row.type} ${row.key ?? ''}`.trim());
    const scans = plan.some((row) => row.type === 'ALL' && !/^<|^$/.test(row.table ?? '') && Number(row.rows) > BATCH);
    const sorts = plan.some((row) => /filesort/.test(row.Extra ?? ''));
    await connection.query('START TRANSACTION');
    await connection.query('FLUSH STATUS');
    const [result] = await connection.query(sql, parameters);
    const [handlers] = await connection.query("SHOW SESSION STATUS LIKE 'Handler_read%'");
    await connection.query('ROLLBACK');
    const read = handlers.reduce((sum, row) => sum + Number(row.Value), 0);
    const bad = scans || sorts || read > READS;
    isBad ||= bad;
    console.log(
        `${bad ? 'BAD ' : 'ok  '} ${shape.slice(0, 240)}\n     ${JSON.stringify({
            read,
            rows: Array.isArray(result) ? result.length : result.affectedRows,
            parameters: parameters.length,
            sorts
        })}\n     ${steps.join('\n     ')}`
    );
}
await connection.end();
await server.stop();
process.exitCode = isBad ? 1 : 0;
