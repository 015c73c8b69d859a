import type { ClientSource } from '../../entities';
import type { Queries } from './database';

/** Sources of clients that no account made. */
export type SelfMade = Extract<ClientSource, 'self_registered' | 'metadata_document'>;

/** How many clients made themselves known in one way, counted up to `most`. */
export async function countSelfMade(queries: Queries, source: SelfMade, most: number): Promise<number> {
    const [row] = await queries.query<{ total: number | string }>(
        `SELECT COUNT(*) AS total FROM (SELECT 1 AS one FROM oauth_clients
        WHERE source = ? AND deleted_at IS NULL LIMIT ${most}) counted`,
        [source]
    );
    return Number(row?.total ?? 0);
}

/** Nobody has looked at it, and no account has given it anything. */
const UNUSED = `c.verified = 0 AND c.status = 'active'
    AND NOT EXISTS (SELECT 1 FROM oauth_grants g WHERE g.oauth_client_id = c.id)`;

/** A client that may be removed, as long as nobody approves it. */
export interface Removable {
    id: string;
    /** When an account approved it last, epoch milliseconds; 0 for never. */
    usedAt: number;
}

/**
 * The clients that make room for others: of those that registered themselves the oldest that were never used, of those with a
 * document the ones that were unused longest.
 *
 * @param before made before this time, epoch milliseconds
 * @param kept `client_id`s that stay
 */
export async function findRemovable(
    queries: Queries,
    source: SelfMade,
    { before, kept, limit }: { before: number; kept: readonly string[]; limit: number }
): Promise<Removable[]> {
    const isDocument = source === 'metadata_document';
    const rows = await queries.query<RemovableColumns>(
        `SELECT c.id, c.used_at FROM oauth_clients c
        WHERE c.source = ? AND c.deleted_at IS NULL AND c.created_at <= ? AND ${UNUSED}
            ${isDocument ? '' : 'AND c.used_at IS NULL'}
            ${kept.length === 0 ? '' : `AND c.client_id NOT IN (${kept.map(() => '?').join(', ')})`}
        ORDER BY ${isDocument ? 'COALESCE(c.used_at, c.created_at)' : 'c.created_at'}, c.id LIMIT ${limit}`,
        [source, before, ...kept]
    );
    return rows.map(removableFromRow);
}

interface RemovableColumns {
    id: string;
    used_at: number | string | null;
}

function removableFromRow({ id, used_at: usedAt }: RemovableColumns): Removable {
    return { id, usedAt: Number(usedAt ?? 0) };
}

/**
 * Removes a client that nobody has use for, unless somebody has found one since. What is pending for it expires by itself.
 *
 * @returns false where it is in use, or was removed before
 */
export async function removeUnusedClient(queries: Queries, { id, usedAt }: Removable, now: number): Promise<boolean> {
    const removed = await queries.execute(
        `UPDATE oauth_clients SET deleted_at = ?, updated_at = ?, secret_hash = NULL, previous_secret_hash = NULL,
            previous_secret_expires_at = NULL
        WHERE id = ? AND deleted_at IS NULL AND verified = 0 AND status = 'active' AND COALESCE(used_at, 0) = ?
            AND NOT EXISTS (SELECT 1 FROM oauth_grants g WHERE g.oauth_client_id = oauth_clients.id)`,
        [now, now, id, usedAt]
    );
    return removed > 0;
}

/** Notes that an account has approved a client that made itself known. @param now epoch milliseconds */
export async function noteUse(queries: Queries, id: string, now: number): Promise<void> {
    await queries.execute('UPDATE oauth_clients SET used_at = ?, idle_since = NULL WHERE id = ?', [now, id]);
}

/**
 * Registered clients that are not needed any more: never approved for long, or without a grant for long.
 *
 * @param neverUsed made before this time, epoch milliseconds
 * @param idle without a grant since before this time
 */
export async function findUnusedClients(
    queries: Queries,
    { neverUsed, idle, limit }: { neverUsed: number; idle: number; limit: number }
): Promise<Removable[]> {
    const rows = await queries.query<RemovableColumns>(
        `SELECT c.id, c.used_at FROM oauth_clients c WHERE c.source = 'self_registered' AND c.deleted_at IS NULL AND ${UNUSED}
            AND ((c.used_at IS NULL AND c.created_at <= ?) OR (c.used_at IS NOT NULL AND c.idle_since <= ?))
        ORDER BY c.created_at, c.id LIMIT ${limit}`,
        [neverUsed, idle]
    );
    return rows.map(removableFromRow);
}

/** Notes since when registered clients that were used have no grant any more. @returns how many */
export function noteIdleClients(queries: Queries, now: number): Promise<number> {
    return queries.execute(
        `UPDATE oauth_clients SET idle_since = ? WHERE source = 'self_registered' AND deleted_at IS NULL
            AND used_at IS NOT NULL AND idle_since IS NULL
            AND NOT EXISTS (SELECT 1 FROM oauth_grants g WHERE g.oauth_client_id = oauth_clients.id)`,
        [now]
    );
}
