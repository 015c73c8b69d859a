import { authenticateClient, refuseClient } from '../clients/authenticate';
import type { ClientCredentials } from '../clients/credentials';
import { findClient } from '../clients/find-client';
import type { Context } from '../context';
import type { Form } from '../parameters';
import { joinNames } from '../scopes/text';
import { verifyAccessToken } from '../tokens/access-token';
import type { Client } from '../store/clients';
import { findPresentedToken, isPastCap } from '../store/token-family';
import { readRefreshToken, type TokenReference } from '../tokens/refresh-token';
import { hashSecret, sameHash } from '../tokens/secret';
import { required } from '../parameters';

/** What a client learns of a token (RFC 7662 §2.2). */
export type Introspection = { active: false } | ({ active: true; client_id: string } & Record<string, unknown>);

const INACTIVE: Introspection = { active: false };

/**
 * Tells a confidential client whether a token is active, and of tokens that were issued to itself only.
 *
 * @throws OAuthError `invalid_client`, `invalid_request`
 */
export async function introspect(context: Context, credentials: ClientCredentials, form: Form): Promise<Introspection> {
    const found = await findClient(context, credentials.clientId);
    const client = await authenticateClient(context, found, credentials);
    if (client.type !== 'confidential') {
        return refuseClient(context, credentials, client);
    }
    const token = required(form, 'token');
    const address = readRefreshToken(token);
    return address
        ? introspectRefreshToken(context, client, token, address)
        : introspectAccessToken(context, client, token);
}

/** Active while it would be honoured as its chain's head. */
async function introspectRefreshToken(
    context: Context,
    client: Client,
    token: string,
    address: TokenReference
): Promise<Introspection> {
    const { chain, presented, successor } = await findPresentedToken(context.database, client.clientId, address);
    const now = context.clock();
    if (!chain || chain.ended || !presented || successor || !sameHash(hashSecret(token), presented.hash)) {
        return INACTIVE;
    }
    const refreshable = client.grants.includes('refresh_token') && client.allowed.includes('offline_access');
    if (!refreshable || now >= presented.expiresAt || isPastCap(context, chain, now)) {
        return INACTIVE;
    }
    if (!(await context.findAccount(chain.accountId))) {
        return INACTIVE;
    }
    return {
        active: true,
        client_id: client.clientId,
        sub: chain.accountId,
        scope: joinNames(presented.scope),
        iss: context.settings.issuer,
        iat: Math.floor(presented.createdAt / 1000),
        exp: Math.floor(presented.expiresAt / 1000)
    };
}

async function introspectAccessToken(context: Context, client: Client, token: string): Promise<Introspection> {
    const verified = await verifyAccessToken(context, token);
    if (verified?.claims.client_id !== client.clientId) {
        return INACTIVE;
    }
    const { sub, scope, iss, aud, iat, exp, jti } = verified.claims;
    return { active: true, client_id: client.clientId, token_type: 'Bearer', sub, scope, iss, aud, iat, exp, jti };
}
