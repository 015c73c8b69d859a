import type { Account } from '../options/options';
import type { Issuer } from './issuer';

/** The media type of ID tokens. Access tokens have another. */
const TYPE = 'JWT';

/** What OpenID Connect tells a client of its user (Core §5.1), by scope. */
export function userClaims(account: Account, scope: readonly string[]): Record<string, unknown> {
    return {
        ...(scope.includes('profile') && given({ name: account.name, preferred_username: account.handle })),
        ...(scope.includes('email') &&
            account.email?.address && { email: account.email.address, email_verified: account.email.verified === true })
    };
}

/** A claim without a value is left out (OpenID Connect Core §5.3.2). A host in JavaScript may have null for none. */
function given(claims: Record<string, string | null | undefined>): Record<string, unknown> {
    return Object.fromEntries(Object.entries(claims).filter(([, value]) => value != null && value !== ''));
}

/**
 * Signs an ID token (OpenID Connect Core §2) that is valid as long as the access token beside it.
 *
 * @param authTime when the person signed in, epoch seconds; null where the host does not say
 */
export function signIdToken(
    { keys, settings, clock }: Issuer,
    {
        account,
        clientId,
        scope,
        authTime,
        nonce
    }: {
        account: Account;
        clientId: string;
        scope: readonly string[];
        authTime: number | null;
        nonce?: string | null;
    }
): Promise<string> {
    const iat = Math.floor(clock() / 1000);
    return keys.signForClient(TYPE, {
        iss: settings.issuer,
        sub: account.id,
        aud: clientId,
        exp: iat + settings.lifetimes.accessToken,
        iat,
        ...(authTime !== null && { auth_time: authTime }),
        ...(nonce != null && { nonce }),
        ...userClaims(account, scope)
    });
}

/**
 * The account that an ID token of this issuer was about (OpenID Connect Core §3.1.2.1, `id_token_hint`), expired or not.
 *
 * @returns null for anything but an ID token that one of the keys signed
 */
export async function readIdTokenHint({ keys, settings }: Issuer, hint: string): Promise<string | null> {
    try {
        const { sub } = await keys.verify(hint, { typ: TYPE, issuer: settings.issuer, now: 0 });
        return sub ?? null;
    } catch {
        return null;
    }
}
