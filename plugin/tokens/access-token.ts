import { randomUUID } from 'node:crypto';
import type { JWTPayload } from 'jose';
import type { Context } from '../context';
import { joinNames, splitNames } from '../scopes/text';

/** The claims of an access token (RFC 9068 §2.2). */
export interface AccessTokenClaims extends JWTPayload {
    iss: string;
    /** The account's id. */
    sub: string;
    aud: string;
    client_id: string;
    exp: number;
    iat: number;
    jti: string;
    /** Literal, space-separated. */
    scope: string;
}

/** The media type of access tokens (RFC 9068 §2.1); an ID token has another, so that neither passes for the other. */
const TYPE = 'at+jwt';

/** Signs an access token for `lifetimes.accessToken` seconds from now. */
export function signAccessToken(
    { keys, settings, clock }: Context,
    { accountId, clientId, scope }: { accountId: string; clientId: string; scope: readonly string[] }
): Promise<string> {
    const iat = Math.floor(clock() / 1000);
    return keys.sign(TYPE, {
        iss: settings.issuer,
        sub: accountId,
        aud: settings.audience,
        client_id: clientId,
        exp: iat + settings.lifetimes.accessToken,
        iat,
        jti: randomUUID(),
        scope: joinNames(scope)
    });
}

/** The claims of a valid access token of this issuer and audience; null for anything else. */
export async function verifyAccessToken(
    { keys, provenTokens, settings, clock }: Context,
    token: string
): Promise<AccessTokenClaims | null> {
    const proven = provenTokens.claims(token);
    if (proven) {
        return isCurrent(proven, clock()) ? proven : null;
    }
    try {
        const claims = await keys.verify(token, {
            typ: TYPE,
            issuer: settings.issuer,
            audience: settings.audience,
            now: clock()
        });
        if (!isComplete(claims)) {
            return null;
        }
        provenTokens.add(token, claims);
        return claims;
    } catch {
        return null;
    }
}

function isComplete(claims: JWTPayload): claims is AccessTokenClaims {
    return typeof claims.client_id === 'string' && typeof claims.scope === 'string';
}

/** True while a token that was verified before is within its time (RFC 7519 §4.1.4, §4.1.5). */
function isCurrent({ exp, nbf = 0 }: AccessTokenClaims, now: number): boolean {
    const seconds = Math.floor(now / 1000);
    return exp > seconds && nbf <= seconds;
}

/** The scopes that an access token names, literally. */
export function tokenScope(claims: AccessTokenClaims): string[] {
    return splitNames(claims.scope);
}
