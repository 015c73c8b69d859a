import { OAuthUserCodeFailure } from '../../entities';
import type { Context } from '../context';
import { OAuthError } from '../errors';
import { createId } from '../ids';

/** So many wrong user codes in so many milliseconds, by one account (RFC 8628 §5.1). */
const LIMIT = 10;
export const WINDOW = 10 * 60 * 1000;

/** An attempt at a user code, counted as wrong until it proves right. */
export interface Attempt {
    /** The code was right: this attempt does not count. */
    wasRight(): Promise<void>;
}

/**
 * Counts an attempt before the code is looked at, so that a thousand parallel guesses count as a thousand.
 *
 * @throws OAuthError 429 while ten wrong codes are younger than ten minutes, until the oldest of them ages out
 */
export async function attemptUserCode({ clock, database }: Context, accountId: string): Promise<Attempt> {
    const now = clock();
    const id = createId(now);
    await database.insert(OAuthUserCodeFailure, { id, accountId, createdAt: now });
    const forget = async (): Promise<void> => {
        await database.execute('DELETE FROM oauth_user_code_failures WHERE id = ?', [id]);
    };
    const others = await database.query<{ created_at: number | string }>(
        `SELECT created_at FROM oauth_user_code_failures WHERE account_id = ? AND created_at > ? AND id <> ?
        ORDER BY created_at DESC, id DESC LIMIT ${LIMIT}`,
        [accountId, now - WINDOW, id]
    );
    if (others.length < LIMIT) {
        return { wasRight: forget };
    }
    await forget();
    const waits = Number(others[LIMIT - 1]!.created_at) + WINDOW - now;
    throw new OAuthError('temporarily_unavailable', 'Too many wrong codes, wait before you enter another', {
        statusCode: 429,
        headers: { 'retry-after': String(Math.max(1, Math.ceil(waits / 1000))) }
    });
}
