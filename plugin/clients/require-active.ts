import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import type { Account } from '../options/options';
import type { Client } from '../store/clients';
import { isLetIn } from './document-standing';

/** Whether a client may act: it is not suspended, the options let it in, and its owner may act. */
export async function isActive(
    context: Context,
    client: Pick<Client, 'accountId' | 'clientId' | 'source' | 'status'>
): Promise<boolean> {
    const { accountId, status } = client;
    return (
        status === 'active' &&
        (await isLetIn(context, client)) &&
        (accountId === null || (await context.findAccount(accountId)) !== null)
    );
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
    requireNotSuspended(client);
    const isOwn = account !== undefined && client.accountId === account.id;
    if (!isOwn && !(await isActive(context, client))) {
        throw stopped();
    }
}

function stopped(): OAuthError {
    return OAuthError.unauthorizedClient('The client is suspended, or its owner may not act');
}
