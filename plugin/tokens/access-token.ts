import { randomUUID } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { joinNames, splitNames } from '../scopes/text';
import type { AccessTokenClaims, VerifiedToken } from './access-token-claims';
import type { Issuer } from './issuer';
import type { VerifiedTokenCache } from './verified-token-cache';

/** The media type of access tokens (RFC 9068 §2.1). ID tokens have another, so neither passes for the other. */
const TYPE = 'at+jwt';

/** Signs an access token that is valid for `lifetimes.accessToken` seconds from now. */
export function signAccessToken(
    { keys, settings, clock }: Issuer,
    {
        accountId,
        clientId,
        grantId,
        resource,
        scope
    }: { accountId: string; clientId: string; grantId: string; resource: string; scope: readonly string[] }
): Promise<string> {
    const iat = Math.floor(clock() / 1000);
    return keys.sign(TYPE, {
        iss: settings.issuer,
        sub: accountId,
        aud: resource,
        client_id: clientId,
        exp: iat + settings.lifetimes.accessToken,
        iat,
        jti: randomUUID(),
        grant_id: grantId,
        scope: joinNames(scope)
    });
}

/** An issuer that remembers the access tokens that it has verified. */
export interface Verifier extends Issuer {
    readonly verifiedTokens: VerifiedTokenCache;
}

/**
 * A token's claims and scope; null for anything but a valid access token of this issuer (RFC 9068 §4).
 *
 * @param audiences the resources, one of which it must be for
 */
export async function verifyAccessToken(
    verifier: Verifier,
    token: string,
    audiences: readonly string[]
): Promise<VerifiedToken | null> {
    const known = findVerifiedToken(verifier, token);
    const verified = known === undefined ? await verifyUnknown(verifier, token) : known;
    return verified && audiences.includes(verified.claims.aud) ? verified : null;
}

async function verifyUnknown(verifier: Verifier, token: string): Promise<VerifiedToken | null> {
    const { keys, verifiedTokens, settings, clock } = verifier;
    try {
        const claims = await keys.verify(token, {
            typ: TYPE,
            issuer: settings.issuer,
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

/**
 * As `verifyAccessToken`, at once, for a token that was verified lately, whichever resource it is for.
 *
 * @returns null when it has expired since; undefined when the token is not remembered
 */
export function findVerifiedToken(
    { verifiedTokens, clock }: Pick<Verifier, 'verifiedTokens' | 'clock'>,
    token: string
): VerifiedToken | null | undefined {
    const known = verifiedTokens.find(token);
    return known && !isCurrent(known.claims, clock()) ? null : known;
}

function isComplete(claims: JWTPayload): claims is AccessTokenClaims {
    return typeof claims.client_id === 'string' && typeof claims.scope === 'string' && typeof claims.aud === 'string';
}

/** True while a token that was verified before is within its time (RFC 7519 §4.1.4, §4.1.5). */
function isCurrent({ exp, nbf = 0 }: AccessTokenClaims, now: number): boolean {
    const seconds = Math.floor(now / 1000);
    return exp > seconds && nbf <= seconds;
}
