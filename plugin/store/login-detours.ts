import { OAuthLoginDetour } from '../../entities';
import { createId } from '../ids';
import type { Queries } from './database';

/** An authorization request that is kept for a sign-in. */
export interface NewLoginDetour {
    keyHash: string;
    /** The query of the request. */
    query: string;
    /** A MAC of the client's network. */
    requestedFrom: string;
    /** Epoch milliseconds. */
    expiresAt: number;
}

/** @param now epoch milliseconds */
export function insertLoginDetour(queries: Queries, detour: NewLoginDetour, now: number): Promise<void> {
    return queries.insert(OAuthLoginDetour, { id: createId(now), ...detour, createdAt: now });
}

/** The query that was kept; null where there is none or its time has passed. @param now epoch milliseconds */
export async function findLoginDetour(queries: Queries, keyHash: string, now: number): Promise<string | null> {
    const [row] = await queries.query<{ query: string }>(
        'SELECT query FROM oauth_login_detours WHERE key_hash = ? AND expires_at > ?',
        [keyHash, now]
    );
    return row?.query ?? null;
}

/** Removes what one network has kept too much, the oldest first. @param most how many there may be */
export async function removeDetoursOverCap(queries: Queries, requestedFrom: string, most: number): Promise<void> {
    const rows = await queries.query<{ id: string }>(
        `SELECT id FROM oauth_login_detours WHERE requested_from = ?
        ORDER BY created_at DESC, id DESC LIMIT 100 OFFSET ${most}`,
        [requestedFrom]
    );
    if (rows.length > 0) {
        await queries.execute(
            `DELETE FROM oauth_login_detours WHERE id IN (${rows.map(() => '?').join(', ')})`,
            rows.map(({ id }) => id)
        );
    }
}
