// @jmondi/oauth2-server on node:http with a store in MariaDB: the simplified schema of its documentation with all its
// indexes, tokens stored as hashes as it advises, and raw SQL: a SELECT for the client, one for the token, an UPDATE that
// revokes it and an INSERT of the next.
//
// node peers/jmondi.mjs <database url> <signed | plain>
//   plain: the library's defaults: access and refresh tokens are HS256 JWTs, and there is no ID token
//   signed: the host's own JWT service, a random refresh token, and a custom grant that adds an ID token

import { createHash, randomBytes } from 'node:crypto';
import { AuthorizationServer, DateInterval, JwtService, OAuthRequest, RefreshTokenGrant } from '@jmondi/oauth2-server';
import { handleVanillaError } from '@jmondi/oauth2-server/vanilla';
import mysql from 'mysql2/promise';
import { createSigner, idTokenClaims } from '../lib/jwt.mjs';
import { listen } from './listen.mjs';
import { ACCESS_TOKEN, CLIENT_ID, ISSUER, REFRESH_TOKEN, SCOPE } from '../lib/work.mjs';

const [url, kind] = process.argv.slice(2);
const signed = kind === 'signed';
const pool = mysql.createPool({ uri: url, connectionLimit: 20 });
await pool.query(
    `CREATE TABLE oauth_clients (id VARCHAR(64) COLLATE utf8mb4_bin PRIMARY KEY, name VARCHAR(255) NOT NULL,
        secret VARCHAR(255), redirect_uris TEXT NOT NULL, allowed_grants VARCHAR(255) NOT NULL, scopes TEXT NOT NULL)
        ENGINE=InnoDB`
);
await pool.query(
    `CREATE TABLE oauth_tokens (access_token CHAR(43) COLLATE utf8mb4_bin PRIMARY KEY,
        access_token_expires_at BIGINT NOT NULL, refresh_token CHAR(43) COLLATE utf8mb4_bin UNIQUE,
        refresh_token_expires_at BIGINT, client_id VARCHAR(64) COLLATE utf8mb4_bin NOT NULL, user_id VARCHAR(64),
        scopes TEXT NOT NULL, originating_auth_code_id VARCHAR(255), created_at BIGINT NOT NULL, revoked_at BIGINT,
        INDEX (client_id), INDEX (user_id), INDEX (originating_auth_code_id), INDEX (access_token_expires_at),
        FOREIGN KEY (client_id) REFERENCES oauth_clients (id) ON DELETE CASCADE) ENGINE=InnoDB`
);
await pool.query('INSERT INTO oauth_clients VALUES (?, ?, NULL, ?, ?, ?)', [
    CLIENT_ID,
    'Storyden',
    '[]',
    'refresh_token',
    SCOPE.join(' ')
]);

const hash = (token) => createHash('sha256').update(token).digest('base64url');
const newToken = () => randomBytes(32).toString('base64url');

const clients = {
    async getByIdentifier(id) {
        const [[row]] = await pool.query('SELECT * FROM oauth_clients WHERE id = ?', [id]);
        return {
            id: row.id,
            name: row.name,
            secret: row.secret,
            redirectUris: JSON.parse(row.redirect_uris),
            allowedGrants: row.allowed_grants.split(' '),
            scopes: row.scopes.split(' ').map((name) => ({ name }))
        };
    },
    isClientValid: (grant, client) => Promise.resolve(client.allowedGrants.includes(grant))
};
const scopes = {
    getAllByIdentifiers: (names) =>
        Promise.resolve(names.filter((name) => SCOPE.includes(name)).map((name) => ({ name }))),
    finalize: (requested) => Promise.resolve(requested)
};
const tokens = {
    // Includes the refresh token, so that one INSERT is enough.
    issueToken: (client, granted, user) =>
        Promise.resolve({
            accessToken: newToken(),
            refreshToken: newToken(),
            refreshTokenExpiresAt: new Date(Date.now() + REFRESH_TOKEN * 1000),
            client,
            user,
            scopes: granted
        }),
    issueRefreshToken: (token) => Promise.resolve(token),
    persist: (token) =>
        pool.query('INSERT INTO oauth_tokens VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?, NULL)', [
            hash(token.accessToken),
            token.accessTokenExpiresAt.getTime(),
            hash(token.refreshToken),
            token.refreshTokenExpiresAt.getTime(),
            token.client.id,
            token.user.id,
            token.scopes.map(({ name }) => name).join(' '),
            Date.now()
        ]),
    async revoke(token) {
        const [result] = await pool.query(
            'UPDATE oauth_tokens SET revoked_at = ? WHERE access_token = ? AND revoked_at IS NULL',
            [Date.now(), token.accessToken]
        );
        if (result.affectedRows === 0) {
            throw new Error('The token was revoked by another request');
        }
    },
    isRefreshTokenRevoked: (token) => Promise.resolve(token.revokedAt !== null),
    async getByRefreshToken(refreshToken) {
        const [[row]] = await pool.query('SELECT * FROM oauth_tokens WHERE refresh_token = ?', [hash(refreshToken)]);
        return {
            accessToken: row.access_token,
            accessTokenExpiresAt: new Date(Number(row.access_token_expires_at)),
            refreshToken,
            refreshTokenExpiresAt: new Date(Number(row.refresh_token_expires_at)),
            client: { id: row.client_id },
            user: { id: row.user_id },
            scopes: row.scopes.split(' ').map((name) => ({ name })),
            revokedAt: row.revoked_at
        };
    }
};

const extraTokenFields = ({ client }) => ({ aud: ISSUER, client_id: client.id });

class HmacService extends JwtService {
    extraTokenFields = extraTokenFields;
}

const sign = createSigner();
const signingService = {
    sign: (payload) => sign({ typ: 'at+jwt' }, payload),
    verify: () => Promise.reject(new Error('No signed token is presented here')),
    decode: () => null,
    extraTokenFields
};

class RefreshTokenGrantWithIdToken extends RefreshTokenGrant {
    async makeBearerTokenResponse(client, token, granted, fields) {
        const [response, idToken] = await Promise.all([
            super.makeBearerTokenResponse(client, token, granted, fields),
            sign({ typ: 'JWT' }, idTokenClaims(token.user.id, client.id))
        ]);
        response.body = { ...response.body, id_token: idToken };
        return response;
    }
}

const jwt = signed ? signingService : new HmacService(randomBytes(32).toString('base64url'));
const options = { issuer: ISSUER, useOpaqueRefreshTokens: signed };
const server = new AuthorizationServer(clients, tokens, scopes, jwt, options);
const lifetime = new DateInterval(`${ACCESS_TOKEN}s`);
server.enableGrantTypes([
    signed
        ? { grant: new RefreshTokenGrantWithIdToken(clients, tokens, scopes, jwt, server.options) }
        : 'refresh_token',
    lifetime
]);

async function seed(number) {
    const client = { id: CLIENT_ID };
    const token = await tokens.issueToken(
        client,
        SCOPE.map((name) => ({ name })),
        { id: `account${number}` }
    );
    token.accessTokenExpiresAt = new Date(Date.now() + ACCESS_TOKEN * 1000);
    await tokens.persist(token);
    return signed
        ? token.refreshToken
        : jwt.sign({
              client_id: CLIENT_ID,
              refresh_token_id: token.refreshToken,
              expire_time: Math.ceil(token.refreshTokenExpiresAt.getTime() / 1000)
          });
}

const respond = ({ headers }, body) =>
    server.respondToAccessTokenRequest(new OAuthRequest({ query: {}, headers, body })).catch(handleVanillaError);

listen({ path: '/token', seed, respond });
