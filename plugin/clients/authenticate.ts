import type { Context } from '../context';
import type { Client } from '../store/clients';
import { hashClientSecret, sameHash } from '../tokens/secret';
import { invalidClient, type ClientCredentials } from './credentials';

/**
 * Authenticates a client (RFC 6749 §2.3).
 *
 * @param found the client that the credentials name, if there is one
 * @throws OAuthError `invalid_client`, 429 after too many failures from one client address
 */
export async function authenticateClient(
    context: Context,
    found: Client | null,
    credentials: ClientCredentials
): Promise<Client> {
    if (!found || !isAuthentic(found, credentials, context.clock())) {
        return refuseClient(context, credentials, found);
    }
    return found;
}

/**
 * Refuses a client that failed to authenticate, and counts the failure.
 *
 * @param found the client that the credentials name, if there is one
 * @throws OAuthError `invalid_client`, 429 after too many failures from one client address
 */
export async function refuseClient(
    { limits }: Context,
    credentials: ClientCredentials,
    found: Client | null
): Promise<never> {
    await limits.failedAuthentication(credentials, found);
    throw invalidClient(credentials.basic);
}

/** A public client has no secret and must send none. A confidential one must send one of its secrets. */
function isAuthentic(client: Client, { basic, secret }: ClientCredentials, now: number): boolean {
    if (client.type === 'public') {
        return secret === undefined && !basic;
    }
    return secret !== undefined && isSecretOf(client, hashClientSecret(secret), now);
}

/** Always compares with both secrets, so that the time taken does not tell which one matched. */
function isSecretOf(client: Client, hash: string, now: number): boolean {
    const current = sameHash(hash, client.secretHash ?? '');
    const previous = sameHash(hash, client.previousSecretHash ?? '');
    return current || (previous && now < (client.previousSecretExpiresAt ?? 0));
}
