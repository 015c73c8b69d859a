import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import * as Boom from '@hapi/boom';
import type { AuthCredentials } from '@hapi/hapi';
import type { Options } from '../../plugin';
import {
    answered,
    authorize,
    basicOf,
    bearer,
    createApp,
    obtainCode,
    parametersOf,
    redeem,
    type App
} from '../support/authorization';
import { claimsOf, CLI, DEVICE_CODE, Forum, FRIGG, ISSUER, type Answer } from '../support/forum';
import { openForum, useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const API = `${ISSUER}/api`;
const MCP = `${ISSUER}/mcp`;
const ELSEWHERE = 'https://search.example/';

const RESOURCES: Options['resources'] = [
    { identifier: API, name: 'The API' },
    {
        identifier: MCP,
        name: 'Threads for agents',
        scopes: ['openid', 'READ_PUBLISHED_THREADS', 'CREATE_POST'],
        documentation: 'https://forum.example/docs',
        policyUri: 'https://forum.example/privacy',
        tosUri: 'https://forum.example/terms'
    },
    { identifier: ELSEWHERE }
];

const METADATA = `resource_metadata="${ISSUER}/.well-known/oauth-protected-resource`;

describe('protected resources', () => {
    const database = useDatabase(lab);
    let forum: Forum;
    let app: App;

    before(async () => {
        forum = await openForum(database, {
            resources: RESOURCES,
            bearer: { challengeScope: ['READ_PUBLISHED_THREADS'] }
        });
        const { server } = forum;
        // A strategy of the host's that is no session, such as one for API keys.
        server.auth.scheme('key', () => ({
            authenticate: (_request, h) => h.unauthenticated(Boom.unauthorized(null, 'Key'))
        }));
        server.auth.strategy('key', 'key');
        server.auth.strategy('mcp', 'oauth', {
            resource: MCP,
            challengeScope: ['READ_PUBLISHED_THREADS', 'CREATE_POST']
        });
        const handler = ({ auth }: { auth: { credentials: AuthCredentials } }) => ({ by: auth.credentials.accountId! });
        server.route([
            { method: 'GET', path: '/threads', handler, options: { auth: 'oauth' } },
            { method: 'GET', path: '/mcp', handler, options: { auth: 'mcp', cors: true } },
            { method: 'GET', path: '/either', handler, options: { auth: { strategies: ['key', 'oauth', 'mcp'] } } },
            {
                method: 'POST',
                path: '/mcp',
                handler,
                options: { auth: { strategy: 'mcp', access: { scope: ['CREATE_POST', 'MANAGE_POSTS'] } } }
            }
        ]);
        app = await createApp(forum);
    });

    const at = async (path: string, token?: string, method = 'GET', headers: object = {}): Promise<Answer> => {
        const {
            statusCode,
            headers: got,
            payload
        } = await forum.server.inject({
            method,
            url: path,
            headers: { ...headers, ...(token !== undefined && bearer(token)) }
        });
        return { status: statusCode, headers: got as Answer['headers'], body: undefined, text: payload };
    };

    const tokensFor = async (resource: string | null, scope = 'openid offline_access READ_PUBLISHED_THREADS') => {
        const { status, body, text } = await redeem(forum, await obtainCode(forum, app, { resource, scope }));
        expect(status, text).to.equal(200);
        return body as { access_token: string; refresh_token: string };
    };

    it('have a document each, at the path that follows from their identifier', async () => {
        const { status, body, headers } = await forum.as(null, 'GET', '/.well-known/oauth-protected-resource/mcp');
        expect(status).to.equal(200);
        expect(body).to.equal({
            resource: MCP,
            authorization_servers: [ISSUER],
            scopes_supported: ['openid', 'READ_PUBLISHED_THREADS', 'CREATE_POST'],
            bearer_methods_supported: ['header'],
            resource_name: 'Threads for agents',
            resource_documentation: 'https://forum.example/docs',
            resource_policy_uri: 'https://forum.example/privacy',
            resource_tos_uri: 'https://forum.example/terms'
        });
        expect(headers['cache-control']).to.equal('public, max-age=3600');
        const api = await forum.as(null, 'GET', '/.well-known/oauth-protected-resource/api');
        expect(api.body).to.equal({
            resource: API,
            authorization_servers: [ISSUER],
            bearer_methods_supported: ['header'],
            resource_name: 'The API'
        });
        for (const path of ['', '/', '/other', '/mcp/x']) {
            expect((await forum.as(null, 'GET', `/.well-known/oauth-protected-resource${path}`)).status).to.equal(404);
        }
        const { body: server } = await forum.as(null, 'GET', '/.well-known/oauth-authorization-server');
        expect(server.protected_resources).to.equal([API, MCP, ELSEWHERE]);
        expect(server.scopes_supported).to.include('CREATE_POST').and.to.not.include('ADMINISTRATOR');
        const plugin = forum.server.plugins['hapi-forum-oauth'];
        expect(plugin.resourceMetadata(ELSEWHERE).resource).to.equal(ELSEWHERE);
        expect(() => plugin.resourceMetadata('https://other.example')).to.throw(RangeError);
    });

    it('let pages of any origin send MCP-Protocol-Version', async () => {
        for (const path of ['/.well-known/oauth-protected-resource/mcp', '/oauth/token', '/oauth/userinfo']) {
            const { headers } = await forum.as(null, 'OPTIONS', path, undefined, {
                origin: 'https://inspector.example',
                'access-control-request-method': path.endsWith('token') ? 'POST' : 'GET',
                'access-control-request-headers': 'mcp-protocol-version'
            });
            expect(headers['access-control-allow-headers']).to.contain('MCP-Protocol-Version');
        }
    });

    it('get tokens of their own, and refuse those of another, the first and the second time', async () => {
        const { access_token: token } = await tokensFor(MCP);
        expect(claimsOf(token).aud).to.equal(MCP);
        for (let times = 0; times < 2; ++times) {
            expect((await at('/mcp', token)).status).to.equal(200);
            const refused = await at('/threads', token);
            expect(refused.status).to.equal(401);
            expect(refused.headers['www-authenticate']).to.contain('error="invalid_token"');
        }
        const { access_token: usual } = await tokensFor(null);
        expect(claimsOf(usual).aud).to.equal(API);
        expect((await at('/threads', usual)).status).to.equal(200);
        expect((await at('/mcp', usual)).status).to.equal(401);
        // A route for both goes on to the strategy that takes the token.
        expect((await at('/either', token)).text).to.equal(JSON.stringify({ by: FRIGG }));
        expect((await at('/either', usual)).status).to.equal(200);
        expect((await at('/either', 'nonsense')).status).to.equal(401);
    });

    it('are written in any of their equal forms', async () => {
        const forms = [MCP, `${MCP}/`, MCP.replace('https://forum', 'HTTPS://FORUM')];
        for (const resource of forms) {
            expect(claimsOf((await tokensFor(resource)).access_token).aud, resource).to.equal(MCP);
        }
        expect(claimsOf((await tokensFor('https://search.example')).access_token).aud).to.equal(ELSEWHERE);
        for (const resource of [`${MCP}//`, `${MCP}?x`, `${MCP}#x`, MCP.toUpperCase(), ISSUER, 'mcp', '']) {
            const answer = await authorize(forum, FRIGG, parametersOf(app, { resource }));
            expect(answered(answer).error, resource).to.equal(resource === '' ? undefined : 'invalid_target');
        }
        const twice = [...parametersOf(app, { resource: MCP }), ['resource', API] as [string, string]];
        expect(answered(await authorize(forum, FRIGG, twice)).error).to.equal('invalid_target');
        const same = [...parametersOf(app, { resource: MCP }), ['resource', `${MCP}/`] as [string, string]];
        expect(answered(await authorize(forum, FRIGG, same)).error).to.be.undefined();
    });

    it('are bound to code and grant: another one is refused, and nothing is spent', async () => {
        const code = await obtainCode(forum, app, { resource: MCP, scope: 'openid offline_access' });
        for (const resource of [API, ELSEWHERE, 'https://other.example']) {
            expect((await redeem(forum, code, { resource })).body.error).to.equal('invalid_target');
        }
        const { body: first } = await redeem(forum, code, { resource: `${MCP}/` });
        expect(claimsOf(first.access_token as string).aud).to.equal(MCP);
        const fields = { client_id: app.client_id };
        const token = first.refresh_token as string;
        expect((await forum.refresh(token, { ...fields, resource: API })).body.error).to.equal('invalid_target');
        const { body: second } = await forum.refresh(token, { ...fields, resource: MCP });
        expect(claimsOf(second.access_token as string).aud).to.equal(MCP);
        const { body: third } = await forum.refresh(second.refresh_token as string, fields);
        expect(claimsOf(third.access_token as string).aud).to.equal(MCP);

        // The forum has given the resource up.
        const other = await openForum(database, { resources: [{ identifier: API }] });
        other.now = forum.now;
        const refused = await other.refresh(third.refresh_token as string, fields);
        expect(refused.body.error).to.equal('invalid_target');
        expect((await forum.refresh(third.refresh_token as string, fields)).status).to.equal(200);
    });

    it('are bound to device codes', async () => {
        const device = await forum.device({ ...CLI, resource: MCP });
        const { body: consent } = await forum.as(FRIGG, 'GET', `/oauth/device/consent?user_code=${device.user_code}`);
        expect([consent.resource, consent.resource_name]).to.equal([MCP, 'Threads for agents']);
        await forum.decide(FRIGG, device.user_code);
        const poll = (more: object) =>
            forum.token({
                grant_type: DEVICE_CODE,
                client_id: CLI.client_id,
                device_code: device.device_code,
                ...more
            });
        expect((await poll({ resource: API })).body.error).to.equal('invalid_target');
        expect(claimsOf((await poll({})).body.access_token as string).aud).to.equal(MCP);
        expect((await forum.form('/oauth/device_authorization', { ...CLI, resource: ISSUER })).body.error).to.equal(
            'invalid_target'
        );
    });

    it('have a standing grant each for a bot', async () => {
        const { client, client_secret: secret } = await forum.createClient(FRIGG);
        const ask = async (resource?: string): Promise<Record<string, unknown>> => {
            const { body } = await forum.token({
                grant_type: 'client_credentials',
                client_id: client.client_id,
                client_secret: secret,
                ...(resource !== undefined && { resource })
            });
            return claimsOf(body.access_token as string);
        };
        const [usual, named, mcp, again] = [await ask(), await ask(API), await ask(MCP), await ask(MCP)];
        expect([usual, named, mcp].map(({ aud }) => aud)).to.equal([API, API, MCP]);
        expect(named.grant_id).to.equal(usual.grant_id);
        expect(again.grant_id).to.equal(mcp.grant_id).and.to.not.equal(usual.grant_id);
    });

    it('say in their challenges where their metadata are and what a client should ask for', async () => {
        const none = await at('/mcp');
        expect(none.headers['www-authenticate']).to.equal(
            `Bearer ${METADATA}/mcp", scope="READ_PUBLISHED_THREADS CREATE_POST"`
        );
        const bad = await at('/mcp', 'nonsense', 'GET', { origin: 'https://inspector.example' });
        expect(bad.headers['www-authenticate']!).to.startWith('Bearer error="invalid_token", error_description="');
        expect(bad.headers['www-authenticate']).to.contain(`${METADATA}/mcp"`);
        expect(bad.headers['access-control-expose-headers']).to.contain('WWW-Authenticate');
        expect((await at('/threads')).headers['www-authenticate']).to.equal(
            `Bearer ${METADATA}/api", scope="READ_PUBLISHED_THREADS"`
        );
        const { access_token: token } = await tokensFor(MCP);
        const refused = await at('/mcp', token, 'POST');
        expect(refused.status).to.equal(403);
        expect(refused.headers['www-authenticate']).to.equal(
            `Bearer error="insufficient_scope", ${METADATA}/mcp", scope="CREATE_POST READ_PUBLISHED_THREADS"`
        );
        const both = await at('/either');
        expect(both.headers['www-authenticate']!).to.startWith(`Bearer ${METADATA}/api"`);
        expect(both.headers['www-authenticate']).to.contain('Key').and.to.contain(`${METADATA}/mcp"`);
    });

    it('are known to userinfo where they are the forum’s own, and to introspection and revocation in any case', async () => {
        const { access_token: mcp } = await tokensFor(MCP);
        expect((await forum.as(null, 'GET', '/oauth/userinfo', undefined, bearer(mcp))).status).to.equal(200);
        const { access_token: elsewhere } = await tokensFor(ELSEWHERE);
        expect((await forum.as(null, 'GET', '/oauth/userinfo', undefined, bearer(elsewhere))).status).to.equal(401);

        const site = await createApp(forum, { type: 'confidential' });
        const { body } = await redeem(forum, await obtainCode(forum, site, { resource: ELSEWHERE }));
        const introspect = () => forum.form('/oauth/introspect', { token: body.access_token as string }, basicOf(site));
        expect((await introspect()).body).to.include({ active: true, aud: ELSEWHERE });
        await forum.form('/oauth/revoke', { token: body.access_token as string }, basicOf(site));
        expect((await introspect()).body.active).to.be.false();
    });

    it('stop the registration where they contradict themselves', async () => {
        const refusal = async (options: Partial<Options>): Promise<string> =>
            Forum.create(database.dataSource, options).then(
                () => 'none',
                ({ message }: Error) => message
            );
        for (const identifier of [
            'http://forum.example/mcp',
            'https://forum.example/mcp/',
            'https://forum.example/mcp?x=1',
            'https://forum.example/mcp#x',
            'https://me@forum.example/mcp',
            `https://forum.example/${'x'.repeat(500)}`,
            'mcp'
        ]) {
            expect(await refusal({ resources: [{ identifier }] }), identifier).to.contain('"resources[0].identifier"');
        }
        expect(await refusal({ resources: [] })).to.contain('"resources"');
        expect(await refusal({ resources: [{ identifier: MCP }, { identifier: MCP }] })).to.contain('"resources[1]"');
        expect(await refusal({ resources: [{ identifier: MCP }], audience: API })).to.contain('"audience"');
        for (const name of ['offline_access', 'ADMINISTRATOR', 'FLY']) {
            const resources = [{ identifier: MCP, scopes: [name] }];
            expect(await refusal({ resources }))
                .to.contain('"resources[0].scopes"')
                .and.to.contain(name);
        }
        expect(await refusal({ advertisedScopes: ['FLY'] })).to.contain('"advertisedScopes"');
        const odd = await openForum(database, { resources: RESOURCES });
        const add = (options: object) => () => odd.server.auth.strategy('x', 'oauth', options);
        expect(add({ resource: 'https://other.example' })).to.throw(/a resource of "resources"/);
        expect(add({ audience: API })).to.throw(/takes \{ resource, challengeScope, accessKeys \}/);
    });
});

describe('scopes that the forum does not know', () => {
    const database = useDatabase(lab);

    it('are left out with the option, as long as something known is left', async () => {
        const forum = await openForum(database, { unknownScopes: 'ignore' });
        const app = await createApp(forum);
        const code = await obtainCode(forum, app, { scope: 'openid claudeai READ_PUBLISHED_THREADS' });
        expect((await redeem(forum, code)).body.scope).to.equal('openid READ_PUBLISHED_THREADS');
        const nothing = await authorize(forum, FRIGG, parametersOf(app, { scope: 'claudeai mcp' }));
        expect(answered(nothing).error).to.equal('invalid_scope');
        const device = await forum.device({ ...CLI, scope: `${CLI.scope} mcp` });
        expect(device.user_code).to.be.a.string();
    });

    it('are refused by default', async () => {
        const forum = await openForum(database);
        const app = await createApp(forum);
        const answer = await authorize(forum, FRIGG, parametersOf(app, { scope: 'openid claudeai' }));
        expect(answered(answer).error).to.equal('invalid_scope');
    });

    it('do not matter to what the metadata list', async () => {
        const forum = await openForum(database, { advertisedScopes: ['openid', 'READ_PUBLISHED_THREADS'] });
        const { body } = await forum.as(null, 'GET', '/.well-known/openid-configuration');
        expect(body.scopes_supported).to.equal(['openid', 'READ_PUBLISHED_THREADS']);
    });

    it('have identifiers in their plain form, of which routes can be made', async () => {
        const start = (...identifiers: string[]): Promise<Forum> =>
            openForum(database, { resources: identifiers.map((identifier) => ({ identifier })) });
        for (const identifier of [
            `${ISSUER}/%7Eme`,
            `${ISSUER}/%e4`,
            `${ISSUER}/a b`,
            `${ISSUER}/a/../b`,
            `${ISSUER}:443`,
            `${ISSUER}/x/`
        ]) {
            await expect(start(identifier), identifier).to.reject(/"resources\[0\]\.identifier" must be an https URL/);
        }
        await start(ISSUER, `${ISSUER}/%C3%A4/a%20b`, 'https://SEARCH.example');
    });
});
