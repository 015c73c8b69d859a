import { authenticateClient } from '../clients/authenticate';
import type { ClientCredentials } from '../clients/credentials';
import { findClient } from '../clients/find-client';
import { ensureFirstPartyClient } from '../clients/first-party-client';
import type { Context } from '../context';
import type { Form } from '../parameters';
import { verifyAccessToken } from '../tokens/access-token';
import { revokeGrant } from '../revoke-grant';
import { findPresentedToken } from '../store/token-family';
import { isIssued, readRefreshToken } from '../tokens/refresh-token';
import { hashSecret, sameHash } from '../tokens/secret';
import { required } from '../parameters';
import { knownResources } from '../resources';

/**
 * Revokes a token (RFC 7009): any refresh token that a grant of the client ever had, and a valid access token of it, revokes
 * the grant. The response for a token that is unknown, expired or another client's is the same, and nothing changes.
 *
 * @throws OAuthError `invalid_client`, `invalid_request`
 */
export async function revoke(context: Context, credentials: ClientCredentials, form: Form): Promise<void> {
    const token = form.get('token') ?? '';
    const reference = readRefreshToken(token);
    if (!reference) {
        const found = await findClient(context, credentials.clientId);
        const client = await authenticateClient(context, found, credentials);
        const verified = await verifyAccessToken(context, required(form, 'token'), knownResources(context.settings));
        const { client_id: clientId, grant_id: id, sub: accountId } = verified?.claims ?? {};
        if (clientId === client.clientId && id !== undefined && accountId !== undefined) {
            await revokeGrant(context, { id, accountId, oauthClientId: client.id }, 'revoked_by_client');
        }
        return;
    }
    const presented = await findPresentedToken(context.database, credentials.clientId, reference);
    const found = await ensureFirstPartyClient(context, credentials.clientId, presented.client);
    const client = await authenticateClient(context, found, credentials);
    const { grant, token: stored } = presented;
    if (grant && (isIssued(grant.familyKey, token) || sameHash(hashSecret(token), stored?.hash ?? ''))) {
        const { id, accountId } = grant;
        await revokeGrant(context, { id, accountId, oauthClientId: client.id }, 'revoked_by_client');
    }
}
