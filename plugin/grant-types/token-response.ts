import type { Client } from '../store/clients';
import type { Context } from '../context';
import type { Account } from '../options/options';
import { joinNames } from '../scopes/text';
import { signAccessToken } from '../tokens/access-token';
import { signIdToken } from '../tokens/id-token';

/** A successful response of the token endpoint (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3). */
export interface TokenResponse {
    access_token: string;
    token_type: 'Bearer';
    /** Seconds. */
    expires_in: number;
    scope: string;
    id_token?: string;
    refresh_token?: string;
}

/** Signs the access token and, where `openid` was granted, the ID token of a response. */
export async function signTokens(
    context: Context,
    {
        client,
        account,
        grantId,
        resource,
        scope,
        authTime,
        nonce = null
    }: {
        client: Client;
        account: Account;
        grantId: string;
        /** The protected resource that the access token is for. */
        resource: string;
        scope: readonly string[];
        authTime: number | null;
        nonce?: string | null;
    }
): Promise<TokenResponse> {
    const { clientId } = client;
    const [accessToken, idToken] = await Promise.all([
        signAccessToken(context, { accountId: account.id, clientId, grantId, resource, scope }),
        scope.includes('openid') ? signIdToken(context, { account, clientId, scope, authTime, nonce }) : undefined
    ]);
    return {
        access_token: accessToken,
        token_type: 'Bearer',
        expires_in: context.settings.lifetimes.accessToken,
        scope: joinNames(scope),
        ...(idToken !== undefined && { id_token: idToken })
    };
}
