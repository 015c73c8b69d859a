import type { ServerRoute } from '@hapi/hapi';
import { authenticateClient } from '../clients/authenticate';
import { findClient } from '../clients/find-client';
import { DEVICE_CODE_GRANT } from '../clients/grant-rules';
import type { Client } from '../store/clients';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import { authorizationCodeGrant } from '../grant-types/authorization-code';
import { clientCredentialsGrant } from '../grant-types/client-credentials';
import { deviceCodeGrant } from '../grant-types/device-code';
import { required } from '../parameters';
import { refreshTokenGrant } from '../grant-types/refresh-token';
import { requireGrantType } from '../clients/require-grant-type';
import type { TokenResponse } from '../grant-types/token-response';
import type { Form } from '../parameters';
import { credentialsOf, formRoute } from '../http/protocol-route';

type Grant = (context: Context, client: Client, form: Form) => Promise<TokenResponse>;

/** The grants that begin with an authenticated client. The refresh token grant reads client and token in one query. */
const GRANTS = new Map<string, Grant>([
    ['authorization_code', authorizationCodeGrant],
    [DEVICE_CODE_GRANT, deviceCodeGrant],
    ['client_credentials', clientCredentialsGrant]
]);

/** The grant types that the token endpoint takes. */
export const GRANT_TYPES_SUPPORTED = [...GRANTS.keys(), 'refresh_token'];

/** The token endpoint (RFC 6749 §3.2). */
export function tokenRoutes(context: Context): ServerRoute[] {
    return [
        formRoute('/oauth/token', async (form, request) => {
            const grantType = required(form, 'grant_type');
            const credentials = credentialsOf(context, request, form);
            if (grantType === 'refresh_token') {
                return refreshTokenGrant(context, credentials, form);
            }
            const found = await findClient(context, credentials.clientId);
            const client = await authenticateClient(context, found, credentials);
            const grant = GRANTS.get(grantType);
            if (!grant) {
                throw OAuthError.unsupportedGrantType('The server does not know this grant type');
            }
            requireGrantType(client, grantType);
            return grant(context, client, form);
        })
    ];
}
