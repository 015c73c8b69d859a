import { inspect } from 'node:util';
import { expect } from '@hapi/code';
import * as Hapi from '@hapi/hapi';
import * as Lab from '@hapi/lab';
import { DataSource } from 'typeorm';
import * as OAuth from '../plugin';
import type { Options } from '../plugin';
import { embeddedDatabase } from './support/database';
import {
    basic,
    claimsOf,
    CLI,
    Forum,
    FRIGG,
    ISSUER,
    LOKI,
    ODIN,
    openDatabase,
    signingKey,
    unique,
    type Host,
    type OpenDatabase
} from './support/forum';

const lab = Lab.script();
export { lab };
const { after, afterEach, before, describe, it } = lab;

const WELL_KNOWN = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'];

/** Pages that coincide with no endpoint, wherever the plugin is. */
const PAGES = {
    login: `${ISSUER}/in`,
    authorizationConsent: `${ISSUER}/pages/authorize`,
    deviceConsent: `${ISSUER}/pages/device`
};

let database: OpenDatabase;
let forums: Forum[] = [];

before(async () => {
    database = await openDatabase('embedded');
});

afterEach(async () => {
    await Promise.all(forums.map((forum) => forum.stop()));
    forums = [];
});

after(() => database.done());

async function create(options: Partial<Options> = {}, prefix?: string, host?: Host): Promise<Forum> {
    const forum = await Forum.create(database.dataSource, options, prefix, host);
    forums.push(forum);
    return forum;
}

const refusal = async (options: Partial<Options>, prefix?: string, host?: Host): Promise<string> =>
    (await expect(create(options, prefix, host)).to.reject(Error)).message;

const status = async (forum: Forum, url: string, headers: Record<string, string> = {}): Promise<number> =>
    (await forum.server.inject({ url, headers })).statusCode;

describe('the module', () => {
    it('is a hapi plugin object by itself', async () => {
        const server = Hapi.server();
        server.auth.scheme('cookie', () => ({ authenticate: (_request, h) => h.authenticated({ credentials: {} }) }));
        server.auth.strategy('session', 'cookie');
        await server.register({
            plugin: OAuth,
            routes: { prefix: '/api' },
            options: {
                issuer: ISSUER,
                dataSource: database.dataSource,
                accounts: { find: () => Promise.resolve(null) },
                session: { strategy: 'session' },
                signingKeys: [await signingKey()]
            }
        });
        expect(Object.keys(server.registrations)).to.include('hapi-forum-oauth');
        await server.stop();
    });

    it('exports nothing that hapi would take for a setting of the registration', () => {
        for (const setting of ['register', 'options', 'routes', 'once']) {
            expect(Object.keys(OAuth)).to.not.include(setting);
        }
        expect(Object.keys(OAuth)).to.include(['plugin', 'entities', 'migrations', 'generateSigningKey']);
        expect(OAuth.plugin).to.include({ name: 'hapi-forum-oauth' });
    });

    it('is registered once with a server', async () => {
        const forum = await create();
        const again = forum.server.register({ plugin: OAuth, options: {} as Options });
        await expect(again).to.reject(/already registered/);
    });
});

