import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import { TOO_MANY_CODES } from '../rate-limits/rate-limits';
import type { Queries } from '../store/database';
import {
    FAILURE_WINDOW,
    findUserCodeFailures,
    insertUserCodeFailure,
    lockUserCodeAttempts
} from '../store/user-code-failures';

/** How many wrong user codes an account may enter in ten minutes (RFC 8628 §5.1). */
const LIMIT = 10;

/** An attempt at a user code. One of its methods is to be called before anything about the code is revealed. */
export interface Attempt {
    /** @throws OAuthError 429 if ten attempts before this one were wrong */
    wasRight(): Promise<void>;
    /**
     * Counts the attempt.
     *
     * @throws OAuthError 429 if ten attempts before this one were wrong, or too many from its address
     */
    wasWrong(): Promise<void>;
}

/**
 * Begins an attempt, before its code is looked up. Attempts of an account that run at the same time are decided one after
 * another, so that a burst of guesses learns of no more than ten of them.
 *
 * @param address the client address; without it a wrong code counts for the account only
 * @throws OAuthError 429 while ten wrong codes of the account are younger than ten minutes, and while there are too many from
 * the address
 */
export async function attemptUserCode(
    { clock, database, limits }: Context,
    accountId: string,
    address?: string
): Promise<Attempt> {
    const findFailures = (queries: Queries, now: number): Promise<number[]> =>
        findUserCodeFailures(queries, accountId, { now, limit: LIMIT });
    const settle = async (isWrong: boolean): Promise<void> => {
        const now = clock();
        const earlier = await database.transaction(async (queries) => {
            await lockUserCodeAttempts(queries, accountId, now);
            const failures = await findFailures(queries, now);
            if (isWrong && failures.length < LIMIT) {
                await insertUserCodeFailure(queries, accountId, now);
            }
            return failures;
        });
        requireBelowLimit(earlier, now);
    };

    if (address !== undefined) {
        await limits.mayEnterCode(address);
    }
    const now = clock();
    requireBelowLimit(await findFailures(database, now), now);
    return {
        wasRight: () => settle(false),
        wasWrong: async () => {
            await settle(true);
            if (address !== undefined) {
                await limits.wrongCode(address);
            }
        }
    };
}

/** @param failures when wrong codes were entered, latest first */
function requireBelowLimit(failures: readonly number[], now: number): void {
    const tenth = failures[LIMIT - 1];
    if (tenth !== undefined) {
        throw OAuthError.tooManyRequests(TOO_MANY_CODES, tenth + FAILURE_WINDOW - now);
    }
}
