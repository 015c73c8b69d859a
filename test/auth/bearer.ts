import { createHmac, createPublicKey, type JsonWebKey } from 'node:crypto';
import * as Boom from '@hapi/boom';
import { expect } from '@hapi/code';
import type { Request, RouteOptionsAccessScopeObject, Server } from '@hapi/hapi';
import * as Lab from '@hapi/lab';
import { importJWK, SignJWT, type JWK, type JWTHeaderParameters, type JWTPayload } from 'jose';
import { generateSigningKey, type AccessTokenClaims, type OAuthCredentials, type Options } from '../../plugin/index';
import { FORUM_PERMISSIONS } from '../../plugin/options/forum-permissions';
import { DEVICE_CODE, Forum, FRIGG, ISSUER, LOKI, ODIN, signingKey } from '../support/forum';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

interface Seen {
    status: number;
    challenge: string | undefined;
    text: string;
    headers: Record<string, unknown>;
}

/** What a handler of the host's reads, with the types that it gets: wrong ones do not compile. */
function whoAmI(request: Request): {
    accountId: string | undefined;
    clientId: string | null | undefined;
    may: string[];
} {
    const { credentials } = request.auth;
    const accountId: string | undefined = credentials.accountId;
    const clientId: string | null | undefined = credentials.clientId;
    const may: string[] = credentials.permissions ?? [];
    const scope: string[] | undefined = credentials.scope;
    // @ts-expect-error An account's id is a string.
    const wrongId: number | undefined = credentials.accountId;
    // @ts-expect-error Permissions are a list.
    const wrongList: string | undefined = credentials.permissions;
    expect([typeof wrongId, typeof wrongList]).to.equal(['string', 'object']);
    expect(scope).to.be.an.array();
    return { accountId, clientId, may };
}

function addRoutes(server: Server): void {
    // A session that asks for nothing where it has no cookie, as an API's is set up.
    server.auth.scheme('quiet', () => ({
        authenticate: (request, h) => {
            const account = (request.state as Record<string, string | undefined>).session;
            return account === undefined
                ? h.unauthenticated(Boom.unauthorized(null, 'Session'))
                : h.authenticated({ credentials: { accountId: account, scope: ['READ_PUBLISHED_THREADS'] } });
        }
    }));
    server.auth.strategy('quiet', 'quiet');
    const protect = (path: string, ...scope: string[]): void =>
        server.route({
            method: 'GET',
            path,
            options: { auth: { strategy: 'oauth', ...(scope.length > 0 && { access: { scope } }) } },
            handler: ({ auth }) => ({ ...auth })
        });
    protect('/me');
    protect('/any', 'CREATE_POST', 'MANAGE_ROLES');
    protect('/all', '+CREATE_POST', '+READ_PROFILE');
    protect('/mixed', '+openid', 'CREATE_POST', 'MANAGE_ROLES');
    protect('/not', '!MANAGE_ROLES');
    protect('/profile', 'profile');
    protect('/dynamic/{permission}', '{params.permission}');
    const access: RouteOptionsAccessScopeObject[] = [
        { scope: ['+MANAGE_ROLES'] },
        { scope: ['+CREATE_POST', '+openid'] }
    ];
    server.route({
        method: 'GET',
        path: '/either',
        options: { auth: { strategy: 'oauth', access } },
        handler: () => 'either'
    });
    for (const strategies of [
        ['quiet', 'oauth'],
        ['oauth', 'quiet']
    ]) {
        server.route({
            method: 'GET',
            path: `/${strategies.join('-')}`,
            options: { auth: { strategies, access: { scope: ['READ_PUBLISHED_THREADS'] } } },
            handler: ({ auth }) => ({ strategy: auth.strategy, accountId: auth.credentials.accountId })
        });
        server.route({
            method: 'GET',
            path: `/post/${strategies.join('-')}`,
            options: { auth: { strategies, access: { scope: ['CREATE_POST'] } } },
            handler: () => 'posted'
        });
    }
    for (const mode of ['try', 'optional'] as const) {
        server.route({
            method: 'GET',
            path: `/${mode}`,
            options: { auth: { strategy: 'oauth', mode } },
            handler: ({ auth }) => ({ isAuthenticated: auth.isAuthenticated, credentials: auth.credentials })
        });
        server.route({
            method: 'GET',
            path: `/${mode}/post`,
            options: { auth: { strategy: 'oauth', mode, access: { scope: ['CREATE_POST'] } } },
            handler: ({ auth }) => ({ isAuthenticated: auth.isAuthenticated, isAuthorized: auth.isAuthorized })
        });
    }
    server.route({ method: 'GET', path: '/typed', options: { auth: 'oauth' }, handler: (request) => whoAmI(request) });
    server.route({
        method: 'GET',
        path: '/refused',
        options: { auth: 'oauth' },
        handler: () => Boom.forbidden('Not on a Sunday')
    });
}

