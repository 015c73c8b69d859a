import type { Request, ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import { withErrorResponses } from '../http/error-responses';
import { verifyAccessToken } from '../tokens/access-token';
import { userClaims } from '../tokens/id-token';
import { RAW_PAYLOAD, readFormBody } from '../http/body';
import { authorizationHeader, PROTOCOL_ROUTE } from '../http/protocol-route';

/** The UserInfo endpoint (OpenID Connect Core §5.3), for access tokens with `openid`. */
export function userinfoRoutes(context: Context): ServerRoute[] {
    const path = '/oauth/userinfo';
    const handler = (request: Request): Promise<object> => userinfo(context, authorizationHeader(request));
    return [
        { method: 'GET', path, options: PROTOCOL_ROUTE, handler: withErrorResponses(handler) },
        {
            method: 'POST',
            path,
            options: { ...PROTOCOL_ROUTE, payload: RAW_PAYLOAD },
            handler: withErrorResponses(async (request) => {
                // Nothing is read from a body, but one that is sent has to be what every protocol endpoint takes.
                if ((request.payload as Buffer | null)?.length) {
                    readFormBody(request);
                }
                return handler(request);
            })
        }
    ];
}

async function userinfo(context: Context, authorization: string | undefined): Promise<object> {
    const [, token] = /^bearer +(.+)$/i.exec(authorization ?? '') ?? [];
    if (token === undefined) {
        throw unauthorized('Bearer', 'The access token is missing');
    }
    const verified = await verifyAccessToken(context, token);
    const account = verified && (await context.findAccount(verified.claims.sub));
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

function unauthorized(challenge: string, description: string): OAuthError {
    return OAuthError.invalidToken(description, {
        headers: { 'www-authenticate': challenge }
    });
}
