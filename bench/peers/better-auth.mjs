// better-auth with its OAuth provider plugin, on node:http and a MariaDB database that its own migrations made. Client and
// resource are remembered by the process, as its options allow.
//
// node peers/better-auth.mjs <database url> <signed | plain | hosted>
//   plain: as the plugin comes, with a random access token, which is kept, and an ID token by Ed25519
//   signed: a JWT access token, which the client gets for a resource, and an ID token, both by RS256 and the jwt plugin
//   hosted: the same, signed by a function of the host, which the jwt plugin takes instead

import { createHash, randomBytes } from 'node:crypto';
import { oauthProvider } from '@better-auth/oauth-provider';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';
import mysql from 'mysql2/promise';
import { createSigner } from './jwt.mjs';
import { listen } from './listen.mjs';
import { ACCESS_TOKEN, CLIENT_ID, ISSUER, REFRESH_TOKEN, SCOPE, signingKey } from './work.mjs';

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
    // It would report the tables as missing that are made below.
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
    // The key of all servers; the plugin keeps it encrypted, and looks it up at each signature.
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
