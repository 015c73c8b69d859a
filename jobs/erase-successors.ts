import { LATE_AFTER, UNTIL_USED } from '../plugin/store/retry-window';
import { placeholders, type Cleanup } from './cleanup';

/** A place in the index of windows. */
interface Window {
    retry_until: number | string;
    id: string;
}

/** A sealed successor, or what is left of one. */
interface Successor {
    id: string;
    sealed: number;
    ended: number;
    /** That it can no longer be handed out, though its window is open. */
    spent: number;
    used_at: number | string | null;
}

/** Erased seals are at 0; no id is greater than this one. */
const FIRST: Window = { retry_until: 0, id: '~' };

/**
 * Erases the seals of successors that can no longer be handed out: the window is closed, the successor has been used or
 * has expired, or the chain has ended.
 *
 * @returns how many there were
 */
export function eraseSuccessors(sweep: Cleanup): Promise<number> {
    let after = FIRST;
    return sweep.run(async (size) => {
        const windows = await sweep.database.query<Window>(
            `SELECT retry_until, id FROM oauth_refresh_tokens
            WHERE retry_until > ? OR (retry_until = ? AND id > ?) ORDER BY retry_until, id LIMIT ${size}`,
            [after.retry_until, after.retry_until, after.id]
        );
        const removed = windows.length === 0 ? 0 : await eraseOf(sweep, windows);
        after = windows.at(-1) ?? after;
        return { removed, more: windows.length === size };
    });
}

async function eraseOf(sweep: Cleanup, windows: readonly Window[]): Promise<number> {
    const until = new Map(windows.map((window) => [window.id, Number(window.retry_until)]));
    const successors = await sweep.database.query<Successor>(
        `SELECT t.id, CASE WHEN t.sealed_token IS NULL THEN 0 ELSE 1 END AS sealed,
            CASE WHEN g.ended_at IS NULL THEN 0 ELSE 1 END AS ended,
            CASE WHEN t.expires_at <= ? OR (p.handed_out_late = 1 AND t.created_at <= ?) THEN 1 ELSE 0 END AS spent,
            u.created_at AS used_at
        FROM oauth_refresh_tokens t
        JOIN oauth_grants g ON g.id = t.grant_id
        LEFT JOIN oauth_refresh_tokens p ON p.grant_id = t.grant_id AND p.generation = t.generation - 1
        LEFT JOIN oauth_refresh_tokens u ON u.grant_id = t.grant_id AND u.generation = t.generation + 1
        WHERE t.id IN (${placeholders(windows)})`,
        [sweep.now, sweep.now - LATE_AFTER, ...until.keys()]
    );
    const isClosed = (row: Successor): boolean => {
        const end = until.get(row.id)!;
        if (end < UNTIL_USED) {
            return end <= sweep.now;
        }
        return row.used_at !== null && Number(row.used_at) + LATE_AFTER <= sweep.now;
    };
    const isOver = (row: Successor): boolean => Number(row.ended) === 1 || isClosed(row);
    const isSpent = (row: Successor): boolean =>
        Number(row.sealed) === 1 && (row.used_at !== null || Number(row.spent) === 1);
    const over = successors.filter(isOver);
    const spent = successors.filter((row) => !isOver(row) && isSpent(row));
    await erase(sweep, over, ', retry_until = 0');
    // An open window still tells a late answer from reuse.
    await erase(sweep, spent, '');
    return [...over, ...spent].filter((row) => Number(row.sealed) === 1).length;
}

async function erase(sweep: Cleanup, rows: readonly { id: string }[], window: '' | ', retry_until = 0'): Promise<void> {
    if (rows.length === 0 || sweep.dryRun) {
        return;
    }
    const ids = rows.map((row) => row.id);
    await sweep.database.execute(
        `UPDATE oauth_refresh_tokens SET sealed_token = NULL${window} WHERE id IN (${placeholders(ids)})`,
        ids
    );
}
