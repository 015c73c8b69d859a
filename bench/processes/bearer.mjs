// A hapi server with three routes that respond alike: GET /bare is open, GET /admitted has a scheme that admits every
// request, and GET /protected needs a bearer token. GET /cpu returns the CPU that the process has used, in µs. Prints
// {"origin"}.
//
// node processes/bearer.mjs <kind>
//   oauth: this plugin
//   oauth-current: this plugin with `bearer.permissions: 'current'`
//   hapi-jwt: @hapi/jwt
//   bearer-token: hapi-auth-bearer-token, whose host verifies with jose
// All kinds accept tokens signed with SIGNING_KEY.

import { createPublicKey } from 'node:crypto';
import Jwt from '@hapi/jwt';
import BearerToken from 'hapi-auth-bearer-token';
import { importJWK, jwtVerify } from 'jose';
import { DataSource, Hapi, OAuth } from '../lib/plugin.mjs';
import { ISSUER, PERMISSIONS, signingKey } from '../lib/work.mjs';

const kind = process.argv[2];
const server = Hapi.server({ host: '127.0.0.1', port: 0 });
const jwk = signingKey();
const published = { kty: jwk.kty, n: jwk.n, e: jwk.e };
const pem = createPublicKey({ key: published, format: 'jwk' }).export({ type: 'spki', format: 'pem' });

const prepare = {
    async oauth(permissions = 'token') {
        const dataSource = new DataSource({ type: 'sqljs', entities: OAuth.entities, migrations: OAuth.migrations });
        await dataSource.initialize();
        server.auth.scheme('member', () => ({ authenticate: (_request, h) => h.unauthenticated(new Error('none')) }));
        server.auth.strategy('session', 'member');
        await server.register({
            plugin: OAuth,
            routes: { prefix: '/api' },
            options: {
                issuer: ISSUER,
                dataSource,
                accounts: {
                    find: (id) => Promise.resolve({ id, handle: id, name: id, permissions: PERMISSIONS })
                },
                session: { strategy: 'session' },
                signingKeys: [jwk],
                bearer: { permissions }
            }
        });
        return 'oauth';
    },
    'oauth-current': () => prepare.oauth('current'),
    async 'hapi-jwt'() {
        await server.register(Jwt);
        server.auth.strategy('jwt', 'jwt', {
            keys: { key: pem, algorithms: ['RS256'], kid: jwk.kid },
            verify: { aud: ISSUER, iss: ISSUER, sub: false, nbf: true, exp: true },
            validate: ({ decoded: { payload } }) => ({
                isValid: true,
                credentials: { accountId: payload.sub, scope: payload.scope.split(' ') }
            })
        });
        return 'jwt';
    },
    async 'bearer-token'() {
        const key = await importJWK(published, 'RS256');
        await server.register(BearerToken);
        server.auth.strategy('token', 'bearer-access-token', {
            validate: async (_request, token) => {
                const expected = { algorithms: ['RS256'], typ: 'at+jwt', issuer: ISSUER, audience: ISSUER };
                const { payload } = await jwtVerify(token, key, expected);
                return {
                    isValid: true,
                    credentials: { accountId: payload.sub, scope: payload.scope.split(' ') },
                    artifacts: {}
                };
            }
        });
        return 'token';
    }
};

const strategy = await prepare[kind]();
const access = { scope: ['CREATE_POST'] };
server.auth.scheme('everybody', () => ({
    authenticate: (_request, h) => h.authenticated({ credentials: { scope: PERMISSIONS } })
}));
server.auth.strategy('everybody', 'everybody');
const handler = () => ({ ok: true });
server.route([
    { method: 'GET', path: '/bare', handler },
    { method: 'GET', path: '/cpu', handler: () => process.cpuUsage() },
    { method: 'GET', path: '/admitted', handler, options: { auth: { strategy: 'everybody', access } } },
    { method: 'GET', path: '/protected', handler, options: { auth: { strategy, access } } }
]);
await server.start();
console.log(JSON.stringify({ origin: server.info.uri }));
process.once('SIGTERM', () => server.stop({ timeout: 1000 }));
