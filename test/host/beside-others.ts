import * as Bell from '@hapi/bell';
import { expect } from '@hapi/code';
import * as Cookie from '@hapi/cookie';
import * as Crumb from '@hapi/crumb';
import type * as Hapi from '@hapi/hapi';
import * as Inert from '@hapi/inert';
import * as Lab from '@hapi/lab';
import Yar from '@hapi/yar';
import Joi from 'joi';
import { pages } from '../../plugin/pages';
import {
    basicOf,
    beginRequest,
    bearer,
    createApp,
    decideRequest,
    pkce,
    redeem,
    signInTo
} from '../support/authorization';
import { CLI, FRIGG, type Forum, type Host } from '../support/forum';
import { openForum, useDatabase } from '../support/setup';
import { Visitor } from '../support/visitor';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const PASSWORD = 'a password of at least 32 characters';

/** What a host has beside the plugin. */
const HOSTS: Record<string, Host> = {
    '@hapi/yar': {
        prepare: async (server) => {
            await server.register({
                plugin: Yar,
                options: { name: 'yar', cookieOptions: { password: PASSWORD, isSecure: false }, storeBlank: true }
            });
            server.ext('onPreAuth', (request, h) => {
                request.yar.set('seen', request.path);
                return h.continue;
            });
        }
    },
    '@hapi/crumb': {
        prepare: (server) =>
            server.register({ plugin: Crumb, options: { cookieOptions: { isSecure: false }, addToViewContext: true } })
    },
    '@hapi/crumb in its restful mode': {
        prepare: (server) =>
            server.register({ plugin: Crumb, options: { restful: true, cookieOptions: { isSecure: false } } })
    },
    '@hapi/cookie': {
        prepare: async (server) => {
            await server.register(Cookie);
            server.auth.strategy('cookie', 'cookie', { cookie: { password: PASSWORD }, redirectTo: '/login' });
            server.auth.default('cookie');
        }
    },
    '@hapi/bell': {
        prepare: async (server) => {
            await server.register(Bell);
            server.auth.strategy('elsewhere', 'bell', {
                provider: 'github',
                password: PASSWORD,
                clientId: 'id',
                clientSecret: 'secret',
                isSecure: false
            });
            server.auth.default('elsewhere');
        }
    },
    '@hapi/inert': {
        prepare: async (server) => {
            await server.register(Inert);
            server.route({ method: 'GET', path: '/{path*}', handler: { directory: { path: '.' } } });
        }
    },
    'an extension that reads the language from a cookie': {
        prepare: (server) => {
            server.ext('onPreAuth', (request, h) => {
                (request.app as Record<string, unknown>).language = request.state.lang;
                return h.continue;
            });
        }
    },
    'an extension that logs each request and response': {
        prepare: (server) => {
            server.ext('onPreHandler', (request, h) => {
                const payload = request.payload as { id?: string } | null;
                request.log(['seen'], {
                    ...request.state,
                    ...request.query,
                    auth: request.auth.strategy,
                    id: payload?.id
                });
                return h.continue;
            });
            server.ext('onPreResponse', (request, h) => {
                request.log(['seen'], Object.keys(request.state));
                return h.continue;
            });
        }
    }
};

