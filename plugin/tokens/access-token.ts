import { randomUUID } from 'node:crypto';
import type { JWTPayload } from 'jose' with { 'resolution-mode': 'import' };
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

/** A valid access token of this issuer and audience. */
export interface VerifiedToken {
    claims: AccessTokenClaims;
    /** The scopes that it names, literally. */
    scope: string[];
}

/** What an access token says; null for anything but a valid one of this issuer and audience. */
export async function verifyAccessToken(context: Context, token: string): Promise<VerifiedToken | null> {
    const proven = findVerifiedToken(context, token);
    if (proven !== undefined) {
        return proven;
    }
    const { keys, verifiedTokens, settings, clock } = context;
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
        const verified = { claims, scope: splitNames(claims.scope) };
        verifiedTokens.add(token, verified);
        return verified;
    } catch {
        return null;
    }
}

/** As `verifyAccessToken`, of a token that was verified lately, and at once; undefined for any other one. */
export function findVerifiedToken({ verifiedTokens, clock }: Context, token: string): VerifiedToken | null | undefined {
    const proven = verifiedTokens.find(token);
    return proven && !isCurrent(proven.claims, clock()) ? null : proven;
}

function isComplete(claims: JWTPayload): claims is AccessTokenClaims {
    return typeof claims.client_id === 'string' && typeof claims.scope === 'string';
}

/** True while a token that was verified before is within its time (RFC 7519 §4.1.4, §4.1.5). */
function isCurrent({ exp, nbf = 0 }: AccessTokenClaims, now: number): boolean {
    const seconds = Math.floor(now / 1000);
    return exp > seconds && nbf <= seconds;
}
