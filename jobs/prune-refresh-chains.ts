import type { DataSource } from 'typeorm';
import { LATE_AFTER, UNTIL_USED } from '../plugin/tokens/chain';
import { deleteById, placeholders, Sweep, type SweepOptions } from './sweep';

/** How long what is dead is kept by default, seconds: seven days. */
export const RETENTION = 7 * 24 * 60 * 60;

/** Superseded tokens that a live chain keeps beyond its head and the head's predecessor. */
const KEPT = 100;

/** What a run of `prune-refresh-chains` removed. */
export interface PrunedCounts {
    refresh_tokens: number;
    grants: number;
    clients: number;
    /** Sealed successors that can no longer be handed out. */
    seals: number;
}

/**
 * Removes refresh chains that have been dead for longer than `retention`, what live chains have superseded and do not
 * need, and the seals of successors that can no longer be handed out. A live chain keeps its head, the head's
 * predecessor, tokens whose retry window is open, and at most a hundred more that are no older than `retention`.
 *
 * @param retention seconds
 */
export async function pruneRefreshChains(
    dataSource: DataSource,
    { retention = RETENTION, ...options }: SweepOptions & { retention?: number } = {}
): Promise<PrunedCounts> {
    const sweep = new Sweep(dataSource, options);
    const cutoff = sweep.now - retention * 1000;
    const seals = await eraseSeals(sweep);
    const old = await removeOldTokens(sweep, cutoff);
    const surplus = await removeSurplus(sweep);
    const clients = await removeDeletedClients(sweep, cutoff);
    return { refresh_tokens: old.tokens + surplus, grants: old.grants, clients, seals };
}

/**
 * Erases what can no longer be handed out: a window is closed when its time has passed or, where it has none, when the
 * successor has been used.
 */
async function eraseSeals(sweep: Sweep): Promise<number> {
    let at = 0;
    let id = '';
    const timed = await sweep.run(async (size) => {
        const rows = await sweep.database.query<{ id: string; retry_until: number | string }>(
            `SELECT id, retry_until FROM oauth_refresh_tokens
            WHERE retry_until <= ? AND (retry_until > ? OR (retry_until = ? AND id > ?))
            ORDER BY retry_until, id LIMIT ${size}`,
            [sweep.now, at, at, id === '' ? LAST_ID : id]
        );
        const last = rows.at(-1);
        at = Number(last?.retry_until ?? at);
        id = last?.id ?? id;
        return { removed: await erase(sweep, rows), more: rows.length === size };
    });
    id = '';
    const used = await sweep.run(async (size) => {
        const rows = await sweep.database.query<{ id: string; used: number | null }>(
            `SELECT t.id, u.generation AS used FROM oauth_refresh_tokens t
            LEFT JOIN oauth_refresh_tokens u ON u.grant_id = t.grant_id AND u.generation = t.generation + 1
            WHERE t.retry_until = ? AND t.id > ? ORDER BY t.id LIMIT ${size}`,
            [UNTIL_USED, id]
        );
        id = rows.at(-1)?.id ?? id;
        const removed = await erase(
            sweep,
            rows.filter((row) => row.used !== null)
        );
        return { removed, more: rows.length === size };
    });
    return timed + used;
}

/** Greater than any id: erased seals, at 0, are passed over as a whole. */
const LAST_ID = '~';

async function erase(sweep: Sweep, rows: { id: string }[]): Promise<number> {
    if (rows.length === 0 || sweep.dryRun) {
        return rows.length;
    }
    const ids = rows.map((row) => row.id);
    return sweep.database.execute(
        `UPDATE oauth_refresh_tokens SET sealed_token = NULL, retry_until = 0 WHERE id IN (${placeholders(ids)})`,
        ids
    );
}

interface OldToken {
    id: string;
    grant_id: string;
    created_at: number | string;
    expires_at: number | string;
    ended_at: number | string | null;
    successor_expires_at: number | string | null;
    successor_retry_until: number | string | null;
    successor_used_at: number | string | null;
}

/**
 * Removes, oldest first, what is older than `retention` and of no more use. The rows of a chain that has been dead for
 * longer are all among them, its head last; the grant goes with the head.
 */
async function removeOldTokens(sweep: Sweep, cutoff: number): Promise<{ tokens: number; grants: number }> {
    let at = -1;
    let id = '';
    let grants = 0;
    const tokens = await sweep.run(async (size) => {
        const rows = await sweep.database.query<OldToken>(
            `SELECT t.id, t.grant_id, t.created_at, t.expires_at, g.ended_at, s.expires_at AS successor_expires_at,
                s.retry_until AS successor_retry_until, u.created_at AS successor_used_at
            FROM oauth_refresh_tokens t
            JOIN oauth_grants g ON g.id = t.grant_id
            LEFT JOIN oauth_refresh_tokens s ON s.grant_id = t.grant_id AND s.generation = t.generation + 1
            LEFT JOIN oauth_refresh_tokens u ON u.grant_id = t.grant_id AND u.generation = t.generation + 2
            WHERE t.created_at <= ? AND (t.created_at > ? OR (t.created_at = ? AND t.id > ?))
            ORDER BY t.created_at, t.id LIMIT ${size}`,
            [cutoff, at, at, id]
        );
        const dead = rows.filter((row) => isDead(row, cutoff));
        const goes = rows.filter((row) => dead.includes(row) || isSuperseded(row, sweep.now));
        const ends = dead.filter((row) => row.successor_expires_at === null).map((row) => row.grant_id);
        const last = rows.at(-1);
        at = Number(last?.created_at ?? at);
        id = last?.id ?? id;
        const ids = goes.map((row) => row.id);
        if (sweep.dryRun) {
            grants += ends.length;
            return { removed: ids.length, more: rows.length === size };
        }
        const removed = await removeTokens(sweep, ids, ends);
        grants += removed.grants;
        return { removed: removed.tokens, more: rows.length === size };
    });
    return { tokens, grants };
}

