import { DatabaseUnavailable, isUnavailable } from './database';
import type { Account, Accounts } from './options';

/** Longer ids fit no column. */
const MAX_ID = 128;

/**
 * Asks the host for an account.
 *
 * @throws DatabaseUnavailable when the host's own database is out of reach, Error when what it answered is no account
 */
export async function findAccount(accounts: Accounts, accountId: string): Promise<Account | null> {
    if (accountId === '' || accountId.length > MAX_ID) {
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
    if (typeof id !== 'string' || id === '' || id.length > MAX_ID || !Array.isArray(permissions)) {
        throw new Error('accounts.find must answer an Account with a string id and an array of permissions, or null');
    }
    return account;
}
