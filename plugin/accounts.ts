import { DatabaseUnavailable, isUnavailable } from './database';
import type { Account, Accounts } from './options';

/** Longer ids fit no column, and to MySQL's binary collations an id is the same with blanks at its end. */
const ID_PATTERN = /^.{0,127}[^ ]$/s;

/**
 * Asks the host for an account.
 *
 * @throws DatabaseUnavailable when the host's own database is out of reach, Error when what it answered is no account
 */
export async function findAccount(accounts: Accounts, accountId: string): Promise<Account | null> {
    if (!ID_PATTERN.test(accountId)) {
        return null;
    }
    let account: Account | null;
    try {
        account = await accounts.find(accountId);
    } catch (error) {
        throw isUnavailable(error) ? new DatabaseUnavailable('accounts.find') : error;
    }
    if (!account) {
        return null;
    }
    const { id, permissions } = account;
    if (typeof id !== 'string' || !ID_PATTERN.test(id) || !Array.isArray(permissions)) {
        throw new Error(
            'accounts.find must answer null, or an Account with an id of 1 to 128 characters, no blank at its end, and an array of permissions'
        );
    }
    return account;
}
