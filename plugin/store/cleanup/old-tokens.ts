import type { Queries } from '../database';
import { prunable } from '../retry-window';
import { headGeneration, oldestGeneration } from '../generations';
import { placeholders, type Place } from './rows';

/** A refresh token as it is found in the order of time. */
export interface OldToken extends Place {
    grantId: string;
    generation: number;
}

/** The state of a token family. Times are epoch milliseconds. */
export interface FamilyState {
    grantId: string;
    revokedAt: number | null;
    /** When the head expires. */
    expiresAt: number;
    /** Generations. */
    oldest: number;
    head: number;
}

/** The next refresh tokens that were made no later than `cutoff` (epoch milliseconds), oldest first. */
export async function findOldTokens(
    queries: Queries,
    cutoff: number,
    after: Place,
    limit: number
): Promise<OldToken[]> {
    const rows = await queries.query<{
        id: string;
        grant_id: string;
        generation: number;
        created_at: number | string;
    }>(
        // COALESCE keeps the optimizer from a range over the ids.
        `SELECT id, grant_id, generation, created_at FROM oauth_refresh_tokens
        WHERE created_at <= ? AND created_at >= ? AND (created_at > ? OR COALESCE(id, '') > ?)
        ORDER BY created_at, id LIMIT ${limit}`,
        [cutoff, after.time, after.time, after.id]
    );
    return rows.map((row) => ({
        id: row.id,
        time: Number(row.created_at),
        grantId: row.grant_id,
        generation: Number(row.generation)
    }));
}

/** The states of the token families of these grants. */
export async function findFamilyStates(queries: Queries, grantIds: readonly string[]): Promise<FamilyState[]> {
    if (grantIds.length === 0) {
        return [];
    }
    const rows = await queries.query<{
        id: string;
        ended_at: number | string | null;
        expires_at: number | string;
        head: number;
        oldest: number;
    }>(
        `SELECT g.id, g.ended_at, h.expires_at, h.generation AS head, ${oldestGeneration('g.id')} AS oldest
        FROM oauth_grants g
        JOIN oauth_refresh_tokens h ON h.grant_id = g.id AND h.generation = ${headGeneration('g.id')}
        WHERE g.id IN (${placeholders(grantIds)})`,
        grantIds
    );
    return rows.map((row) => ({
        grantId: row.id,
        revokedAt: row.ended_at === null ? null : Number(row.ended_at),
        expiresAt: Number(row.expires_at),
        oldest: Number(row.oldest),
        head: Number(row.head)
    }));
}

/** Which of these superseded tokens the retry window no longer needs. */
export async function findPrunable(queries: Queries, ids: readonly string[], now: number): Promise<Set<string>> {
    if (ids.length === 0) {
        return new Set();
    }
    const condition = prunable({ successor: 's', use: 'u' }, now);
    const rows = await queries.query<{ id: string }>(
        `SELECT t.id FROM oauth_refresh_tokens t
        JOIN oauth_refresh_tokens s ON s.grant_id = t.grant_id AND s.generation = t.generation + 1
        JOIN oauth_refresh_tokens u ON u.grant_id = t.grant_id AND u.generation = t.generation + 2
        WHERE t.id IN (${placeholders(ids)}) AND ${condition.sql}`,
        [...ids, ...condition.parameters]
    );
    return new Set(rows.map((row) => row.id));
}
