// @node-oauth/oauth2-server on node:http with a store in MariaDB. The library leaves store and tokens to its host. This
// one does what the model's documentation asks for in raw SQL: a SELECT for the client, one for the token, an UPDATE that
// revokes it and an INSERT of the next.
//
// node peers/node-oauth.mjs <database url> <signed | plain>
//   plain: the library's defaults: a stored random access token, and no ID token
//   signed: a JWT access token and an ID token, both signed by the host

import { createHash, randomBytes } from 'node:crypto';
import OAuth2Server from '@node-oauth/oauth2-server';
import mysql from 'mysql2/promise';
import { accessTokenClaims, createSigner, idTokenClaims } from '../lib/jwt.mjs';
import { listen } from './listen.mjs';
import { ACCESS_TOKEN, CLIENT_ID, REFRESH_TOKEN, SCOPE } from '../lib/work.mjs';

const [url, kind] = process.argv.slice(2);
const signed = kind === 'signed';
const pool = mysql.createPool({ uri: url, connectionLimit: 20 });
await pool.query(
    `CREATE TABLE clients (client_id VARCHAR(64) COLLATE utf8mb4_bin PRIMARY KEY, grants VARCHAR(255) NOT NULL) ENGINE=InnoDB`
);
// Resource servers look up a random access token at each request; a signed one is stored nowhere.
await pool.query(
    `CREATE TABLE tokens (token_hash CHAR(43) COLLATE utf8mb4_bin PRIMARY KEY, client_id VARCHAR(64) NOT NULL,
        user_id VARCHAR(64) NOT NULL, scope TEXT NOT NULL, expires_at BIGINT NOT NULL, revoked_at BIGINT
        ${signed ? '' : ', access_token_hash CHAR(43) COLLATE utf8mb4_bin UNIQUE, access_expires_at BIGINT'}) ENGINE=InnoDB`
);
await pool.query('INSERT INTO clients VALUES (?, ?)', [CLIENT_ID, 'refresh_token']);

const sign = createSigner();
const hash = (token) => createHash('sha256').update(token).digest('base64url');
const newToken = () => randomBytes(32).toString('base64url');

function insert(token, clientId, userId) {
    const row = {
        token_hash: hash(token.refreshToken),
        client_id: clientId,
        user_id: userId,
        scope: token.scope.join(' '),
        expires_at: token.refreshTokenExpiresAt.getTime(),
        ...(!signed &&
            token.accessToken && {
                access_token_hash: hash(token.accessToken),
                access_expires_at: token.accessTokenExpiresAt.getTime()
            })
    };
    return pool.query('INSERT INTO tokens SET ?', [row]);
}

const server = new OAuth2Server({
    requireClientAuthentication: { refresh_token: false },
    accessTokenLifetime: ACCESS_TOKEN,
    refreshTokenLifetime: REFRESH_TOKEN,
    allowExtendedTokenAttributes: true,
    model: {
        async getClient(id) {
            const [[row]] = await pool.query('SELECT client_id, grants FROM clients WHERE client_id = ?', [id]);
            return row && { id: row.client_id, grants: row.grants.split(' ') };
        },
        async getRefreshToken(refreshToken) {
            const [[row]] = await pool.query(
                'SELECT client_id, user_id, scope, expires_at FROM tokens WHERE token_hash = ? AND revoked_at IS NULL',
                [hash(refreshToken)]
            );
            return (
                row && {
                    refreshToken,
                    refreshTokenExpiresAt: new Date(Number(row.expires_at)),
                    scope: row.scope.split(' '),
                    client: { id: row.client_id },
                    user: { id: row.user_id }
                }
            );
        },
        async revokeToken({ refreshToken }) {
            const [result] = await pool.query(
                'UPDATE tokens SET revoked_at = ? WHERE token_hash = ? AND revoked_at IS NULL',
                [Date.now(), hash(refreshToken)]
            );
            return result.affectedRows > 0;
        },
        ...(signed && {
            generateAccessToken: (client, user, scope) =>
                sign({ typ: 'at+jwt' }, accessTokenClaims(user.id, client.id, scope.join(' ')))
        }),
        generateRefreshToken: newToken,
        async saveToken(token, client, user) {
            const [idToken] = await Promise.all([
                signed ? sign({ typ: 'JWT' }, idTokenClaims(user.id, client.id)) : undefined,
                insert(token, client.id, user.id)
            ]);
            return { ...token, ...(idToken && { id_token: idToken }), client, user };
        }
    }
});

async function seed(number) {
    const refreshToken = newToken();
    const refreshTokenExpiresAt = new Date(Date.now() + REFRESH_TOKEN * 1000);
    await insert({ refreshToken, refreshTokenExpiresAt, scope: SCOPE }, CLIENT_ID, `account${number}`);
    return refreshToken;
}

async function respond({ method, headers }, body) {
    const response = new OAuth2Server.Response({ headers: {} });
    try {
        await server.token(new OAuth2Server.Request({ method, headers, query: {}, body }), response);
    } catch {
        // The response says what went wrong.
    }
    return response;
}

listen({ path: '/token', seed, respond });
