import type { Request, ServerRoute } from '@hapi/hapi';
import { authenticateClient } from '../clients/authenticate';
import { findClient } from '../clients/find-client';
import { DEVICE_CODE_GRANT } from '../clients/grant-rules';
import { requireNotSuspended } from '../clients/require-active';
import { requireGrantType } from '../clients/require-grant-type';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import { authorizationCodeGrant } from '../grant-types/authorization-code';
import { clientCredentialsGrant } from '../grant-types/client-credentials';
import { deviceCodeGrant } from '../grant-types/device-code';
import { refreshTokenGrant } from '../grant-types/refresh-token';
import type { TokenResponse } from '../grant-types/token-response';
import { credentialsOf, formRoute } from '../http/protocol-route';
import { required, type Form } from '../parameters';
import type { Client } from '../store/clients';

type Grant = (context: Context, client: Client, form: Form) => Promise<TokenResponse>;

/** The grant types that start with an authenticated client. */
const GRANTS = new Map<string, Grant>([
    ['authorization_code', authorizationCodeGrant],
    [DEVICE_CODE_GRANT, deviceCodeGrant],
    ['client_credentials', clientCredentialsGrant]
]);

/** The grant types that the token endpoint supports. */
export const GRANT_TYPES_SUPPORTED = [...GRANTS.keys(), 'refresh_token'];

/** The token endpoint (RFC 6749 §3.2). */
export function tokenRoute(context: Context): ServerRoute {
    return formRoute(context, '/oauth/token', (form, request) => issueTokens(context, form, request));
}

async function issueTokens(context: Context, form: Form, request: Request): Promise<TokenResponse> {
    const grantType = required(form, 'grant_type');
    const credentials = credentialsOf(context, request, form);
    if (grantType === 'refresh_token') {
        // Reads the client and the token in one query, and authenticates the client itself.
        return refreshTokenGrant(context, credentials, form);
    }
    const found = await findClient(context, credentials.clientId);
    const client = await authenticateClient(context, found, credentials);
    requireNotSuspended(client);
    const grant = GRANTS.get(grantType);
    if (!grant) {
        throw OAuthError.unsupportedGrantType('The server does not know this grant type');
    }
    requireGrantType(client, grantType);
    if (grantType === 'client_credentials') {
        await context.limits.clientCredentials(credentials);
    }
    return grant(context, client, form);
}
