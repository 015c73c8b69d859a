import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthClient } from '../../entities';
import {
    readRequest,
    answered,
    authorize,
    beginRequest,
    decideRequest,
    parametersOf,
    redeem,
    pkce
} from '../support/authorization';
import type { Forum } from '../support/forum';
import { DEVICE_CODE, FRIGG, ISSUER, ODIN, type Answer } from '../support/forum';
import { openDatabase } from '../support/database';
import { openForum, useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const READING = [
    'READ_PUBLISHED_THREADS',
    'READ_PUBLISHED_LIBRARY',
    'LIST_PROFILES',
    'READ_PROFILE',
    'LIST_COLLECTIONS',
    'READ_COLLECTION'
];
const ALLOWED = ['openid', 'profile', 'email', 'offline_access', ...READING].join(' ');
const REDIRECT = 'http://127.0.0.1:33418/callback';

describe('the registration endpoint', () => {
    const database = useDatabase(lab);
    const forum = useForum(lab, { database, options: { registration: {} } });

    const register = (
        body: object | string,
        headers: Record<string, string> = {},
        at: Forum = forum
    ): Promise<Answer> => at.as(null, 'POST', '/oauth/register', body, headers);

    const expectError = async (body: object, error: string): Promise<void> => {
        const answer = await register(body);
        expect([answer.status, answer.body.error], answer.text).to.equal([400, error]);
        expect(Object.keys(answer.body as object)).to.equal(['error', 'error_description']);
    };

    it('does not exist by default, and is in the metadata where it does', async () => {
        const plain = await openForum(database);
        expect((await register({}, {}, plain)).status).to.equal(404);
        const path = '/.well-known/oauth-authorization-server';
        expect((await plain.as(null, 'GET', path)).body.registration_endpoint).to.be.undefined();
        const { body } = await forum.as(null, 'GET', path);
        expect(body.registration_endpoint).to.equal(`${ISSUER}/api/oauth/register`);
    });

    it('registers a public client, and says what was kept', async () => {
        const { status, body, headers } = await register({
            client_name: 'An agent',
            redirect_uris: [REDIRECT],
            grant_types: [
                'authorization_code',
                'refresh_token',
                'implicit',
                'urn:ietf:params:oauth:grant-type:jwt-bearer'
            ],
            response_types: ['code', 'token'],
            token_endpoint_auth_method: 'none',
            application_type: 'native',
            scope: 'ADMINISTRATOR openid',
            client_uri: 'https://agent.example',
            tos_uri: 'javascript:alert(1)',
            logo_uri: 'https://agent.example/logo.png',
            unknown: { more: true }
        });
        expect(status).to.equal(201);
        const { client_id: clientId, ...rest } = body;
        expect(clientId).to.match(/^sdoak_/);
        expect(rest).to.equal({
            client_id_issued_at: Math.floor(forum.now / 1000),
            client_name: 'An agent',
            redirect_uris: [REDIRECT],
            grant_types: ['authorization_code', 'refresh_token'],
            response_types: ['code'],
            token_endpoint_auth_method: 'none',
            application_type: 'native',
            scope: ALLOWED,
            client_uri: 'https://agent.example'
        });
        expect(headers['cache-control']).to.equal('no-store');
        expect(headers['x-ratelimit-limit']).to.equal('600');
        const event = forum.events.at(-1)!;
        expect(event).to.include({ type: 'client_registered', client_id: clientId });
        const row = await database.dataSource.getRepository(OAuthClient).findOneByOrFail({ clientId });
        expect(row).to.include({
            accountId: null,
            source: 'self_registered',
            verified: false,
            scopePolicy: 'explicit'
        });
    });

    it('gives a client that authenticates a secret, which is stored as a hash', async () => {
        const { body } = await register({ redirect_uris: ['https://agent.example/cb'] });
        expect(body).to.include({
            client_secret_expires_at: 0,
            token_endpoint_auth_method: 'client_secret_basic',
            client_name: 'Unnamed application',
            grant_types: ['authorization_code']
        });
        const row = await database.dataSource.getRepository(OAuthClient).findOneByOrFail({
            clientId: body.client_id as string
        });
        expect(row.secretHash).to.have.length(64).and.to.not.equal(body.client_secret);
    });

    it('lets pages of any origin register', async () => {
        const { headers } = await register(
            { redirect_uris: ['https://agent.example/cb'] },
            { origin: 'https://agent.example' }
        );
        expect(headers['access-control-allow-origin']).to.equal('https://agent.example');
        expect(headers['access-control-allow-credentials']).to.be.undefined();
    });

    it('calls a client unnamed whose name must not be shown', async () => {
        for (const name of ['Storyden', 'St\u043eryden', '', 'x'.repeat(201), 'a\u0000b', 7, null]) {
            const { body } = await register({
                client_name: name,
                redirect_uris: [REDIRECT],
                token_endpoint_auth_method: 'none'
            });
            expect(body.client_name, String(name)).to.equal('Unnamed application');
        }
    });

    it('refuses what it cannot keep', async () => {
        const uri = 'https://agent.example/cb';
        await expectError({}, 'invalid_redirect_uri');
        for (const bad of [
            'http://agent.example/cb',
            'https://agent.example/cb#x',
            'javascript:alert(1)',
            'tel:1',
            'com.example:/'
        ]) {
            // A confidential client has no private-use scheme.
            await expectError({ redirect_uris: [bad] }, 'invalid_redirect_uri');
        }
        const native = { token_endpoint_auth_method: 'none', application_type: 'native' };
        expect((await register({ ...native, redirect_uris: ['com.example.app:/cb'] })).status).to.equal(201);
        for (const each of ['com.example.app:/cb', REDIRECT, 'https://localhost/cb']) {
            await expectError({ ...native, application_type: 'web', redirect_uris: [each] }, 'invalid_redirect_uri');
        }
        await expectError(
            { redirect_uris: Array.from({ length: 21 }, (_, n) => `${uri}${n}`) },
            'invalid_redirect_uri'
        );
        for (const metadata of [
            { redirect_uris: 'https://agent.example/cb' },
            { redirect_uris: [7] },
            { redirect_uris: [uri], grant_types: ['client_credentials'] },
            { redirect_uris: [uri], grant_types: ['refresh_token'] },
            { redirect_uris: [uri], grant_types: [] },
            { redirect_uris: [uri], response_types: ['token'] },
            { redirect_uris: [uri], token_endpoint_auth_method: 'private_key_jwt' },
            { redirect_uris: [uri], token_endpoint_auth_method: 7 },
            { redirect_uris: [uri], application_type: 'desktop' },
            // Confidential clients cannot use device codes.
            { grant_types: [DEVICE_CODE] }
        ]) {
            await expectError(metadata, 'invalid_client_metadata');
        }
        await expectError({ redirect_uris: [uri], software_statement: 'a.b.c' }, 'unapproved_software_statement');
        for (const body of ['[]', '"x"', 'null', '{', '{"__proto__":{}}']) {
            const answer = await forum.server.inject({
                method: 'POST',
                url: '/api/oauth/register',
                headers: { 'content-type': 'application/json' },
                payload: body
            });
            expect(answer.statusCode, body).to.equal(400);
        }
        expect((await register({ redirect_uris: [`${uri}${'x'.repeat(70_000)}`] })).status).to.equal(400);
    });

    it('registers clients that sign people in, step by step as an agent does', async () => {
        const { body: client } = await register({
            client_name: 'An agent',
            redirect_uris: [REDIRECT],
            grant_types: ['authorization_code', 'refresh_token'],
            token_endpoint_auth_method: 'none'
        });
        const app = { id: '', client_id: client.client_id as string, redirectUri: REDIRECT };
        const { verifier, challenge } = pkce();
        const other = REDIRECT.replace('33418', '54321');
        const request = await beginRequest(forum, app, {
            scope: 'READ_PUBLISHED_THREADS CREATE_POST',
            redirect_uri: other,
            code_challenge: challenge
        });
        const { body: consent } = await readRequest(forum, FRIGG, request);
        expect(consent).to.include({
            client_name: 'An agent',
            client_source: 'self_registered',
            verified: false,
            loopback_only: true,
            redirect_host: '127.0.0.1:54321',
            // It named the refresh token grant, and never asks for the scope.
            requested_scopes: ['READ_PUBLISHED_THREADS', 'CREATE_POST', 'offline_access'],
            granted_scopes: ['READ_PUBLISHED_THREADS', 'offline_access']
        });
        const { body: decided } = await decideRequest(forum, FRIGG, request);
        const code = new URL(decided.location as string).searchParams.get('code')!;
        const { status, body: tokens } = await redeem(forum, { app, code, redirectUri: other, verifier });
        expect(status).to.equal(200);
        expect(tokens.refresh_token).to.be.a.string();
        const row = await database.dataSource.getRepository(OAuthClient).findOneByOrFail({ clientId: app.client_id });
        expect(row.usedAt).to.equal(forum.now);
    });

    it('gives refresh tokens only where they are asked for, with that policy', async () => {
        const strict = await openForum(database, {
            registration: { refreshPolicy: 'offline_access', scopes: ['CREATE_POST'] }
        });
        const { body } = await register(
            {
                redirect_uris: [REDIRECT],
                grant_types: ['authorization_code', 'refresh_token'],
                token_endpoint_auth_method: 'none'
            },
            {},
            strict
        );
        expect(body.scope).to.equal('openid profile email offline_access CREATE_POST');
        const app = { id: '', client_id: body.client_id as string, redirectUri: REDIRECT };
        const request = await beginRequest(strict, app, { scope: 'openid CREATE_POST' });
        const consent = await readRequest(strict, FRIGG, request);
        expect(consent.body.requested_scopes).to.equal(['openid', 'CREATE_POST']);
    });

    it('shows errors of registered clients, and never redirects them', async () => {
        const { body } = await register({ redirect_uris: ['https://agent.example/cb'] });
        const app = { id: '', client_id: body.client_id as string, redirectUri: 'https://agent.example/cb' };
        const answer = await authorize(forum, FRIGG, parametersOf(app, { response_type: 'token' }));
        expect(answer.status).to.equal(400);
        expect(answer.headers.location).to.be.undefined();
        expect(() => answered(answer)).to.throw(/No redirect/);
    });

    it('asks for an initial access token where the host wants one', async () => {
        const closed = await openForum(database, {
            registration: { initialAccessToken: (token) => Promise.resolve(token === 'right') }
        });
        const body = { redirect_uris: ['https://agent.example/cb'] };
        const none = await register(body, {}, closed);
        expect([none.status, none.headers['www-authenticate']]).to.equal([401, 'Bearer']);
        const wrong = await register(body, { authorization: 'Bearer wrong' }, closed);
        expect([wrong.status, wrong.headers['www-authenticate']]).to.equal([401, 'Bearer error="invalid_token"']);
        expect((await register(body, { authorization: 'Bearer right' }, closed)).status).to.equal(201);
    });

    it('limits how often an address registers', async () => {
        const slow = await openForum(database, {
            registration: {},
            limits: { registration: { points: 2, seconds: 60 } }
        });
        const body = { redirect_uris: ['https://agent.example/cb'] };
        const statuses = [];
        for (let times = 0; times < 3; ++times) {
            statuses.push((await register(body, {}, slow)).status);
        }
        expect(statuses).to.equal([201, 201, 429]);
    });

    it('lets the oldest unused client go at its cap, and refuses while all are young or in use', async () => {
        const own = await openDatabase();
        const small = await openForum(own, { registration: { maxClients: 2 } });
        const body = { redirect_uris: ['https://agent.example/cb'] };
        const ids: string[] = [];
        for (let times = 0; times < 2; ++times) {
            ids.push((await register(body, {}, small)).body.client_id as string);
            small.pass(1);
        }
        expect((await register(body, {}, small)).status).to.equal(503);
        small.pass(3600);
        expect((await register(body, {}, small)).status).to.equal(201);
        const rows = await own.dataSource.getRepository(OAuthClient).findBy({ source: 'self_registered' });
        expect(rows.find(({ clientId }) => clientId === ids[0])!.deletedAt).to.not.be.null();
        expect(rows.find(({ clientId }) => clientId === ids[1])!.deletedAt).to.be.null();
        // One that was used stays, although it has no grant left.
        const clients = own.dataSource.getRepository(OAuthClient);
        await clients.update({ clientId: ids[1]! }, { usedAt: small.now });
        small.pass(3700);
        expect((await register(body, {}, small)).status).to.equal(201);
        expect((await clients.findOneByOrFail({ clientId: ids[1]! })).deletedAt).to.be.null();
        await clients.update({ source: 'self_registered' }, { usedAt: small.now });
        small.pass(3700);
        expect((await register(body, {}, small)).status).to.equal(503);
        // Whoever was removed registers again.
        const gone = await small.token({ grant_type: 'authorization_code', client_id: ids[0]!, code: 'x' });
        expect([gone.status, gone.body.error]).to.equal([401, 'invalid_client']);
        await own.close();
    });

    it('lets administrators judge a client and take scopes away, and nothing else', async () => {
        const { body } = await register({ redirect_uris: ['https://agent.example/cb'], client_name: 'Judged' });
        const { body: list } = await forum.as(ODIN, 'GET', '/admin/oauth/clients');
        const { id } = list.clients.find((each: { client_id: string }) => each.client_id === body.client_id);
        const path = `/admin/oauth/clients/${id}`;
        expect((await forum.as(ODIN, 'PATCH', path, { verified: true })).body.verified).to.be.true();
        expect((await forum.as(ODIN, 'PATCH', path, { allowed_scopes: ['openid'] })).status).to.equal(200);
        for (const change of [{ name: 'Mine' }, { account_id: FRIGG }, { redirect_uris: ['https://x.example'] }]) {
            expect((await forum.as(ODIN, 'PATCH', path, change)).status).to.equal(409);
        }
        await forum.as(ODIN, 'PATCH', path, { status: 'suspended' });
        const answer = await authorize(
            forum,
            FRIGG,
            parametersOf({ id: '', client_id: body.client_id as string, redirectUri: 'https://agent.example/cb' })
        );
        expect([answer.status, answer.body.error]).to.equal([400, 'unauthorized_client']);
    });
});