async function sign(claims: JWTPayload, header: Partial<JWTHeaderParameters> = {}, jwk?: JWK): Promise<string> {
    const key = jwk ?? (await signingKey());
    const protectedHeader = { alg: key.alg!, kid: key.kid!, typ: 'at+jwt', ...header };
    return new SignJWT(claims).setProtectedHeader(protectedHeader).sign(await importJWK(key, key.alg));
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('the oauth strategy', () => {
    const database = useDatabase(lab);
    const forum = useForum(lab, { database });
    let claims: AccessTokenClaims;

    before(async () => {
        addRoutes(forum.server);
        const iat = Math.floor(forum.now / 1000);
        claims = {
            iss: ISSUER,
            sub: FRIGG,
            aud: ISSUER,
            client_id: 'storyden-cli',
            exp: iat + 900,
            iat,
            jti: 'an-id',
            scope: 'openid CREATE_POST'
        };
    });

    const get = async (path: string, headers: Record<string, string> = {}, of = forum): Promise<Seen> => {
        const response = await of.server.inject({ url: path, headers });
        return {
            status: response.statusCode,
            challenge: response.headers['www-authenticate'] as string | undefined,
            text: response.payload,
            headers: response.headers
        };
    };

    const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

    const withScope = async (scope: string, path: string): Promise<Seen> =>
        get(path, bearer(await sign({ ...claims, scope })));

    const expectInvalidToken = (seen: Seen, what: string): void => {
        expect(seen.status, what).to.equal(401);
        expect(seen.challenge, what).to.match(/^Bearer error="invalid_token", error_description="[ !#-[\]-~]+"$/);
    };

    it('gives a route the account, the client and what the token may do', async () => {
        const { access_token: token } = await forum.signIn(FRIGG);
        const seen = await get('/me', bearer(token));
        expect(seen.status, seen.text).to.equal(200);
        const auth = JSON.parse(seen.text) as {
            credentials: OAuthCredentials;
            artifacts: AccessTokenClaims;
            strategy: string;
        };
        const permissions = [
            'CREATE_POST',
            'READ_PUBLISHED_THREADS',
            'CREATE_REACTION',
            'READ_PROFILE',
            'USE_OAUTH_CLIENTS'
        ];
        expect(auth.credentials).to.equal({
            accountId: FRIGG,
            clientId: 'storyden-cli',
            scope: ['openid', 'profile', 'offline_access', ...permissions],
            permissions
        });
        expect(auth.strategy).to.equal('oauth');
        const { jti, grant_id: grantId, ...artifacts } = auth.artifacts;
        expect(jti).to.be.a.string();
        expect(grantId).to.match(/^[0-9a-v]{20}$/);
        expect(artifacts).to.equal({
            iss: ISSUER,
            sub: FRIGG,
            aud: ISSUER,
            client_id: 'storyden-cli',
            exp: claims.exp,
            iat: claims.iat,
            scope: ['openid', 'profile', 'offline_access', ...permissions].join(' ')
        });
    });

    it('gives a handler typed credentials', async () => {
        const seen = await get('/typed', bearer(await sign(claims)));
        expect(JSON.parse(seen.text)).to.equal({
            accountId: FRIGG,
            clientId: 'storyden-cli',
            may: ['CREATE_POST']
        });
    });

    it('spells the wildcard out in the credentials and leaves it in the claims', async () => {
        const seen = await withScope('ADMINISTRATOR profile', '/me');
        const { credentials, artifacts } = JSON.parse(seen.text) as {
            credentials: OAuthCredentials;
            artifacts: AccessTokenClaims;
        };
        expect(credentials.permissions).to.equal([...FORUM_PERMISSIONS]);
        expect(credentials.scope).to.equal(['profile', ...FORUM_PERMISSIONS]);
        expect(artifacts.scope).to.equal('ADMINISTRATOR profile');
        expect((await withScope('ADMINISTRATOR', '/any')).status).to.equal(200);
        expect((await withScope('ADMINISTRATOR', '/all')).status).to.equal(200);
        expect((await withScope('ADMINISTRATOR', '/not')).status).to.equal(403);
        expect((await withScope('ADMINISTRATOR', '/profile')).status).to.equal(403);
    });

    it('lets hapi decide by scope: any of, all of, none of, alternatives', async () => {
        const table: [string, string, number][] = [
            ['/any', 'CREATE_POST', 200],
            ['/any', 'MANAGE_ROLES', 200],
            ['/any', 'READ_PROFILE', 403],
            ['/any', '', 403],
            ['/all', 'CREATE_POST READ_PROFILE', 200],
            ['/all', 'CREATE_POST', 403],
            ['/mixed', 'openid MANAGE_ROLES', 200],
            ['/mixed', 'openid', 403],
            ['/mixed', 'CREATE_POST', 403],
            ['/not', '', 200],
            ['/not', 'CREATE_POST MANAGE_ROLES', 403],
            ['/either', 'MANAGE_ROLES', 200],
            ['/either', 'CREATE_POST openid', 200],
            ['/either', 'CREATE_POST', 403],
            ['/dynamic/CREATE_POST', 'CREATE_POST', 200],
            ['/dynamic/MANAGE_ROLES', 'CREATE_POST', 403],
            ['/any', 'create_post', 403],
            ['/any', 'CREATE_POSTS', 403]
        ];
        for (const [path, scope, status] of table) {
            expect((await withScope(scope, path)).status, `${path} with ${scope}`).to.equal(status);
        }
    });

    it('says which scope was needed', async () => {
        const needed = async (path: string): Promise<string | undefined> => (await withScope('email', path)).challenge;
        expect(await needed('/any')).to.equal('Bearer error="insufficient_scope", scope="CREATE_POST MANAGE_ROLES"');
        expect(await needed('/all')).to.equal('Bearer error="insufficient_scope", scope="CREATE_POST READ_PROFILE"');
        expect(await needed('/mixed')).to.equal(
            'Bearer error="insufficient_scope", scope="openid CREATE_POST MANAGE_ROLES"'
        );
        expect(await needed('/either')).to.equal(
            'Bearer error="insufficient_scope", scope="MANAGE_ROLES CREATE_POST openid"'
        );
        expect(await needed('/dynamic/USE_ROBOTS')).to.equal('Bearer error="insufficient_scope", scope="USE_ROBOTS"');
        expect((await withScope('MANAGE_ROLES', '/not')).challenge).to.equal('Bearer error="insufficient_scope"');
    });

    it('puts nothing into the challenge that is no scope', async () => {
        for (const text of ['x%22%2C%20realm%3D%22evil', 'a%0d%0aX-Evil%3A%201', '%C3%A9', 'a%20b', '%5C', '%00']) {
            const seen = await withScope('openid', `/dynamic/${text}`);
            expect([seen.status, seen.challenge], text).to.equal([403, 'Bearer error="insufficient_scope"']);
            expect(seen.headers).not.to.include('x-evil');
        }
    });

    it('challenges only where the scope of a token was too little', async () => {
        const refused = await get('/refused', bearer(await sign(claims)));
        expect([refused.status, refused.challenge]).to.equal([403, undefined]);
        const session = await get('/post/quiet-oauth', { cookie: `session=${LOKI}` });
        expect([session.status, session.challenge]).to.equal([403, undefined]);
    });

    it('asks for a token where there is none', async () => {
        for (const headers of [
            {},
            { authorization: 'Basic eDp5' },
            { authorization: 'Bearertoken' },
            { authorization: '' }
        ]) {
            const seen = await get('/me', headers as Record<string, string>);
            expect([seen.status, seen.challenge], JSON.stringify(headers)).to.equal([401, 'Bearer']);
        }
        const token = await sign(claims);
        const elsewhere = await get(`/me?access_token=${token}`);
        expect([elsewhere.status, elsewhere.challenge]).to.equal([401, 'Bearer']);
    });

    it('takes the scheme in any case, and blanks before the token', async () => {
        const token = await sign(claims);
        for (const authorization of [`bearer ${token}`, `BEARER ${token}`, `Bearer   ${token}`]) {
            expect((await get('/me', { authorization })).status, authorization.slice(0, 10)).to.equal(200);
        }
    });

    it('refuses what is no token at all', async () => {
        const token = await sign(claims);
        const { refresh_token: refreshToken } = await forum.signIn(FRIGG);
        for (const text of [
            'x',
            'a.b.c',
            '..',
            token.slice(0, -5),
            `${token}x`,
            `${token}.x`,
            `${token} x`,
            `${token},x`,
            `x ${token}`,
            `"${token}"`,
            token.toLowerCase(),
            'x'.repeat(10_000),
            refreshToken
        ]) {
            expectInvalidToken(await get('/me', bearer(text)), text.slice(-30));
        }
    });

    it('is exact about when a token ends', async () => {
        const token = await sign(claims);
        const now = forum.now;
        forum.now = claims.exp * 1000 - 1;
        expect((await get('/me', bearer(token))).status).to.equal(200);
        forum.now += 1;
        expectInvalidToken(await get('/me', bearer(token)), 'expired');
        forum.now = now;
        expectInvalidToken(await get('/me', bearer(await sign({ ...claims, nbf: claims.iat + 60 }))), 'not yet');
    });

    const foreign: Record<string, () => Promise<string>> = {
        'of another issuer': () => sign({ ...claims, iss: 'https://other.example' }),
        'of an issuer that is spelled otherwise': () => sign({ ...claims, iss: `${ISSUER}/` }),
        'for another audience': () => sign({ ...claims, aud: 'https://other.example' }),
        'for no audience': () => sign({ ...claims, aud: undefined }),
        'without an issuer': () => sign({ ...claims, iss: undefined }),
        'that never expires': () => sign({ ...claims, exp: undefined }),
        'without an account': () => sign({ ...claims, sub: undefined }),
        'without a client': () => sign({ ...claims, client_id: undefined }),
        'without a scope': () => sign({ ...claims, scope: undefined }),
        'whose scope is a list': () => sign({ ...claims, scope: ['CREATE_POST'] }),
        'of the type JWT': () => sign(claims, { typ: 'JWT' }),
        'without a type': () => sign(claims, { typ: undefined as unknown as string }),
        'that is an ID token': async () => (await forum.signIn(FRIGG)).id_token,
        'of an unknown key': () => sign(claims, { kid: 'unknown' }),
        'that names no key': () => sign(claims, { kid: undefined as unknown as string }),
        'of somebody else\u2019s key under our key\u2019s name': async () =>
            sign(claims, { kid: (await signingKey()).kid! }, await generateSigningKey()),
        'of somebody else\u2019s key that it brings along': async () => {
            const other = await generateSigningKey('ES256');
            const jwk = { ...other, d: undefined };
            return sign(claims, { jwk, kid: (await signingKey()).kid! }, other);
        },
        'with an extension that must be understood': () =>
            sign(claims, { crit: ['x'], x: 1 }).catch(async () => {
                const [, payload, signature] = (await sign(claims)).split('.');
                const { kid } = await signingKey();
                return [encode({ alg: 'RS256', kid, typ: 'at+jwt', crit: ['x'], x: 1 }), payload, signature].join('.');
            }),
        'with the algorithm none': async () => {
            const { kid } = await signingKey();
            return `${encode({ alg: 'none', kid, typ: 'at+jwt' })}.${encode(claims)}.`;
        },
        'with HS256 and the public key as its secret': async () => {
            const { kid, kty, n, e } = await signingKey();
            const key = createPublicKey({ key: { kty, n, e } as JsonWebKey, format: 'jwk' });
            const signed = `${encode({ alg: 'HS256', kid, typ: 'at+jwt' })}.${encode(claims)}`;
            const pem = key.export({ type: 'spki', format: 'pem' });
            return `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`;
        },
        'with another hash than the key is for': async () => {
            const key = await signingKey();
            return sign(claims, { alg: 'RS512' }, { ...key, alg: 'RS512' });
        },
        'whose claims were changed': async () => {
            const [header, , signature] = (await sign(claims)).split('.');
            return [header, encode({ ...claims, scope: 'ADMINISTRATOR' }), signature].join('.');
        }
    };
    for (const [what, make] of Object.entries(foreign)) {
        it(`refuses a token ${what}`, async () => {
            expectInvalidToken(await get('/me', bearer(await make())), what);
        });
    }

    it('goes with a session in either order', async () => {
        const token = bearer(await sign({ ...claims, scope: 'READ_PUBLISHED_THREADS' }));
        const session = { cookie: `session=${LOKI}` };
        const by = async (path: string, headers: Record<string, string>): Promise<unknown> => {
            const seen = await get(path, headers);
            return seen.status === 200 ? JSON.parse(seen.text) : seen.status;
        };
        for (const path of ['/quiet-oauth', '/oauth-quiet']) {
            expect(await by(path, token), path).to.equal({ strategy: 'oauth', accountId: FRIGG });
            expect(await by(path, session), path).to.equal({ strategy: 'quiet', accountId: LOKI });
            expect(await by(path, { ...session, authorization: 'Basic eDp5' })).to.include({ strategy: 'quiet' });
            const missing = await get(path);
            expect(missing.status).to.equal(401);
            expect(missing.challenge!.split(', ')).to.include('Bearer');
            expectInvalidToken(await get(path, bearer('x')), path);
        }
        expect(await by('/quiet-oauth', { ...session, ...token })).to.include({ strategy: 'quiet' });
        expect(await by('/oauth-quiet', { ...session, ...token })).to.include({ strategy: 'oauth' });
        expectInvalidToken(await get('/oauth-quiet', { ...session, ...bearer('x') }), 'a bad token beside a session');
        expect((await get('/post/oauth-quiet', token)).challenge).to.equal(
            'Bearer error="insufficient_scope", scope="CREATE_POST"'
        );
    });

    it('honours a route\u2019s mode', async () => {
        const token = bearer(await sign(claims));
        for (const path of ['/try', '/optional']) {
            const signedIn = JSON.parse((await get(path, token)).text) as { credentials: OAuthCredentials };
            expect(signedIn.credentials.accountId).to.equal(FRIGG);
            const guest = await get(path);
            expect([guest.status, JSON.parse(guest.text)]).to.equal([
                200,
                { isAuthenticated: false, credentials: null }
            ]);
            const few = await get(`${path}/post`, bearer(await sign({ ...claims, scope: 'openid' })));
            expect([few.status, few.challenge]).to.equal([
                403,
                'Bearer error="insufficient_scope", scope="CREATE_POST"'
            ]);
            const anybody = await get(`${path}/post`);
            expect(JSON.parse(anybody.text)).to.equal({ isAuthenticated: false, isAuthorized: false });
        }
        const tried = await get('/try', bearer('x'));
        expect(tried.status).to.equal(200);
        expect(JSON.parse(tried.text)).to.include({ isAuthenticated: false });
        expectInvalidToken(await get('/optional', bearer('x')), 'optional');
    });

    it('opens no endpoint of the plugin that is the session\u2019s', async () => {
        const headers = bearer(await sign({ ...claims, sub: ODIN, scope: 'ADMINISTRATOR' }));
        for (const path of ['/auth/oauth/clients', '/auth/oauth/tokens', '/oauth/device/consent?user_code=AAAA-AAAA']) {
            expect((await forum.as(null, 'GET', path, undefined, headers)).status, path).to.equal(401);
        }
    });

    describe('a token that was shown before', () => {
        it('ends when it says, and is good again where the clock was wrong', async () => {
            const now = forum.now;
            const token = await sign({ ...claims, nbf: claims.iat - 60 });
            const open = async (at: number): Promise<number> => {
                forum.now = at;
                return (await get('/me', bearer(token))).status;
            };
            expect(await open(now)).to.equal(200);
            expect(await open(claims.exp * 1000 - 1)).to.equal(200);
            expect(await open(claims.exp * 1000)).to.equal(401);
            expect(await open((claims.iat - 60) * 1000)).to.equal(200);
            expect(await open((claims.iat - 60) * 1000 - 1)).to.equal(401);
            expect(await open(now)).to.equal(200);
        });

        it('vouches for no other that shares a part with it', async () => {
            const token = await sign(claims);
            const other = await sign({ ...claims, sub: ODIN });
            expect((await get('/me', bearer(token))).status).to.equal(200);
            expect((await get('/me', bearer(other))).status).to.equal(200);
            const [header, payload, signature] = token.split('.') as [string, string, string];
            const [, otherPayload, otherSignature] = other.split('.') as [string, string, string];
            for (const mixed of [
                [header, otherPayload, signature],
                [header, payload, otherSignature],
                [header, payload, ''],
                ['', payload, signature],
                [header, payload, signature, '']
            ]) {
                expectInvalidToken(await get('/me', bearer(mixed.join('.'))), 'mixed');
            }
        });

        it('is what it was, whatever a handler did to its claims', async () => {
            forum.server.route({
                method: 'GET',
                path: '/meddling',
                options: { auth: 'oauth' },
                handler: ({ auth }) => {
                    Object.assign(auth.artifacts, { sub: ODIN, exp: Infinity, scope: 'ADMINISTRATOR' });
                    (auth.credentials.scope as string[]).push('ADMINISTRATOR');
                    return auth.artifacts;
                }
            });
            const token = await sign(claims);
            for (let time = 0; time < 3; ++time) {
                expect((await get('/meddling', bearer(token))).status).to.equal(200);
            }
            const { artifacts, credentials } = JSON.parse((await get('/me', bearer(token))).text) as {
                artifacts: AccessTokenClaims;
                credentials: OAuthCredentials;
            };
            expect(artifacts).to.equal(claims);
            expect([credentials.accountId, credentials.permissions]).to.equal([FRIGG, ['CREATE_POST']]);
        });

        it('is not good at another server that has other keys, another issuer or another audience', async () => {
            const token = await sign(claims);
            const elsewhere: Partial<Options>[] = [
                { signingKeys: [await generateSigningKey()] },
                { issuer: 'https://other.example', audience: ISSUER },
                { audience: 'https://other.example' }
            ];
            for (const options of elsewhere) {
                const other = await Forum.create(database.dataSource, options);
                addRoutes(other.server);
                expect((await get('/me', bearer(token))).status).to.equal(200);
                expectInvalidToken(await get('/me', bearer(token), other), Object.keys(options).join(' '));
                expect((await get('/me', bearer(token))).status).to.equal(200);
                await other.stop();
            }
        });

        it('ends with its key, which a new registration has taken off the list', async () => {
            const [retired, kept] = [await generateSigningKey('ES256'), await generateSigningKey('ES256')];
            const token = await sign(claims, {}, retired);
            for (const [signingKeys, status] of [
                [[retired, kept], 200],
                [[kept, retired], 200],
                [[kept], 401]
            ] as const) {
                const registered = await Forum.create(database.dataSource, { signingKeys: [...signingKeys] });
                addRoutes(registered.server);
                for (let time = 0; time < 3; ++time) {
                    expect((await get('/me', bearer(token), registered)).status).to.equal(status);
                }
                await registered.stop();
            }
        });
    });

    it('asks nobody about an account while the token stands for itself', async () => {
        const token = await sign({ ...claims, sub: 'nobody', scope: 'CREATE_POST' });
        const finds = forum.finds;
        expect((await get('/any', bearer(token))).status).to.equal(200);
        expect(forum.finds).to.equal(finds);
    });

    describe('with the permissions of now', () => {
        let current: Forum;
        let find: ((id: string) => Promise<never>) | null = null;

        before(async () => {
            const options: Partial<Options> = {
                bearer: { permissions: 'current' },
                accounts: { find: async (id) => (find ? find(id) : (current.accounts.get(id) ?? null)) }
            };
            current = await Forum.create(database.dataSource, options);
            addRoutes(current.server);
        });

        after(() => current.stop());

        const credentialsOf = async (sub: string, scope: string): Promise<OAuthCredentials> => {
            const seen = await get('/me', bearer(await sign({ ...claims, sub, scope })), current);
            expect(seen.status, seen.text).to.equal(200);
            return (JSON.parse(seen.text) as { credentials: OAuthCredentials }).credentials;
        };

        it('a demotion counts at once', async () => {
            const token = await sign({ ...claims, scope: 'openid CREATE_POST READ_PROFILE' });
            expect((await get('/any', bearer(token), current)).status).to.equal(200);
            const { permissions } = current.account(FRIGG);
            current.account(FRIGG).permissions = ['READ_PROFILE'];
            const seen = await get('/any', bearer(token), current);
            expect([seen.status, seen.challenge]).to.equal([
                403,
                'Bearer error="insufficient_scope", scope="CREATE_POST MANAGE_ROLES"'
            ]);
            const kept = await credentialsOf(FRIGG, 'openid CREATE_POST READ_PROFILE');
            expect([kept.scope, kept.permissions]).to.equal([['openid', 'READ_PROFILE'], ['READ_PROFILE']]);
            current.account(FRIGG).permissions = permissions;
            expect((await get('/any', bearer(token), current)).status).to.equal(200);
        });

        it('a promotion adds nothing', async () => {
            const { permissions } = current.account(FRIGG);
            current.account(FRIGG).permissions = ['ADMINISTRATOR'];
            const { scope } = await credentialsOf(FRIGG, 'profile CREATE_POST');
            expect(scope).to.equal(['profile', 'CREATE_POST']);
            current.account(FRIGG).permissions = permissions;
        });

        it('a demoted administrator keeps the permissions that are left', async () => {
            expect((await credentialsOf(ODIN, 'ADMINISTRATOR')).permissions).to.equal([...FORUM_PERMISSIONS]);
            current.account(ODIN).permissions = ['MANAGE_ROLES', 'CREATE_POST'];
            expect((await credentialsOf(ODIN, 'ADMINISTRATOR openid')).scope).to.equal([
                'openid',
                'CREATE_POST',
                'MANAGE_ROLES'
            ]);
            current.account(ODIN).permissions = ['ADMINISTRATOR'];
        });

        it('an account that may not act is refused', async () => {
            const loki = current.account(LOKI);
            const token = await sign({ ...claims, sub: LOKI, scope: 'READ_PUBLISHED_THREADS' });
            expect((await get('/me', bearer(token), current)).status).to.equal(200);
            current.accounts.delete(LOKI);
            expectInvalidToken(await get('/me', bearer(token), current), 'gone');
            current.accounts.set(LOKI, loki);
            expect((await get('/me', bearer(token), current)).status).to.equal(200);
        });

        it('a host that cannot be asked is 503 and no refusal', async () => {
            const token = await sign(claims);
            find = () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
            const seen = await get('/me', bearer(token), current);
            find = null;
            expect([seen.status, seen.challenge]).to.equal([503, undefined]);
            expect(seen.headers['retry-after']).to.match(/^\d+$/);
            expect(seen.text).not.to.contain('ECONN');
        });

        it('tokens of every grant count', async () => {
            const { client } = await current.createClient(FRIGG, {
                type: 'public',
                allowed_grants: [DEVICE_CODE],
                allowed_scopes: ['CREATE_POST']
            });
            const { access_token: token } = await current.signIn(FRIGG, {
                client_id: client.client_id,
                scope: 'CREATE_POST'
            });
            const seen = await get('/typed', bearer(token), current);
            expect(JSON.parse(seen.text)).to.equal({
                accountId: FRIGG,
                clientId: client.client_id,
                may: ['CREATE_POST']
            });
        });
    });
});