/** Each default of `server.options.routes` that could change what a route is sent or responds with. */
const DEFAULTS: Record<string, Hapi.RouteOptions> = {
    'state.parse: false': { state: { parse: false } },
    'state.failAction: error': { state: { parse: true, failAction: 'error' } },
    'payload.allow of JSON': { payload: { allow: 'application/json' } },
    'payload.override': { payload: { override: 'application/json' } },
    'payload.output: stream': { payload: { output: 'stream', parse: true } },
    'payload.maxBytes': { payload: { maxBytes: 10 } },
    'payload.multipart': { payload: { multipart: { output: 'annotated' } } },
    'payload.defaultContentType': { payload: { defaultContentType: 'text/plain' } },
    'payload.failAction: ignore': { payload: { failAction: 'ignore' } },
    cors: { cors: { origin: ['https://other.example'], credentials: true, maxAge: 1 } },
    'cors: true': { cors: true },
    cache: { cache: { expiresIn: 60_000, privacy: 'public' } },
    compression: { compression: { gzip: { level: 1 } } },
    'json.space': { json: { space: 4, suffix: '\n' } },
    'validate.query': { validate: { query: Joi.object({ only: Joi.string().required() }) } },
    'validate.headers': { validate: { headers: Joi.object({ 'x-needed': Joi.string().required() }).unknown() } },
    'validate.state': { validate: { state: Joi.object({ needed: Joi.string().required() }).unknown() } },
    'validate.failAction': { validate: { failAction: 'error' } },
    'response.schema': { response: { schema: Joi.object({ only: Joi.string().required() }) } },
    'response.status': { response: { status: { 200: Joi.object({ only: Joi.required() }) } } },
    'response.sample': { response: { sample: 100, schema: false } },
    'response.emptyStatusCode': { response: { emptyStatusCode: 200 } },
    'response.ranges': { response: { ranges: true } },
    'response.modify': { response: { modify: true, schema: Joi.any(), options: { stripUnknown: true } } },
    security: { security: true },
    timeout: { timeout: { server: 15_000 } },
    log: { log: { collect: true } },
    bind: { bind: { of: 'the host' } },
    files: { files: { relativeTo: '/tmp' } },
    app: { app: { of: 'the host' } },
    plugins: { plugins: { crumb: {}, yar: {} } }
};

describe('the plugin', () => {
    const database = useDatabase(lab);

    /** What members, applications and administrators do. */
    async function expectMainFlows(forum: Forum): Promise<void> {
        for (const path of ['/.well-known/oauth-authorization-server', '/oauth/jwks']) {
            expect((await forum.as(null, 'GET', path)).status, path).to.equal(200);
        }
        const tokens = await forum.signIn(FRIGG, CLI);
        expect((await forum.refresh(tokens.refresh_token)).status).to.equal(200);

        const app = await createApp(forum, { type: 'confidential' });
        const { verifier, challenge } = pkce();
        const requestId = await beginRequest(forum, app, { code_challenge: challenge, scope: 'openid offline_access' });
        const { body } = await decideRequest(forum, FRIGG, requestId);
        const code = new URL(body.location).searchParams.get('code')!;
        const redeemed = await redeem(forum, { app, code, redirectUri: app.redirectUri, verifier });
        expect(redeemed.status, redeemed.text).to.equal(200);
        const { access_token: access, refresh_token: refresh } = redeemed.body;
        const userinfo = await forum.as(null, 'GET', '/oauth/userinfo', undefined, bearer(access));
        expect(userinfo.status).to.equal(200);
        const introspected = await forum.form('/oauth/introspect', { token: access }, basicOf(app));
        expect(introspected.body.active).to.be.true();
        expect((await forum.form('/oauth/revoke', { token: refresh }, basicOf(app))).status).to.equal(200);

        const path = `/auth/oauth/clients/${app.id}`;
        expect((await forum.as(FRIGG, 'PATCH', path, { name: 'Renamed' })).body.name).to.equal('Renamed');
        const list = await forum.as(FRIGG, 'GET', '/auth/oauth/tokens?callback=stolen');
        expect(list.status).to.equal(400);
        expect((await forum.as(FRIGG, 'GET', '/auth/oauth/tokens')).text).to.startWith('{');
        expect((await forum.as(FRIGG, 'DELETE', path)).status).to.equal(204);
        const wrong = await forum.as(null, 'POST', '/oauth/token', { grant_type: 'x' });
        expect([wrong.status, wrong.body.error]).to.equal([400, 'invalid_request']);

        await forum.server.register({ plugin: pages, options: {} });
        const frigg = new Visitor(forum.server, FRIGG);
        const { user_code: userCode } = await forum.device();
        expect((await frigg.enterCode(userCode)).html).to.contain('Authorize');
        const decided = await frigg.post('/oauth/consent', { user_code: userCode, decision: 'approve' });
        expect(decided.html).to.contain('Application authorized');
        expect((await frigg.get('/settings/connected-apps')).html).to.contain('Disconnect');
        await signInTo(forum, await createApp(forum));
    }

    for (const [name, host] of Object.entries(HOSTS)) {
        it(`works beside ${name}`, async () => {
            await expectMainFlows(await openForum(database, {}, host));
        });
    }

    for (const [name, routes] of Object.entries(DEFAULTS)) {
        it(`works where the server's default for routes is ${name}`, async () => {
            await expectMainFlows(await openForum(database, {}, { server: { routes } }));
        });
    }
});
