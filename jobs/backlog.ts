import type { DataSource } from 'typeorm';
import { Database } from '../plugin/store/database';
import { GRACE } from './expire-device-codes';
import { RETENTION } from './prune-refresh-chains';

/** So many rows are looked at, so that asking costs little however much there is. */
const MAX_COUNTED = 100_000;

/** What waits to be swept in one table. */
export interface Backlog {
    /** Rows that the next sweep would remove, among the 100,000 oldest that are past their time. */
    rows: number;
    /** For how long the first of them has been due, seconds; 0 where there is none. */
    oldest: number;
}

/** Tables and the indexed time that decides. */
const CODES = ['oauth_device_authorizations', 'oauth_authorization_requests', 'oauth_authorization_codes'];

/**
 * When a refresh token became due: with the end of its chain, or where the chain lives when it was old and no longer
 * its head or the head's predecessor.
 */
const DUE_TOKENS = `
    SELECT CASE
        WHEN g.ended_at < h.expires_at THEN g.ended_at
        WHEN g.ended_at IS NOT NULL OR h.expires_at <= ? OR u.id IS NULL THEN h.expires_at
        WHEN u.created_at - ? > o.created_at THEN u.created_at - ?
        ELSE o.created_at END AS due
    FROM (SELECT grant_id, generation, created_at FROM oauth_refresh_tokens WHERE created_at <= ?
        ORDER BY created_at, id LIMIT ${MAX_COUNTED}) o
    JOIN oauth_grants g ON g.id = o.grant_id
    JOIN oauth_refresh_tokens h ON h.grant_id = o.grant_id AND h.generation = (
        SELECT x.generation FROM oauth_refresh_tokens x WHERE x.grant_id = o.grant_id ORDER BY x.generation DESC LIMIT 1)
    LEFT JOIN oauth_refresh_tokens u ON u.grant_id = o.grant_id AND u.generation = o.generation + 2`;

/**
 * Measures what waits for the sweeps, for a metric.
 *
 * @param retention seconds
 * @param clock epoch milliseconds
 * @returns by table
 */
export async function measureBacklog(
    dataSource: DataSource,
    { retention = RETENTION, clock = Date.now }: { retention?: number; clock?: () => number } = {}
): Promise<Record<string, Backlog>> {
    const database = new Database(dataSource);
    const now = clock();
    const kept = retention * 1000;

    const measure = async (due: string, parameters: number[], before: number): Promise<Backlog> => {
        const [row] = await database.query<{ total: number | string; oldest: number | string | null }>(
            `SELECT COUNT(*) AS total, MIN(due) AS oldest FROM (${due}) waiting WHERE due <= ?`,
            [...parameters, before]
        );
        const oldest = row?.oldest == null ? 0 : Math.round((before - Number(row.oldest)) / 1000);
        return { rows: Number(row?.total ?? 0), oldest };
    };

    const backlog: Record<string, Backlog> = {};
    for (const table of CODES) {
        const due = `SELECT expires_at AS due FROM ${table} ORDER BY expires_at LIMIT ${MAX_COUNTED}`;
        backlog[table] = await measure(due, [], now - GRACE - 1);
    }
    backlog.oauth_refresh_tokens = await measure(DUE_TOKENS, [now, kept, kept, now - kept], now - kept);
    return backlog;
}

/**
 * Counts the refresh tokens that are older than `retention`: no fewer than a sweep removes of them. Reads as much of an
 * index as there are.
 *
 * @param retention seconds
 */
export async function countOldTokens(
    dataSource: DataSource,
    { retention = RETENTION, clock = Date.now }: { retention?: number; clock?: () => number } = {}
): Promise<number> {
    const [row] = await new Database(dataSource).query<{ total: number | string }>(
        'SELECT COUNT(*) AS total FROM oauth_refresh_tokens WHERE created_at <= ?',
        [clock() - retention * 1000]
    );
    return Number(row?.total ?? 0);
}
