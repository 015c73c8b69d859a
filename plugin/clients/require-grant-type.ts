import type { Client } from '../store/clients';
import { OAuthError } from '../errors/oauth-error';

/**
 * Checks that a client may use a grant type.
 *
 * @throws OAuthError `unauthorized_client` (RFC 6749 §5.2)
 */
export function requireGrantType(client: Client, grantType: string): void {
    if (!client.grants.includes(grantType)) {
        throw OAuthError.unauthorizedClient('The client is not registered for this grant type');
    }
}
