import { requireActive } from '../clients/require-active';
import { isRegistered } from '../clients/redirect-uri';
import type { Client } from '../store/clients';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import { required, type Form } from '../parameters';
import { boundResource, requestedResource } from '../resources';
import { revokeGrant } from '../revoke-grant';
import { findAuthorizationCode, type AuthorizationCode } from '../store/authorization-codes';
import { hashSecret } from '../tokens/secret';
import { exchange } from './exchange';
import { matchesChallenge, readCodeVerifier } from './pkce';
import type { TokenResponse } from './token-response';
import { findSurely } from '../store/database';

/**
 * The authorization code grant (RFC 6749 §4.1.3) with PKCE for every client (RFC 7636 §4.5). A code is used once. When
 * its client uses it again, its grant is revoked (RFC 9700 §4.5).
 */
export async function authorizationCodeGrant(context: Context, client: Client, form: Form): Promise<TokenResponse> {
    const code = required(form, 'code');
    const redirectUri = required(form, 'redirect_uri');
    const verifier = readCodeVerifier(form);
    requestedResource(context, form);

    const found = await findSurely(context.database, (queries) => findAuthorizationCode(queries, hashSecret(code)));
    if (found?.grant.oauthClientId !== client.id) {
        throw unusable();
    }
    const { grant } = found;
    if (grant.exchanged) {
        await revokeGrant(context, grant, 'code_replayed');
        throw unusable();
    }
    if (grant.revoked || context.clock() >= found.expiresAt || !isBound(found, { client, redirectUri, verifier })) {
        throw unusable();
    }
    const resource = boundResource(context, form, grant.resource);
    const account = await context.findAccount(grant.accountId);
    if (!account) {
        throw unusable();
    }
    await requireActive(context, client, account);
    const { nonce, requested } = found;
    const approval = { client, account, grant, grantType: 'authorization_code', requested, resource, nonce };
    const response = await exchange(context, approval);
    if (!response) {
        // Another request has exchanged it meanwhile, which makes this one a replay, or it was revoked.
        await revokeGrant(context, grant, 'code_replayed');
        throw unusable();
    }
    return response;
}

/** A code goes to the redirect URI and the verifier that it was made for, and to no URI that was withdrawn since. */
function isBound(
    code: AuthorizationCode,
    { client, redirectUri, verifier }: { client: Client; redirectUri: string; verifier: string }
): boolean {
    return (
        code.redirectUri === redirectUri &&
        isRegistered(client.redirectUris, redirectUri) &&
        matchesChallenge(verifier, code.codeChallenge)
    );
}

/** The one error for a code that is unknown, expired, used, another client's or bound to something else. */
function unusable(): OAuthError {
    return OAuthError.invalidGrant(
        'The code is unknown, expired or already used, or was issued for another redirect_uri or code_challenge'
    );
}