describe('a registration stops', () => {
    it('without options', async () => {
        const server = Hapi.server();
        await expect(server.register({ plugin: OAuth } as never)).to.reject(/^hapi-forum-oauth: "issuer" is required/);
    });

    it('for a malformed option, and says which', async () => {
        expect(await refusal({ issuer: 'http://forum.example' })).to.startWith('hapi-forum-oauth: "issuer" must be');
        expect(await refusal({ isuer: ISSUER } as never)).to.startWith('hapi-forum-oauth: "isuer" is not allowed');
    });

    it('for a strategy that the server does not have', async () => {
        for (const strategy of ['sesion', ['session', 'sesion']]) {
            expect(await refusal({ session: { strategy } })).to.equal(
                `hapi-forum-oauth: "session.strategy" must name strategies that the server has before the plugin is registered, but got ${[strategy].flat().join(', ')}`
            );
        }
    });

    it('for its own strategy as the session', async () => {
        for (const strategy of ['oauth', ['session', 'oauth']]) {
            expect(await refusal({ session: { strategy } })).to.contain(
                `"session.strategy" must be the host's own, but got ${[strategy].flat().join(', ')}`
            );
        }
    });

    it('for a data source that is not ready', async () => {
        const idle = new DataSource({ ...embeddedDatabase(), entities: OAuth.entities });
        expect(await refusal({ dataSource: idle })).to.contain('await dataSource.initialize() first');
        const bare = await new DataSource({ ...embeddedDatabase() }).initialize();
        expect(await refusal({ dataSource: bare })).to.contain('add OAuth.entities to its entities');
        await bare.destroy();
    });

    it('for a key that cannot sign, whichever place it has', async () => {
        const good = await signingKey();
        const { kty, n, e, kid } = good;
        const message = await refusal({ signingKeys: [good, { kty, n, e, kid, alg: 'RS256' }] });
        expect(message).to.equal('hapi-forum-oauth: "signingKeys[1]" must be a private key, but got a public one');
        expect(message).to.not.contain(n!.slice(0, 10));
    });

    it('for a page at the path of an endpoint', async () => {
        for (const [path, prefix] of [
            ['/api/oauth/device/consent', '/api'],
            ['/oauth/device/consent', ''],
            ['/oauth/device/consent?theme=dark', ''],
            ['/api/oauth/jwks', '/api'],
            ['/api/auth/oauth/clients/x', '/api'],
            ['/api/oauth/token', '/api'],
            ['/.well-known/openid-configuration', '/api']
        ] as const) {
            for (const name of ['login', 'authorizationConsent', 'deviceConsent'] as const) {
                const message = await refusal({ urls: { ...PAGES, [name]: ISSUER + path } }, prefix);
                expect(message).to.startWith(
                    `hapi-forum-oauth: "urls.${name}" must be a page of the frontend, but got ${ISSUER}${path}, which is a route of the plugin`
                );
            }
        }
    });

    it('for a default page at the path of an endpoint that no prefix keeps away', async () => {
        expect(await refusal({}, '')).to.contain(
            `"urls.authorizationConsent" must be a page of the frontend, but got ${ISSUER}/oauth/authorize/consent`
        );
    });

    it('for a page at the path of an endpoint of a virtual host', async () => {
        const urls = { ...PAGES, login: `${ISSUER}/api/oauth/jwks` };
        for (const vhost of ['forum.example', ['www.forum.example', 'forum.example']]) {
            expect(await refusal({ urls }, '/api', { vhost })).to.contain('"urls.login" must be a page');
        }
    });

    it('for no page of another origin, and none that the host serves itself', async () => {
        await create({ urls: { ...PAGES, login: 'https://id.example/oauth/jwks' } }, '');
        const page = '/oauth/consent';
        const forum = await create({ urls: { ...PAGES, deviceConsent: ISSUER + page } }, '', {
            prepare: (server) => {
                server.route({ method: 'GET', path: page, handler: () => 'a page' });
                server.route({ method: 'GET', path: '/{path*}', handler: () => 'the frontend' });
            }
        });
        expect(await status(forum, page)).to.equal(200);
    });

    it('for no page of a plugin whose name is similar', async () => {
        await create({ urls: PAGES }, '/api', {
            prepare: (server) => {
                void server.register({
                    name: 'hapi-forum-oauth-pages',
                    register: (pages) => pages.route({ method: 'GET', path: '/pages/device', handler: () => 'a page' })
                });
            }
        });
    });
});

