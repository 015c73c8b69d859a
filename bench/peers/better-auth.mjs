// better-auth with its OAuth provider plugin, on node:http and a MariaDB database that its own migrations created. The
// process caches client and resource, as its options allow.
//
// node peers/better-auth.mjs <database url> <signed | plain | hosted>
//   plain: the plugin's defaults: a stored random access token, and an ID token signed with Ed25519
//   signed: a JWT access token for a resource, and an ID token, both signed by the jwt plugin with RS256
//   hosted: the same, signed by a function of the host that the jwt plugin calls

import { createHash, randomBytes } from 'node:crypto';
import { oauthProvider } from '@better-auth/oauth-provider';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';
import mysql from 'mysql2/promise';
import { createSigner } from '../lib/jwt.mjs';
import { listen } from './listen.mjs';
import { ACCESS_TOKEN, CLIENT_ID, ISSUER, REFRESH_TOKEN, SCOPE, signingKey } from '../lib/work.mjs';

const [url, kind] = process.argv.slice(2);
const BASE_PATH = '/api/auth';
const withResource = kind !== 'plain';
const sign = createSigner();

const RS256 = { jwks: { keyPairConfig: { alg: 'RS256', modulusLength: 2048 } }, jwt: { issuer: ISSUER } };
const JWT_OPTIONS = {
    plain: { jwt: { issuer: ISSUER } },
    signed: RS256,
    hosted: {
        jwks: { ...RS256.jwks, remoteUrl: `${ISSUER}/jwks` },
        jwt: { issuer: ISSUER, sign: (payload, header) => sign({ typ: 'JWT', ...header }, payload) }
    }
};

const auth = betterAuth({
    baseURL: ISSUER,
    basePath: BASE_PATH,
    secret: randomBytes(32).toString('base64url'),
    database: mysql.createPool({ uri: url, connectionLimit: 20, timezone: 'Z' }),
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    // It would report the tables that are created below as missing.
    logger: { disabled: true },
    disabledPaths: ['/token'],
    plugins: [
        jwt({ ...JWT_OPTIONS[kind], disableSettingJwtHeader: true }),
        oauthProvider({
            loginPage: '/login',
            consentPage: '/consent',
            scopes: SCOPE,
            accessTokenExpiresIn: ACCESS_TOKEN,
            idTokenExpiresIn: ACCESS_TOKEN,
            refreshTokenExpiresIn: REFRESH_TOKEN,
            cachedTrustedClients: new Set([CLIENT_ID]),
            cachedResources: new Set([ISSUER]),
            resources: [ISSUER],
            customIdTokenClaims: ({ user }) => ({ name: user.name, preferred_username: user.name })
        })
    ]
});
await (await getMigrations(auth.options)).runMigrations();

const { adapter } = await auth.$context;
const now = new Date();
await adapter.create({
    model: 'oauthClient',
    data: {
        clientId: CLIENT_ID,
        name: 'Storyden',
        redirectUris: ['https://app.example/callback'],
        grantTypes: ['authorization_code', 'refresh_token'],
        responseTypes: ['code'],
        scopes: SCOPE,
        tokenEndpointAuthMethod: 'none',
        public: true,
        createdAt: now,
        updatedAt: now
    }
});
const resource = { model: 'oauthResource', where: [{ field: 'identifier', value: ISSUER }] };
if (!(await adapter.findOne(resource))) {
    await adapter.create({
        model: 'oauthResource',
        data: { identifier: ISSUER, name: ISSUER, createdAt: now, updatedAt: now }
    });
}
await adapter.create({
    model: 'oauthClientResource',
    data: { clientId: CLIENT_ID, resourceId: ISSUER, createdAt: now }
});
if (kind === 'signed') {
    // The key of all servers. The plugin stores it encrypted, and looks it up for each signature.
    const { alg, kid: _kid, use: _use, ...jwk } = signingKey();
    const { symmetricEncrypt } = await import('better-auth/crypto');
    const { secretConfig } = await auth.$context;
    const privateKey = JSON.stringify(await symmetricEncrypt({ key: secretConfig, data: JSON.stringify(jwk) }));
    const publicKey = JSON.stringify({ kty: jwk.kty, n: jwk.n, e: jwk.e });
    await adapter.create({
        model: 'jwks',
        data: { alg, publicKey, privateKey, createdAt: now }
    });
}

const users = new Map();
const user = (number) => {
    if (!users.has(number)) {
        const name = `account${number}`;
        const data = { name, email: `${name}@forum.example`, emailVerified: true, createdAt: now, updatedAt: now };
        users.set(number, adapter.create({ model: 'user', data }));
    }
    return users.get(number);
};

async function seed(number) {
    const token = randomBytes(24).toString('base64url');
    const { id: userId } = await user(number);
    await adapter.create({
        model: 'oauthRefreshToken',
        data: {
            token: createHash('sha256').update(token).digest('base64url'),
            clientId: CLIENT_ID,
            userId,
            scopes: SCOPE,
            ...(withResource && { resources: [ISSUER] }),
            createdAt: new Date(),
            expiresAt: new Date(Date.now() + REFRESH_TOKEN * 1000)
        }
    });
    return token;
}

listen({ path: `${BASE_PATH}/oauth2/token`, seed, handle: toNodeHandler(auth) });
