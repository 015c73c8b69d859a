import type { Client } from '../store/clients';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import { checkResource, required, type Form } from '../parameters';
import { revokeGrant } from '../revoke-grant';
import { consumeCode, findAuthorizationCode, type AuthorizationCode } from '../store/authorization-codes';
import { hashSecret } from '../tokens/secret';
import { exchange } from './exchange';
import { matchesChallenge, readCodeVerifier } from './pkce';
import type { TokenResponse } from './token-response';

/**
 * The authorization code grant (RFC 6749 §4.1.3) with PKCE for every client (RFC 7636 §4.5). A code is used once. When
 * its client uses it again, the grant that the first use made is revoked (RFC 9700 §4.5).
 */
export async function authorizationCodeGrant(context: Context, client: Client, form: Form): Promise<TokenResponse> {
    const code = required(form, 'code');
    const redirectUri = required(form, 'redirect_uri');
    const verifier = readCodeVerifier(form);
    checkResource(context, form);

    const found = await findAuthorizationCode(context.database, hashSecret(code));
    if (found?.oauthClientId !== client.id) {
        throw unusable();
    }
    if (found.consumedAt !== null) {
        await revokeReplayed(context, found);
        throw unusable();
    }
    const isBound = found.redirectUri === redirectUri && matchesChallenge(verifier, found.codeChallenge);
    if (!isBound || context.clock() >= found.expiresAt) {
        throw unusable();
    }
    const account = await context.findAccount(found.accountId);
    if (!account) {
        throw unusable();
    }
    const response = await exchange(context, {
        client,
        account,
        grantType: 'authorization_code',
        requested: found.requested,
        approved: found.approved,
        authTime: found.authTime,
        nonce: found.nonce,
        spend: (queries, grantId) => consumeCode(queries, found, grantId, context.clock())
    });
    if (!response) {
        const spent = await findAuthorizationCode(context.database, hashSecret(code));
        if (spent) {
            await revokeReplayed(context, spent);
        }
        throw unusable();
    }
    return response;
}

async function revokeReplayed(
    context: Context,
    { accountId, grantId, oauthClientId }: AuthorizationCode
): Promise<void> {
    if (grantId !== null) {
        await revokeGrant(context, { id: grantId, accountId, oauthClientId }, 'code_replayed');
    }
}

/** The one error for a code that is unknown, expired, used, another client's or bound to something else. */
function unusable(): OAuthError {
    return OAuthError.invalidGrant(
        'The code is unknown, expired or already used, or was issued for another redirect_uri or code_challenge'
    );
}
