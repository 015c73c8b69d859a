import type { Queries } from '../database';
import { headGeneration } from '../generations';
import type { CleanedTable } from './rows';

/** How many rows are looked at, so that a measurement is cheap however many rows there are. */
const MAX_COUNTED = 100_000;

/** The rows of one table that a job is going to remove. */
export interface Due {
    count: number;
    /** Since when the first of them has been due, epoch milliseconds; null where there is none. */
    since: number | null;
}

/**
 * When a refresh token became due: with its grant's revocation or its family's expiry, or in an active family when it was
 * old and no longer the head or the head's predecessor. `u` is the successor's successor.
 */
const TOKENS_DUE = `
    SELECT CASE
        WHEN g.ended_at < h.expires_at THEN g.ended_at
        WHEN g.ended_at IS NOT NULL OR h.expires_at <= ? OR u.id IS NULL THEN h.expires_at
        WHEN u.created_at - ? > o.created_at THEN u.created_at - ?
        ELSE o.created_at END AS due
    FROM (SELECT grant_id, generation, created_at FROM oauth_refresh_tokens WHERE created_at <= ?
        ORDER BY created_at, id LIMIT ${MAX_COUNTED}) o
    JOIN oauth_grants g ON g.id = o.grant_id
    JOIN oauth_refresh_tokens h ON h.grant_id = o.grant_id AND h.generation = ${headGeneration('o.grant_id')}
    LEFT JOIN oauth_refresh_tokens u ON u.grant_id = o.grant_id AND u.generation = o.generation + 2`;

/** The rows of a table that expired no later than `before`, epoch milliseconds. */
export function findDueRows(queries: Queries, table: CleanedTable, before: number): Promise<Due> {
    const due = `SELECT expires_at AS due FROM ${table} ORDER BY expires_at LIMIT ${MAX_COUNTED}`;
    return summarize(queries, due, [], before);
}

/** @param retention how long tokens are kept, milliseconds */
export function findDueTokens(queries: Queries, retention: number, now: number): Promise<Due> {
    const before = now - retention;
    return summarize(queries, TOKENS_DUE, [now, retention, retention, before], before);
}

/** Counts the refresh tokens that were made no later than `before`, epoch milliseconds. Reads them all in their index. */
export async function countOldTokens(queries: Queries, before: number): Promise<number> {
    const [row] = await queries.query<{ total: number | string }>(
        'SELECT COUNT(*) AS total FROM oauth_refresh_tokens WHERE created_at <= ?',
        [before]
    );
    return Number(row?.total ?? 0);
}

async function summarize(queries: Queries, due: string, parameters: number[], before: number): Promise<Due> {
    const [row] = await queries.query<{ total: number | string; since: number | string | null }>(
        `SELECT COUNT(*) AS total, MIN(due) AS since FROM (${due}) waiting WHERE due <= ?`,
        [...parameters, before]
    );
    return { count: Number(row?.total ?? 0), since: row?.since == null ? null : Number(row.since) };
}
