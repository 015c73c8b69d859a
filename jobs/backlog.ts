import type { DataSource } from 'typeorm';
import { Database } from '../plugin/database';
import { GRACE } from './expire-device-codes';
import { RETENTION } from './prune-refresh-chains';

/** Counting stops here, so that asking costs little however much there is. */
const MAX_COUNTED = 100_000;

/** What waits to be swept in one table. */
export interface Backlog {
    /** Rows past their time, counted up to 100,000. */
    rows: number;
    /** How long the oldest of them has been past its time, seconds; 0 where there is none. */
    oldest: number;
}

/** Tables, the indexed time that decides, and how long after it a row may go, milliseconds. */
const TABLES = (retention: number) =>
    [
        ['oauth_device_authorizations', 'expires_at', GRACE],
        ['oauth_authorization_requests', 'expires_at', GRACE],
        ['oauth_authorization_codes', 'expires_at', GRACE],
        ['oauth_refresh_tokens', 'created_at', retention * 1000]
    ] as const;

/**
 * Measures what waits for the sweeps, for a metric. Of refresh tokens it counts those older than `retention`, among them
 * the heads of chains that live on unused: their number is what it is when nothing is left to do.
 *
 * @param retention seconds
 * @param clock epoch milliseconds
 */
export async function measureBacklog(
    dataSource: DataSource,
    { retention = RETENTION, clock = Date.now }: { retention?: number; clock?: () => number } = {}
): Promise<Record<string, Backlog>> {
    const database = new Database(dataSource);
    const now = clock();
    const measured = TABLES(retention).map(async ([table, column, after]): Promise<[string, Backlog]> => {
        const [row] = await database.query<{ total: number | string; oldest: number | string | null }>(
            `SELECT COUNT(*) AS total, MIN(due) AS oldest FROM
                (SELECT ${column} AS due FROM ${table} WHERE ${column} < ? ORDER BY ${column} LIMIT ${MAX_COUNTED}) waiting`,
            [now - after]
        );
        const oldest = row?.oldest == null ? 0 : Math.round((now - after - Number(row.oldest)) / 1000);
        return [table, { rows: Number(row?.total ?? 0), oldest }];
    });
    return Object.fromEntries(await Promise.all(measured));
}
