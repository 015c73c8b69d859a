// oidc-provider with its in-memory adapter: rotating refresh tokens, and for each refresh a JWT access token (by resource
// indicators) and an ID token with the profile claims.
//
// node peers/oidc-provider.mjs

import { Provider } from 'oidc-provider';
import { listen } from './listen.mjs';
import { ACCESS_TOKEN, CLIENT_ID, ISSUER, PERMISSIONS, REFRESH_TOKEN, SCOPE, signingKey } from '../lib/work.mjs';

const provider = new Provider(ISSUER, {
    jwks: { keys: [signingKey()] },
    clients: [
        {
            client_id: CLIENT_ID,
            token_endpoint_auth_method: 'none',
            grant_types: ['authorization_code', 'refresh_token'],
            redirect_uris: ['https://app.example/callback']
        }
    ],
    findAccount: (_context, accountId) => ({
        accountId,
        claims: () => ({ sub: accountId, name: accountId, preferred_username: accountId })
    }),
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'] },
    conformIdTokenClaims: false,
    rotateRefreshToken: true,
    ttl: { AccessToken: ACCESS_TOKEN, IdToken: ACCESS_TOKEN, RefreshToken: REFRESH_TOKEN, Grant: REFRESH_TOKEN },
    cookies: { keys: ['bench'] },
    features: {
        devInteractions: { enabled: false },
        resourceIndicators: {
            enabled: true,
            defaultResource: () => ISSUER,
            useGrantedResource: () => true,
            getResourceServerInfo: () => ({
                scope: PERMISSIONS.join(' '),
                audience: ISSUER,
                accessTokenTTL: ACCESS_TOKEN,
                accessTokenFormat: 'jwt',
                jwt: { sign: { alg: 'RS256' } }
            })
        }
    }
});

async function seed(number) {
    const accountId = `account${number}`;
    const client = await provider.Client.find(CLIENT_ID);
    const grant = new provider.Grant({ accountId, clientId: CLIENT_ID });
    grant.addOIDCScope('openid profile offline_access');
    grant.addResourceScope(ISSUER, PERMISSIONS.join(' '));
    const token = new provider.RefreshToken({
        accountId,
        client,
        grantId: await grant.save(),
        gty: 'authorization_code',
        scope: SCOPE.join(' '),
        resource: ISSUER,
        claims: {}
    });
    return token.save();
}

listen({ path: '/token', seed, handle: provider.callback() });
