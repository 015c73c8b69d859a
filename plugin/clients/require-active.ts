import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import type { Client } from '../store/clients';

/** Whether a client may act: it is not suspended, and neither is its owner. */
export async function isActive(
    { findAccount }: Pick<Context, 'findAccount'>,
    { status, accountId }: Pick<Client, 'status' | 'accountId'>
): Promise<boolean> {
    return status === 'active' && (accountId === null || (await findAccount(accountId)) !== null);
}

/**
 * Checks that a client is not suspended. Its owner is asked about later, where the request has a place to send errors to.
 *
 * @throws OAuthError `unauthorized_client`
 */
export function requireNotSuspended({ status }: Client): void {
    if (status !== 'active') {
        throw suspended();
    }
}

/**
 * Checks that a client may act.
 *
 * @throws OAuthError `unauthorized_client`
 */
export async function requireActive(context: Context, client: Client): Promise<void> {
    if (!(await isActive(context, client))) {
        throw suspended();
    }
}

function suspended(): OAuthError {
    return OAuthError.unauthorizedClient('The client is suspended, or its owner may not act');
}