describe('the route prefix', () => {
    it('is that of every endpoint but the documents under /.well-known', async () => {
        const forum = await create();
        const own = forum.server.table().filter(({ realm }) => realm.plugin?.startsWith('hapi-forum-oauth'));
        const outside = own.map(({ path }) => path).filter((path) => !path.startsWith('/api/'));
        expect(outside.sort()).to.equal(WELL_KNOWN);
        expect(own.length).to.be.above(15);
        for (const path of WELL_KNOWN) {
            expect(await status(forum, path)).to.equal(200);
            expect(await status(forum, `/api${path}`)).to.equal(404);
        }
        expect(await status(forum, '/api/oauth/jwks')).to.equal(200);
        expect(await status(forum, '/oauth/jwks')).to.equal(404);
    });

    it('may be left out', async () => {
        const forum = await create({ urls: PAGES }, '');
        expect(await status(forum, '/oauth/jwks')).to.equal(200);
        for (const path of WELL_KNOWN) {
            const { body } = await forum.as(null, 'GET', path);
            expect(body.token_endpoint).to.equal(`${ISSUER}/oauth/token`);
        }
    });

    it('is not the path of the issuer, which the documents have in their own way', async () => {
        const issuer = `${ISSUER}/p/q`;
        const forum = await create({ issuer });
        const paths = [
            '/.well-known/oauth-authorization-server/p/q',
            '/.well-known/openid-configuration/p/q',
            '/p/q/.well-known/openid-configuration'
        ];
        for (const path of paths) {
            const { result, statusCode } = await forum.server.inject(path);
            expect(statusCode, path).to.equal(200);
            expect(result).to.include({
                issuer,
                token_endpoint: `${ISSUER}/api/oauth/token`,
                jwks_uri: `${ISSUER}/api/oauth/jwks`
            });
        }
        for (const path of [...WELL_KNOWN, '/p/q/.well-known/oauth-authorization-server']) {
            expect(await status(forum, path), path).to.equal(404);
        }
    });

    it('is the whole one where the host registers the plugin from a plugin with a prefix of its own', async () => {
        const server = Hapi.server();
        server.auth.scheme('cookie', () => ({ authenticate: (_request, h) => h.authenticated({ credentials: {} }) }));
        server.auth.strategy('session', 'cookie');
        const signingKeys = [await signingKey()];
        await server.register(
            {
                name: 'backend',
                register: (backend) =>
                    backend.register(
                        {
                            plugin: OAuth,
                            options: {
                                issuer: ISSUER,
                                dataSource: database.dataSource,
                                accounts: { find: () => Promise.resolve(null) },
                                session: { strategy: 'session' },
                                signingKeys
                            }
                        },
                        { routes: { prefix: '/api' } }
                    )
            },
            { routes: { prefix: '/v1' } }
        );
        const document = await server.inject('/.well-known/openid-configuration');
        expect(document.statusCode).to.equal(200);
        expect(document.result).to.include({ jwks_uri: `${ISSUER}/v1/api/oauth/jwks` });
        expect((await server.inject('/v1/api/oauth/jwks')).statusCode).to.equal(200);
    });

    it('leaves the virtual host as it is, for the documents too', async () => {
        const forum = await create({}, '/api', { vhost: 'forum.example' });
        for (const path of ['/api/oauth/jwks', ...WELL_KNOWN]) {
            expect(await status(forum, path, { host: 'forum.example' }), path).to.equal(200);
            expect(await status(forum, path, { host: 'other.example' }), path).to.equal(404);
        }
    });
});

describe('two servers in one process', () => {
    it('have their own issuers, keys, accounts and built-in clients, on one database or two', async () => {
        const other = await openDatabase('embedded');
        const issuer = 'https://other.example';
        const members = {
            find: (id: string) =>
                Promise.resolve(
                    id === FRIGG
                        ? { id, handle: 'frigg', name: 'Another Frigg', permissions: ['USE_OAUTH_CLIENTS', 'SWIM'] }
                        : null
                )
        };
        const here = await create();
        const there = await Forum.create(other.dataSource, {
            issuer,
            accounts: members,
            signingKeys: [await OAuth.generateSigningKey('ES256')],
            permissions: { all: ['SWIM', 'USE_OAUTH_CLIENTS'] },
            firstPartyClients: [{ clientId: 'other-cli', name: 'Other' }]
        });
        forums.push(there);

        const device = { client_id: 'other-cli', scope: CLI.scope };
        const [mine, theirs] = await Promise.all([here.signIn(), there.signIn(FRIGG, device)]);
        expect(claimsOf(mine.id_token)).to.include({ iss: ISSUER, name: 'Frigg' });
        expect(claimsOf(theirs.id_token)).to.include({ iss: issuer, aud: 'other-cli', name: 'Another Frigg' });
        expect(theirs.scope).to.equal('openid profile offline_access SWIM USE_OAUTH_CLIENTS');
        expect((await here.form('/oauth/device_authorization', device)).body.error).to.equal('invalid_client');
        expect((await there.form('/oauth/device_authorization', CLI)).body.error).to.equal('invalid_client');

        const [keysHere, keysThere] = await Promise.all(
            [here, there].map(async (forum) => (await forum.as(null, 'GET', '/oauth/jwks')).body.keys)
        );
        expect(keysHere.map((key: { kty: string }) => key.kty)).to.equal(['RSA']);
        expect(keysThere.map((key: { kty: string }) => key.kty)).to.equal(['EC']);

        const across = await here.refresh(theirs.refresh_token);
        expect(across.body.error).to.equal('invalid_grant');
        expect((await there.as(FRIGG, 'GET', '/auth/oauth/tokens')).body.tokens).to.have.length(1);
        expect(here.events.every((event) => !('client_id' in event) || event.client_id === CLI.client_id)).to.be.true();
        expect(there.events.every((event) => !('client_id' in event) || event.client_id === 'other-cli')).to.be.true();
        expect(there.events.length).to.be.above(0);
        await other.done();
    });

    it('refuse the access tokens of each other, though one key signs for both', async () => {
        const me: Host = {
            prepare: (server) =>
                server.ext('onPreStart', () =>
                    server.route({ method: 'GET', path: '/api/me', options: { auth: 'oauth' }, handler: () => 'me' })
                )
        };
        const here = await create({}, '/api', me);
        const there = await create({ issuer: 'https://other.example' }, '/api', me);
        const { access_token: token } = await here.signIn();
        const headers = { authorization: `Bearer ${token}` };
        expect((await here.as(null, 'GET', '/me', undefined, headers)).status).to.equal(200);
        expect((await there.as(null, 'GET', '/me', undefined, headers)).status).to.equal(401);
    });
});

