import { setTimeout as sleep } from 'node:timers/promises';
import { OAuthUserCodeFailure } from '../../entities/index';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import { createId } from '../ids';
import { TOO_MANY_CODES } from '../rate-limits/rate-limits';

/** So many wrong user codes in so many milliseconds, by one account (RFC 8628 §5.1). */
const LIMIT = 10;
export const WINDOW = 10 * 60 * 1000;

/** How often, and how many milliseconds apart, a right attempt looks whether those beside it have ended. */
const LOOKS = 100;
const PAUSE = 20;

/** An attempt at a user code, to be told how it ended. */
export interface Attempt {
    /**
     * The code was right: the attempt does not count. Returns when it is known of the attempts beside it that fewer than
     * ten are wrong, so that a burst of guesses hides no right one.
     *
     * @throws OAuthError 429 when ten of them have been
     */
    wasRight(): Promise<void>;
    /**
     * The code was wrong: the attempt counts from now on.
     *
     * @throws OAuthError 429 when ten others that ran beside it have been wrong
     */
    wasWrong(): Promise<void>;
}

/**
 * Notes an attempt before the code is looked at, so that the guesses of an account that run at the same time know of
 * each other.
 *
 * @param address where it came from; without it the attempt counts for the account only
 * @throws OAuthError 429 while ten wrong codes are younger than ten minutes, until the oldest of them ages out, and while
 * too many came from one address
 */
export async function attemptUserCode(
    { clock, database, limits }: Context,
    accountId: string,
    address?: string
): Promise<Attempt> {
    const now = clock();
    const id = createId(now);
    /** When other attempts were made, the latest first. */
    const others = async (which: string): Promise<number[]> => {
        const rows = await database.query<{ created_at: number | string }>(
            `SELECT created_at FROM oauth_user_code_failures WHERE account_id = ? AND created_at > ? AND id ${which}
            ORDER BY created_at DESC, id DESC LIMIT ${LIMIT}`,
            [accountId, now - WINDOW, id]
        );
        return rows.map((row) => Number(row.created_at));
    };
    const forget = async (): Promise<void> => {
        await database.execute('DELETE FROM oauth_user_code_failures WHERE id = ?', [id]);
    };
    const refuseBeyondLimit = async (): Promise<number> => {
        const wrong = await others('<> ? AND wrong = 1');
        if (wrong.length === LIMIT) {
            throw tooMany(wrong[LIMIT - 1]! + WINDOW - now);
        }
        return wrong.length;
    };

    if (address !== undefined) {
        await limits.mayEnterCode(address);
    }
    await refuseBeyondLimit();
    await database.insert(OAuthUserCodeFailure, { id, accountId, createdAt: now, wrong: false });
    return {
        wasRight: async () => {
            await forget();
            // A process that died in the middle of an attempt has left it undecided: nobody waits for it for long.
            for (let looks = 0; looks < LOOKS; ++looks) {
                const undecided = await others('<> ? AND wrong = 0');
                const wrong = await refuseBeyondLimit();
                if (wrong + undecided.length < LIMIT) {
                    return;
                }
                await sleep(PAUSE);
            }
        },
        wasWrong: async () => {
            // Of a burst of wrong codes the first ten are answered, and only they count.
            const earlier = await others('< ?');
            if (earlier.length === LIMIT) {
                await forget();
                throw tooMany(earlier[LIMIT - 1]! + WINDOW - now);
            }
            await database.execute('UPDATE oauth_user_code_failures SET wrong = 1 WHERE id = ?', [id]);
            if (address !== undefined) {
                await limits.wrongCode(address);
            }
            await refuseBeyondLimit();
        }
    };
}

/** @param wait milliseconds */
function tooMany(wait: number): OAuthError {
    return OAuthError.tooManyRequests(TOO_MANY_CODES, wait);
}
