import { authenticateClient } from '../clients/authenticate';
import type { ClientCredentials } from '../clients/credentials';
import { findClient } from '../clients/find-client';
import { ensureFirstPartyClient } from '../clients/first-party-client';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import type { Form } from '../parameters';
import { verifyAccessToken } from '../tokens/access-token';
import { revokeGrant, findPresentedToken } from '../store/token-family';
import { isIssued, readRefreshToken } from '../tokens/refresh-token';
import { hashSecret, sameHash } from '../tokens/secret';
import { required } from '../parameters';

/**
 * Revokes a token (RFC 7009): any refresh token that a chain of the client ever had ends the chain. What is unknown or
 * another client's is answered alike and left alone.
 *
 * @throws OAuthError `invalid_client`, `invalid_request`, and `unsupported_token_type` for an access token of the
 * client's own, which stays valid until it expires
 */
export async function revoke(context: Context, credentials: ClientCredentials, form: Form): Promise<void> {
    const token = form.get('token') ?? '';
    const address = readRefreshToken(token);
    if (!address) {
        const found = await findClient(context, credentials.clientId);
        const client = await authenticateClient(context, found, credentials);
        const verified = await verifyAccessToken(context, required(form, 'token'));
        if (verified?.claims.client_id === client.clientId) {
            throw OAuthError.unsupportedTokenType('An access token is valid until it expires');
        }
        return;
    }
    const presentation = await findPresentedToken(context.database, credentials.clientId, address);
    const found = await ensureFirstPartyClient(context, credentials.clientId, presentation.client);
    const client = await authenticateClient(context, found, credentials);
    const { chain, presented } = presentation;
    if (chain && (isIssued(chain.chainKey, token) || sameHash(hashSecret(token), presented?.hash ?? ''))) {
        const grant = { id: chain.id, accountId: chain.accountId, oauthClientId: client.id };
        await revokeGrant(context, grant, 'revoked_by_client');
    }
}