/** True for a token of a chain that has been ended, or whose head has been expired, for longer than `retention`. */
function isDead(row: OldToken, cutoff: number): boolean {
    if (row.ended_at !== null && Number(row.ended_at) <= cutoff) {
        return true;
    }
    return row.successor_used_at === null && Number(row.successor_expires_at ?? row.expires_at) <= cutoff;
}

/** True for a token that is neither its chain's head nor the head's predecessor, and whose retry window is closed. */
function isSuperseded({ successor_retry_until: until, successor_used_at: usedAt }: OldToken, now: number): boolean {
    if (usedAt === null) {
        return false;
    }
    const isOpen = Number(until) > now && Number(until) < UNTIL_USED;
    return !isOpen && Number(usedAt) + LATE_AFTER <= now;
}

/** One short transaction, so that a grant never stays without tokens. */
function removeTokens(
    sweep: Sweep,
    ids: readonly string[],
    ends: readonly string[]
): Promise<{ tokens: number; grants: number }> {
    if (ends.length === 0) {
        return deleteById(sweep.database, 'oauth_refresh_tokens', ids).then((tokens) => ({ tokens, grants: 0 }));
    }
    return sweep.database.transaction(async (queries) => {
        const tokens = await deleteById(queries, 'oauth_refresh_tokens', ids);
        const left = await queries.query<{ grant_id: string }>(
            `SELECT DISTINCT grant_id FROM oauth_refresh_tokens WHERE grant_id IN (${placeholders(ends)})`,
            ends
        );
        const kept = new Set(left.map((row) => row.grant_id));
        const grants = await deleteById(
            queries,
            'oauth_grants',
            ends.filter((grant) => !kept.has(grant))
        );
        return { tokens, grants };
    });
}

/** Walks the chains by their index and removes what a chain has beyond the tokens that it keeps. */
async function removeSurplus(sweep: Sweep): Promise<number> {
    let after = '';
    let removed = 0;
    await sweep.run(async (size) => {
        const [last] = await sweep.database.query<{ id: string | null }>(
            `SELECT MAX(id) AS id FROM (SELECT id FROM oauth_grants WHERE id > ? ORDER BY id LIMIT ${size}) walked`,
            [after]
        );
        if (!last?.id) {
            return { removed: 0, more: false };
        }
        const long = await sweep.database.query<{ grant_id: string; head: number }>(
            `SELECT grant_id, MAX(generation) AS head FROM oauth_refresh_tokens WHERE grant_id > ? AND grant_id <= ?
            GROUP BY grant_id HAVING COUNT(*) > ${KEPT + 2}`,
            [after, last.id]
        );
        after = last.id;
        for (const chain of long) {
            removed += await removeSurplusOf(sweep, chain.grant_id, Number(chain.head));
        }
        return { removed: 0, more: true };
    });
    return removed;
}

function removeSurplusOf(sweep: Sweep, grantId: string, head: number): Promise<number> {
    let after = -1;
    return sweep.run(async (size) => {
        const rows = await sweep.database.query<OldToken & { generation: number }>(
            `SELECT t.id, t.generation, s.retry_until AS successor_retry_until, u.created_at AS successor_used_at
            FROM oauth_refresh_tokens t
            LEFT JOIN oauth_refresh_tokens s ON s.grant_id = t.grant_id AND s.generation = t.generation + 1
            LEFT JOIN oauth_refresh_tokens u ON u.grant_id = t.grant_id AND u.generation = t.generation + 2
            WHERE t.grant_id = ? AND t.generation > ? AND t.generation < ? ORDER BY t.generation LIMIT ${size}`,
            [grantId, after, head - 1 - KEPT]
        );
        after = Number(rows.at(-1)?.generation ?? after);
        const ids = rows.filter((row) => isSuperseded(row, sweep.now)).map((row) => row.id);
        const removed = sweep.dryRun ? ids.length : await deleteById(sweep.database, 'oauth_refresh_tokens', ids);
        return { removed, more: rows.length === size };
    });
}

/** A deleted client's row goes when no grant names it any more. */
function removeDeletedClients(sweep: Sweep, cutoff: number): Promise<number> {
    let after = '';
    return sweep.run(async (size) => {
        const rows = await sweep.database.query<{ id: string; needed: number | null }>(
            `SELECT c.id, (SELECT 1 FROM oauth_grants g WHERE g.oauth_client_id = c.id LIMIT 1) AS needed
            FROM oauth_clients c WHERE c.deleted_at <= ? AND c.id > ? ORDER BY c.id LIMIT ${size}`,
            [cutoff, after]
        );
        after = rows.at(-1)?.id ?? after;
        const ids = rows.filter((row) => row.needed === null).map((row) => row.id);
        const removed = sweep.dryRun ? ids.length : await deleteById(sweep.database, 'oauth_clients', ids);
        return { removed, more: rows.length === size };
    });
}
