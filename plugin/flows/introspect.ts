import { authenticateClient, refuseClient } from '../clients/authenticate';
import type { ClientCredentials } from '../clients/credentials';
import { findClient } from '../clients/find-client';
import { isActive } from '../clients/require-active';
import type { Client } from '../store/clients';
import type { Context } from '../context';
import type { Form } from '../parameters';
import { joinNames } from '../scopes/text';
import { verifyAccessToken } from '../tokens/access-token';
import { findGrantState } from '../store/grants';
import { findPresentedToken } from '../store/token-family';
import { familyExpiry } from '../store/token-lifetimes';
import { readRefreshToken, type TokenReference } from '../tokens/refresh-token';
import { hashSecret, sameHash } from '../tokens/secret';
import { required } from '../parameters';
import { knownResources } from '../resources';

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
    if (!(await isActive(context, client))) {
        return INACTIVE;
    }
    const reference = readRefreshToken(token);
    return reference
        ? introspectRefreshToken(context, client, token, reference)
        : introspectAccessToken(context, client, token);
}

/** Active while it would be accepted as the head of its token family. */
async function introspectRefreshToken(
    context: Context,
    client: Client,
    token: string,
    reference: TokenReference
): Promise<Introspection> {
    const { grant, token: head, successor } = await findPresentedToken(context.database, client.clientId, reference);
    if (!grant || grant.revoked || !head || successor || !sameHash(hashSecret(token), head.hash)) {
        return INACTIVE;
    }
    const isRefreshable = client.grants.includes('refresh_token') && client.allowed.includes('offline_access');
    const expiresAt = Math.min(head.expiresAt, familyExpiry(context.settings.lifetimes, grant.createdAt));
    if (!isRefreshable || context.clock() >= expiresAt) {
        return INACTIVE;
    }
    if (!(await context.findAccount(grant.accountId))) {
        return INACTIVE;
    }
    return {
        active: true,
        client_id: client.clientId,
        sub: grant.accountId,
        scope: joinNames(head.scope),
        iss: context.settings.issuer,
        iat: Math.floor(head.createdAt / 1000),
        exp: Math.floor(head.expiresAt / 1000)
    };
}

async function introspectAccessToken(context: Context, client: Client, token: string): Promise<Introspection> {
    const verified = await verifyAccessToken(context, token, knownResources(context.settings));
    if (verified?.claims.client_id !== client.clientId) {
        return INACTIVE;
    }
    const { sub, scope, iss, aud, iat, exp, jti, grant_id: grantId } = verified.claims;
    if ((await findGrantState(context.database, { clientId: client.clientId, grantId })).revoked) {
        return INACTIVE;
    }
    return { active: true, client_id: client.clientId, token_type: 'Bearer', sub, scope, iss, aud, iat, exp, jti };
}
