import { hash } from 'node:crypto';
import { OAuthUserCodeFailure } from '../../entities/index';
import { createId } from '../ids';
import type { Queries } from './database';

/** How long a wrong user code counts, milliseconds. */
export const FAILURE_WINDOW = 10 * 60 * 1000;

/**
 * Locks an account's attempts at user codes until the transaction ends, so that what it reads next is the result of every
 * attempt before it. The lock is a row: the first statement of the transaction writes it, all others wait for it there.
 */
export async function lockUserCodeAttempts(queries: Queries, accountId: string, now: number): Promise<void> {
    // No other row has an id with a hyphen, so the lock of one account does not block the inserts of others.
    const id = `-${hash('sha256', accountId, 'base64url').slice(0, 19)}`;
    await queries.execute(
        'REPLACE INTO oauth_user_code_failures (id, account_id, wrong, created_at) VALUES (?, ?, 0, ?)',
        [id, accountId, now]
    );
}

/** When an account entered the wrong codes that still count: epoch milliseconds, latest first, at most `limit`. */
export async function findUserCodeFailures(
    queries: Queries,
    accountId: string,
    { now, limit }: { now: number; limit: number }
): Promise<number[]> {
    const rows = await queries.query<{ created_at: number | string }>(
        `SELECT created_at FROM oauth_user_code_failures WHERE account_id = ? AND created_at > ? AND wrong = 1
        ORDER BY created_at DESC, id DESC LIMIT ${limit}`,
        [accountId, now - FAILURE_WINDOW]
    );
    return rows.map((row) => Number(row.created_at));
}

/** Counts a wrong code. */
export async function insertUserCodeFailure(queries: Queries, accountId: string, now: number): Promise<void> {
    await queries.insert(OAuthUserCodeFailure, { id: createId(now), accountId, wrong: true, createdAt: now });
}