describe("server.plugins['hapi-forum-oauth']", () => {
    it("does what the member's endpoints do", async () => {
        const forum = await create();
        const { clients, tokens } = forum.server.plugins['hapi-forum-oauth'];
        const name = unique('Bot ');
        const { client, client_secret: secret } = await clients.create(FRIGG, {
            name,
            type: 'confidential',
            allowed_grants: ['client_credentials'],
            allowed_scopes: ['CREATE_POST']
        });
        expect((await forum.as(FRIGG, 'GET', `/auth/oauth/clients/${client.id}`)).body).to.equal(client);
        expect(await clients.get(FRIGG, client.id)).to.equal(client);
        expect((await clients.list(FRIGG)).clients.map(({ id }) => id)).to.include(client.id);
        const use = (with_: string) =>
            forum.token({ grant_type: 'client_credentials' }, basic(client.client_id, with_));
        expect((await use(secret!)).status).to.equal(200);
        const rotated = await clients.rotateSecret(FRIGG, client.id);
        expect((await use(secret!)).status).to.equal(401);
        expect((await use(rotated.client_secret)).status).to.equal(200);
        expect((await clients.update(FRIGG, client.id, { name: `${name}!` })).name).to.equal(`${name}!`);
        await clients.delete(FRIGG, client.id);
        expect((await use(rotated.client_secret)).status).to.equal(401);

        const first = await forum.signIn();
        const second = await forum.signIn();
        const listed = await tokens.list(FRIGG, { status: 'active' });
        expect(listed.tokens.length).to.be.at.least(2);
        await tokens.revoke(FRIGG, listed.tokens[0]!.id);
        const answers = await Promise.all([first, second].map((each) => forum.refresh(each.refresh_token)));
        expect(answers.map(({ status: code }) => code).sort()).to.equal([200, 400]);
        await tokens.revokeClient(FRIGG, listed.tokens[0]!.oauth_client_id);
        expect((await tokens.list(FRIGG, { status: 'active' })).tokens).to.equal([]);
    });

    it('decides a device consent', async () => {
        const forum = await create();
        const { deviceConsent } = forum.server.plugins['hapi-forum-oauth'];
        const { user_code: code } = await forum.device();
        expect((await deviceConsent.read(FRIGG, code)).client_name).to.equal('Storyden');
        expect(await deviceConsent.decide(FRIGG, code, { decision: 'deny', authTime: null })).to.equal({
            status: 'denied'
        });
    });

    it('throws what the endpoint would answer', async () => {
        const forum = await create();
        const { clients, deviceConsent, tokens } = forum.server.plugins['hapi-forum-oauth'];
        const absent = await expect(clients.get(FRIGG, 'cc5lnd2s1s4652adtu50')).to.reject(OAuth.ManagementError);
        expect(absent.error).to.equal('not_found');
        const nobody = await expect(tokens.list('nobody')).to.reject(OAuth.ManagementError);
        expect(nobody.error).to.equal('unauthorized');
        const { user_code: code } = await forum.device();
        const barred = await expect(deviceConsent.read(LOKI, code)).to.reject(OAuth.OAuthError);
        expect(barred.error).to.equal('access_denied');
        const input = { name: 'x', type: 'confidential', allowed_grants: ['client_credentials'] } as const;
        const greedy = clients.create(LOKI, {
            ...input,
            allowed_grants: [...input.allowed_grants],
            allowed_scopes: ['ADMINISTRATOR']
        });
        expect((await expect(greedy).to.reject(OAuth.ManagementError)).error).to.equal('forbidden');
    });
});

