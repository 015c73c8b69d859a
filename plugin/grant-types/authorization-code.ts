import type { Client } from '../store/clients';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import type { Form } from '../parameters';
import {
    consumeCode,
    findAuthorizationCode,
    provesChallenge,
    type AuthorizationCode
} from '../store/authorization-codes';
import { revokeGrant } from '../store/token-family';
import type { TokenResponse } from './token-response';
import { exchange } from './exchange';
import { checkResource, required } from '../parameters';

/** RFC 7636 §4.1. */
const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/;

/**
 * The authorization code grant (RFC 6749 §4.1.3) with PKCE for every client (RFC 7636 §4.5). A code is used once; its
 * client using it again ends what the first use began (RFC 9700 §4.5).
 */
export async function authorizationCodeGrant(context: Context, client: Client, form: Form): Promise<TokenResponse> {
    const code = required(form, 'code');
    const redirectUri = required(form, 'redirect_uri');
    const verifier = required(form, 'code_verifier');
    if (!VERIFIER.test(verifier)) {
        throw OAuthError.invalidRequest('The code_verifier must be 43 to 128 unreserved characters');
    }
    checkResource(context, form);

    const found = await findAuthorizationCode(context.database, code);
    if (found?.oauthClientId !== client.id) {
        throw unusable();
    }
    if (found.consumedAt !== null) {
        await endReplayed(context, found);
        throw unusable();
    }
    const isBound = found.redirectUri === redirectUri && provesChallenge(verifier, found.codeChallenge);
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
        const spent = await findAuthorizationCode(context.database, code);
        if (spent) {
            await endReplayed(context, spent);
        }
        throw unusable();
    }
    return response;
}

async function endReplayed(context: Context, { accountId, grantId, oauthClientId }: AuthorizationCode): Promise<void> {
    if (grantId !== null) {
        await revokeGrant(context, { id: grantId, accountId, oauthClientId }, 'code_replayed');
    }
}

/** The one answer for a code that is unknown, expired, used, another client's or bound to something else. */
function unusable(): OAuthError {
    return OAuthError.invalidGrant(
        'The code is unknown, expired or already used, or was issued for another redirect_uri or code_challenge'
    );
}
