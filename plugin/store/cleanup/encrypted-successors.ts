import type { Queries } from '../database';
import { isWindowOver, undeliverable } from '../retry-window';
import { placeholders, type Place } from './rows';

/** Before every open window: those that are over are at 0, and no id is greater than this one. */
export const FIRST_WINDOW: Place = { time: 0, id: '~' };

/** A successor whose row carries a retry window. */
export interface Successor {
    id: string;
    /** False once the encrypted token has been erased. */
    isEncrypted: boolean;
    /** The window is over or the grant is revoked: neither the encrypted token nor the window is needed. */
    isOver: boolean;
    /** It was used or can no longer be handed out: only the window is needed, to tell a late request from reuse. */
    isSpent: boolean;
}

interface Row {
    id: string;
    retry_until: number | string;
    encrypted: number;
    revoked: number;
    undeliverable: number;
    used_at: number | string | null;
}

/** The next successors that carry a retry window, in the order of their index. */
export async function findWindows(queries: Queries, after: Place, limit: number): Promise<Place[]> {
    const rows = await queries.query<{ retry_until: number | string; id: string }>(
        `SELECT retry_until, id FROM oauth_refresh_tokens
        WHERE retry_until > ? OR (retry_until = ? AND id > ?) ORDER BY retry_until, id LIMIT ${limit}`,
        [after.time, after.time, after.id]
    );
    return rows.map((row) => ({ time: Number(row.retry_until), id: row.id }));
}

/** @param now epoch milliseconds */
export async function findSuccessors(queries: Queries, ids: readonly string[], now: number): Promise<Successor[]> {
    if (ids.length === 0) {
        return [];
    }
    const condition = undeliverable({ successor: 't', token: 'p' }, now);
    const rows = await queries.query<Row>(
        `SELECT t.id, t.retry_until, CASE WHEN t.sealed_token IS NULL THEN 0 ELSE 1 END AS encrypted,
            CASE WHEN g.ended_at IS NULL THEN 0 ELSE 1 END AS revoked,
            CASE WHEN ${condition.sql} THEN 1 ELSE 0 END AS undeliverable,
            u.created_at AS used_at
        FROM oauth_refresh_tokens t
        JOIN oauth_grants g ON g.id = t.grant_id
        LEFT JOIN oauth_refresh_tokens p ON p.grant_id = t.grant_id AND p.generation = t.generation - 1
        LEFT JOIN oauth_refresh_tokens u ON u.grant_id = t.grant_id AND u.generation = t.generation + 1
        WHERE t.id IN (${placeholders(ids)})`,
        [...condition.parameters, ...ids]
    );
    return rows.map((row) => {
        const usedAt = row.used_at === null ? null : Number(row.used_at);
        const window = { retryUntil: Number(row.retry_until), usedAt };
        return {
            id: row.id,
            isEncrypted: Number(row.encrypted) === 1,
            isOver: Number(row.revoked) === 1 || isWindowOver(window, now),
            isSpent: usedAt !== null || Number(row.undeliverable) === 1
        };
    });
}

/** Erases encrypted tokens, and with `window` the windows that their rows carry too. */
export async function eraseEncrypted(
    queries: Queries,
    ids: readonly string[],
    { window }: { window: boolean }
): Promise<void> {
    if (ids.length > 0) {
        await queries.execute(
            `UPDATE oauth_refresh_tokens SET sealed_token = NULL${window ? ', retry_until = 0' : ''}
            WHERE id IN (${placeholders(ids)})`,
            ids
        );
    }
}
