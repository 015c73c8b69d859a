import { isBoom } from '@hapi/boom';
import { DatabaseUnavailable, isUnavailable } from './store/database-errors';
import type { Account, Accounts } from './options/options';

/** Longer ids fit no column, and to MySQL's binary collations an id is the same with blanks at its end. */
const ID_PATTERN = /^.{0,127}[^ ]$/s;

/** Half a surrogate pair is stored, and put into a token, as the same character as any other. */
function isId(id: string): boolean {
    return ID_PATTERN.test(id) && id.isWellFormed();
}

/**
 * Asks the host for an account.
 *
 * @throws DatabaseUnavailable when the host's own database is out of reach, Error when it returned something that is no account
 */
export async function findAccount(accounts: Accounts, accountId: string): Promise<Account | null> {
    if (!isId(accountId)) {
        return null;
    }
    let account: Account | null;
    try {
        account = await accounts.find(accountId);
    } catch (error) {
        if (isUnavailable(error)) {
            throw new DatabaseUnavailable('accounts.find');
        }
        // The host's 401 or 404 is about its own look-up, not about the request.
        throw isBoom(error) && !error.isServer ? new Error('accounts.find has failed', { cause: error }) : error;
    }
    if (!account) {
        return null;
    }
    const { id, permissions } = account;
    if (typeof id !== 'string' || !isId(id) || !Array.isArray(permissions)) {
        throw new Error(
            'accounts.find must answer null, or an Account with an id of 1 to 128 characters, no blank at its end, and an array of permissions'
        );
    }
    // An account that was merged into another has another `sub`: tokens are not for that one.
    return id === accountId ? account : null;
}
