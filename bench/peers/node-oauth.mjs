// @node-oauth/oauth2-server on node:http with a store in MariaDB. The library leaves store and tokens to its host; this
// one does with raw SQL and node:crypto's asynchronous sign what the model's documentation asks for: one SELECT for the
// client, one for the token, an UPDATE that revokes it and an INSERT of the next. Its JWT access token and ID token have
// the claims that the others' have. `GET /seed?count=` answers refresh tokens.
//
// node peers/node-oauth.mjs <database url>

import { createHash, createPrivateKey, randomBytes, randomUUID, sign } from 'node:crypto';
import http from 'node:http';
import { promisify } from 'node:util';
import OAuth2Server from '@node-oauth/oauth2-server';
import mysql from 'mysql2/promise';
import { ACCESS_TOKEN, CLIENT_ID, ISSUER, REFRESH_TOKEN, SCOPE, signingKey } from './work.mjs';

const pool = mysql.createPool({ uri: process.argv[2], connectionLimit: 20 });
await pool.query(
    `CREATE TABLE clients (client_id VARCHAR(64) COLLATE utf8mb4_bin PRIMARY KEY, grants VARCHAR(255) NOT NULL) ENGINE=InnoDB`
);
await pool.query(
    `CREATE TABLE tokens (token_hash CHAR(43) COLLATE utf8mb4_bin PRIMARY KEY, client_id VARCHAR(64) NOT NULL,
        user_id VARCHAR(64) NOT NULL, scope TEXT NOT NULL, expires_at BIGINT NOT NULL, revoked_at BIGINT) ENGINE=InnoDB`
);
await pool.query('INSERT INTO clients VALUES (?, ?)', [CLIENT_ID, 'refresh_token']);

const jwk = signingKey();
const key = createPrivateKey({ key: jwk, format: 'jwk' });
const signBytes = promisify(sign);
const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
const hash = (token) => createHash('sha256').update(token).digest('base64url');
const newToken = () => randomBytes(32).toString('base64url');

async function jwt(typ, claims) {
    const iat = Math.floor(Date.now() / 1000);
    const input = `${encode({ alg: 'RS256', kid: jwk.kid, typ })}.${encode({ ...claims, iat, exp: iat + ACCESS_TOKEN })}`;
    return `${input}.${(await signBytes('sha256', Buffer.from(input), key)).toString('base64url')}`;
}

const insert = (token, clientId, userId, scope, expiresAt) =>
    pool.query('INSERT INTO tokens VALUES (?, ?, ?, ?, ?, NULL)', [
        hash(token),
        clientId,
        userId,
        scope.join(' '),
        expiresAt
    ]);

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
        generateAccessToken: (client, user, scope) =>
            jwt('at+jwt', {
                iss: ISSUER,
                sub: user.id,
                aud: ISSUER,
                client_id: client.id,
                jti: randomUUID(),
                scope: scope.join(' ')
            }),
        generateRefreshToken: newToken,
        async saveToken(token, client, user) {
            const [idToken] = await Promise.all([
                jwt('JWT', { iss: ISSUER, sub: user.id, aud: client.id, name: user.id, preferred_username: user.id }),
                insert(token.refreshToken, client.id, user.id, token.scope, token.refreshTokenExpiresAt.getTime())
            ]);
            return { ...token, id_token: idToken, client, user };
        }
    }
});

async function seed(number) {
    const token = newToken();
    await insert(token, CLIENT_ID, `account${number}`, SCOPE, Date.now() + REFRESH_TOKEN * 1000);
    return token;
}

async function answer(request, text) {
    const url = new URL(request.url, ISSUER);
    if (url.pathname === '/seed') {
        const count = Number(url.searchParams.get('count'));
        return { status: 200, body: await Promise.all(Array.from({ length: count }, (_, n) => seed(n))) };
    }
    const response = new OAuth2Server.Response({ headers: {} });
    try {
        await server.token(
            new OAuth2Server.Request({
                method: request.method,
                headers: request.headers,
                query: {},
                body: Object.fromEntries(new URLSearchParams(text))
            }),
            response
        );
    } catch {
        // The response says what went wrong.
    }
    return { status: response.status, headers: response.headers, body: response.body };
}

const listener = http.createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (data) => (text += data));
    request.once('end', async () => {
        const { status, headers, body } = await answer(request, text);
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(JSON.stringify(body));
    });
});
listener.listen(0, '127.0.0.1', () =>
    console.log(JSON.stringify({ origin: `http://127.0.0.1:${listener.address().port}`, path: '/token' }))
);
