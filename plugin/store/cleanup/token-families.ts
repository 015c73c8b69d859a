import type { Queries } from '../database';
import { headGeneration, oldestGeneration } from '../generations';
import { placeholders } from './rows';

/** A token family that has something to remove. */
export interface PrunableFamily {
    grantId: string;
    /** Generations of its oldest token and its head; null where the grant has no token. */
    tokens: { oldest: number; head: number } | null;
    /** Revoked or expired for so long that all of it is to be removed. */
    isInactive: boolean;
}

/** The tokens of a family that are still to be looked at, by their generations. */
export interface TokenRange {
    grantId: string;
    from: number;
    head: number;
}

/** A token's place in its family, which the family's index has. */
export interface PlacedToken {
    id: string;
    grantId: string;
    generation: number;
}

/** What else decides whether a token is needed. Times are epoch milliseconds. */
export interface DatedToken extends PlacedToken {
    createdAt: number;
    retryUntil: number;
}

/** A grant without a refresh token is of use until its code or its access token expires; a standing grant, until it ends. */
const INACTIVE = `(g.ended_at <= ? OR h.expires_at <= ?
    OR (h.id IS NULL AND g.standing_for IS NULL AND COALESCE(g.expires_at, g.created_at) <= ?))`;

/**
 * The families with something to remove among the grants after `after` up to `last`, by their ids.
 *
 * @param cutoff what is older may be removed, epoch milliseconds
 * @param most how many tokens an active family may have
 */
export async function findPrunableFamilies(
    queries: Queries,
    { after, last, now, cutoff, most }: { after: string; last: string; now: number; cutoff: number; most: number }
): Promise<PrunableFamily[]> {
    const rows = await queries.query<{
        id: string;
        oldest: number | null;
        head: number | null;
        inactive: number;
    }>(
        `SELECT g.id, o.generation AS oldest, h.generation AS head, CASE WHEN ${INACTIVE} THEN 1 ELSE 0 END AS inactive
        FROM oauth_grants g
        LEFT JOIN oauth_refresh_tokens h ON h.grant_id = g.id AND h.generation = ${headGeneration('g.id')}
        LEFT JOIN oauth_refresh_tokens o ON o.grant_id = g.id AND o.generation = ${oldestGeneration('g.id')}
        WHERE g.id > ? AND g.id <= ? AND (${INACTIVE} OR (g.ended_at IS NULL AND h.expires_at > ?
            AND h.generation - o.generation > 1 AND (o.created_at <= ? OR h.generation - o.generation >= ${most})))
        ORDER BY g.id`,
        [cutoff, cutoff, cutoff, after, last, cutoff, cutoff, cutoff, now, cutoff]
    );
    return rows.map((row) => ({
        grantId: row.id,
        tokens: row.head === null ? null : { oldest: Number(row.oldest), head: Number(row.head) },
        isInactive: Number(row.inactive) === 1
    }));
}

/** The next tokens of these families, one family after the other, each from its oldest on. Reads their index only. */
export async function findPlacedTokens(
    queries: Queries,
    ranges: readonly TokenRange[],
    limit: number
): Promise<PlacedToken[]> {
    const rows = await findTokens<PlacedRow>(queries, 'id, grant_id, generation', ranges, limit);
    return rows.map(placedFromRow);
}

/** The same tokens with their times, which are in their rows. */
export async function findDatedTokens(
    queries: Queries,
    ranges: readonly TokenRange[],
    limit: number
): Promise<DatedToken[]> {
    const columns = 'id, grant_id, generation, created_at, retry_until';
    const rows = await findTokens<DatedRow>(queries, columns, ranges, limit);
    return rows.map((row) => ({
        ...placedFromRow(row),
        createdAt: Number(row.created_at),
        retryUntil: Number(row.retry_until)
    }));
}

/** Those of these grants that have no tokens. */
export async function findGrantsWithoutTokens(queries: Queries, ids: readonly string[]): Promise<string[]> {
    const rows = await queries.query<{ id: string }>(
        `SELECT id FROM oauth_grants g WHERE id IN (${placeholders(ids)})
        AND NOT EXISTS (SELECT 1 FROM oauth_refresh_tokens t WHERE t.grant_id = g.id)`,
        ids
    );
    return rows.map((row) => row.id);
}

interface PlacedRow {
    id: string;
    grant_id: string;
    generation: number;
}

interface DatedRow extends PlacedRow {
    created_at: number | string;
    retry_until: number | string;
}

function placedFromRow(row: PlacedRow): PlacedToken {
    return { id: row.id, grantId: row.grant_id, generation: Number(row.generation) };
}

function findTokens<Row>(
    queries: Queries,
    columns: string,
    ranges: readonly TokenRange[],
    limit: number
): Promise<Row[]> {
    const [first, ...others] = ranges;
    if (!first) {
        return Promise.resolve([]);
    }
    if (others.length === 0) {
        // With a list of one id, MariaDB would read the whole family and sort it.
        return queries.query<Row>(
            `SELECT ${columns} FROM oauth_refresh_tokens
            WHERE grant_id = ? AND generation >= ? ORDER BY generation LIMIT ${limit}`,
            [first.grantId, first.from]
        );
    }
    // Only the first family can have been looked at in part.
    return queries.query<Row>(
        `SELECT ${columns} FROM oauth_refresh_tokens
        WHERE grant_id IN (${placeholders(ranges)}) AND (grant_id <> ? OR generation >= ?)
        ORDER BY grant_id, generation LIMIT ${limit}`,
        [...ranges.map((range) => range.grantId), first.grantId, first.from]
    );
}
