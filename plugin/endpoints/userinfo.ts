import type { Request, ServerRoute } from '@hapi/hapi';
import { isActive } from '../clients/require-active';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import { readFormBody } from '../http/body';
import { withErrorResponses } from '../http/error-responses';
import { authorizationHeader, PROTOCOL_ROUTE } from '../http/protocol-route';
import { findGrantState } from '../store/grants';
import { verifyAccessToken } from '../tokens/access-token';
import type { VerifiedToken } from '../tokens/access-token-claims';
import { userClaims } from '../tokens/id-token';
import { ownResources } from '../resources';

const USERINFO = '/oauth/userinfo';

/** The UserInfo endpoint (OpenID Connect Core §5.3), for access tokens with the scope `openid`. */
export function userinfoRoutes(context: Context): ServerRoute[] {
    return [
        {
            method: 'GET',
            path: USERINFO,
            options: PROTOCOL_ROUTE,
            handler: withErrorResponses((request) => userinfo(context, request))
        },
        {
            method: 'POST',
            path: USERINFO,
            options: PROTOCOL_ROUTE,
            handler: withErrorResponses((request) => userinfoByPost(context, request))
        }
    ];
}

async function userinfoByPost(context: Context, request: Request): Promise<object> {
    // Nothing is read from a body, but it must be a form as at every protocol endpoint.
    if ((request.payload as Buffer | null)?.length) {
        readFormBody(request);
    }
    return userinfo(context, request);
}

async function userinfo(context: Context, request: Request): Promise<object> {
    const [, token] = /^bearer +(.+)$/i.exec(authorizationHeader(request) ?? '') ?? [];
    if (token === undefined) {
        throw unauthorized('Bearer', 'The access token is missing');
    }
    const verified = await verifyAccessToken(context, token, ownResources(context.settings));
    const account =
        verified && (await isInForce(context, verified)) && (await context.findAccount(verified.claims.sub));
    if (!account) {
        throw unauthorized('Bearer error="invalid_token"', 'The access token is invalid or has expired');
    }
    const { scope } = verified;
    if (!scope.includes('openid')) {
        throw OAuthError.insufficientScope('The access token lacks the scope openid', {
            headers: { 'www-authenticate': 'Bearer error="insufficient_scope", scope="openid"' }
        });
    }
    return { sub: account.id, ...userClaims(account, scope) };
}

/** Whether the grant of a token is not revoked, and its client neither deleted nor suspended. */
async function isInForce(context: Context, { claims }: VerifiedToken): Promise<boolean> {
    const { client_id: clientId, grant_id: grantId } = claims;
    const state = await findGrantState(context.database, { clientId, grantId });
    return !state.revoked && (await isActive(context, state));
}

/** @param challenge of `WWW-Authenticate` (RFC 6750 §3) */
function unauthorized(challenge: string, description: string): OAuthError {
    return OAuthError.invalidToken(description, { headers: { 'www-authenticate': challenge } });
}