describe('the events', () => {
    it('tell of everything that happened, when and to whom, and never a token, code or secret', async () => {
        const forum = await create();
        const { client, client_secret: secret } = await forum.createClient(ODIN);
        const { body: rotated } = await forum.as(ODIN, 'POST', `/auth/oauth/clients/${client.id}/secret`);
        const { body: bot } = await forum.token(
            { grant_type: 'client_credentials' },
            basic(client.client_id, rotated.client_secret as string)
        );
        await forum.as(ODIN, 'PATCH', `/auth/oauth/clients/${client.id}`, { name: 'Another name' });
        await forum.as(ODIN, 'DELETE', `/auth/oauth/clients/${client.id}`);
        const denied = await forum.device();
        await forum.decide(FRIGG, denied.user_code, 'deny');
        const approved = await forum.device();
        await forum.decide(FRIGG, approved.user_code);
        const { body: tokens } = await forum.token({
            grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
            client_id: CLI.client_id,
            device_code: approved.device_code
        });
        const { body: refreshed } = await forum.refresh(tokens.refresh_token as string);
        forum.pass(3600);
        await forum.refresh(tokens.refresh_token as string);

        expect(forum.events.map(({ type }) => type)).to.equal([
            'client_created',
            'client_secret_rotated',
            'token_issued',
            'client_updated',
            'client_deleted',
            'device_authorization_requested',
            'device_authorization_denied',
            'device_authorization_requested',
            'device_authorization_approved',
            'token_issued',
            'token_issued',
            'grant_revoked',
            'refresh_token_reused'
        ]);
        expect(forum.events[0]).to.equal({
            type: 'client_created',
            account_id: ODIN,
            oauth_client_id: client.id,
            client_id: client.client_id,
            at: '2026-11-21T12:00:00.250Z'
        });
        expect(forum.events.at(-2)).to.include({
            type: 'grant_revoked',
            reason: 'refresh_token_reused',
            account_id: FRIGG,
            at: '2026-11-21T13:00:00.250Z'
        });
        const text = JSON.stringify(forum.events) + forum.log.join('\n');
        for (const known of [
            secret,
            rotated.client_secret,
            bot.access_token,
            denied.device_code,
            denied.user_code,
            approved.device_code,
            approved.user_code,
            approved.user_code.replace('-', ''),
            tokens.access_token,
            tokens.id_token,
            tokens.refresh_token,
            refreshed.refresh_token,
            'sdort_',
            'sdoas_'
        ] as string[]) {
            expect(text).to.not.contain(known);
        }
        const hashes = (
            await database.dataSource.query<{ token_hash: string }[]>('SELECT token_hash FROM oauth_refresh_tokens')
        ).map((row) => row.token_hash);
        expect(hashes.length).to.be.above(1);
        expect(hashes.some((hash) => text.includes(hash))).to.be.false();
    });

    it('reach every listener, and a listener that fails is logged and disturbs nobody', async () => {
        const forum = await create();
        const seen: string[] = [];
        const rejections: unknown[] = [];
        const record = (reason: unknown): number => rejections.push(reason);
        process.on('unhandledRejection', record);
        forum.server.events.on('oauth', () => {
            throw new Error('a listener threw');
        });
        // eslint-disable-next-line @typescript-eslint/no-misused-promises -- what a host may well do
        forum.server.events.on('oauth', () => Promise.reject(new Error('a listener rejected')));
        forum.server.events.on('oauth', ({ type }: OAuth.TimedOAuthEvent) => {
            seen.push(type);
        });
        const { refresh_token: token } = await forum.signIn();
        expect((await forum.refresh(token)).status).to.equal(200);
        await new Promise((resolve) => setImmediate(resolve));
        process.off('unhandledRejection', record);
        expect(seen).to.equal(forum.events.map(({ type }) => type));
        expect(seen).to.have.length(4);
        expect(rejections).to.equal([]);
        for (const message of ['a listener threw', 'a listener rejected']) {
            expect(
                forum.log.filter((entry) => entry.includes(message)),
                inspect(forum.log)
            ).to.have.length(4);
        }
    });
});
