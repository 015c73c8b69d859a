import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import type { Account } from '../options/options';
import type { Client } from '../store/clients';
import { asConfigured } from './document-standing';

/** Whether a client may act: it is not suspended, and neither is its owner. */
export async function isActive(
    { findAccount }: Pick<Context, 'findAccount'>,
    { status, accountId }: Pick<Client, 'status' | 'accountId'>
): Promise<boolean> {
    return status === 'active' && (accountId === null || (await findAccount(accountId)) !== null);
}

/**
 * Checks that a client is not suspended.
 *
 * @throws OAuthError `unauthorized_client`
 */
export function requireNotSuspended({ status }: Client): void {
    if (status !== 'active') {
        throw stopped();
    }
}

/**
 * Checks that a client may act: it is not suspended, and neither is its owner.
 *
 * @param account the account that it acts for, which was found a moment ago
 * @throws OAuthError `unauthorized_client`
 */
export async function requireActive(context: Context, client: Client, account?: Account): Promise<void> {
    requireNotSuspended(await asConfigured(context, client));
    if (client.accountId !== account?.id && !(await isActive(context, client))) {
        throw stopped();
    }
}

function stopped(): OAuthError {
    return OAuthError.unauthorizedClient('The client is suspended, or its owner may not act');
}
