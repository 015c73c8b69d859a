import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { bearer, createApp, signInTo, type App } from '../support/authorization';
import { Forum, FRIGG, ISSUER, ODIN, type Answer } from '../support/forum';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const PATH = '/oauth/userinfo';

describe('/oauth/userinfo', () => {
    const database = useDatabase(lab);
    const forum = useForum(lab, { database });
    let app: App;

    before(async () => {
        app = await createApp(forum);
    });

    async function tokenFor(scope: string, accountId = FRIGG): Promise<string> {
        return (await signInTo(forum, app, { scope }, accountId)).access_token;
    }

    /** By GET and by POST, which respond alike. */
    async function userinfo(headers: Record<string, string>, host = forum): Promise<Answer> {
        const got = await host.as(null, 'GET', PATH, undefined, headers);
        const posted = await host.as(null, 'POST', PATH, undefined, headers);
        expect([posted.status, posted.body]).to.equal([got.status, got.body]);
        expect(posted.headers['www-authenticate']).to.equal(got.headers['www-authenticate']);
        return got;
    }

    function expectChallenge(answer: Answer, status: number, challenge: RegExp): void {
        expect(answer.status).to.equal(status);
        expect(answer.headers['www-authenticate']).to.match(challenge);
        expect(Object.keys(answer.body)).to.equal(['error', 'error_description']);
        expect(answer.headers['cache-control']).to.equal('no-store');
        expect(answer.headers.pragma).to.equal('no-cache');
    }

    it('returns the claims that the scope covers: the account, its names, its email address', async () => {
        const name = { name: 'Frigg', preferred_username: 'frigg' };
        const email = { email: 'frigg@forum.example', email_verified: false };
        for (const [scope, claims] of [
            ['openid', {}],
            ['openid CREATE_POST offline_access', {}],
            ['openid profile', name],
            ['openid email', email],
            ['email profile openid', { ...name, ...email }]
        ] as const) {
            const answer = await userinfo(bearer(await tokenFor(scope)));
            expect(answer.status).to.equal(200);
            expect(answer.body).to.equal({ sub: FRIGG, ...claims });
            expect(answer.headers['content-type']).to.match(/^application\/json/);
            expect(answer.headers['cache-control']).to.equal('no-store');
            expect(answer.headers.pragma).to.equal('no-cache');
        }
    });

    it('has no email claims for an account without an email', async () => {
        const member = forum.addAccount();
        const answer = await userinfo(bearer(await tokenFor('openid email', member)));
        expect(answer.body).to.equal({ sub: member });
    });

    it('returns the current names of the account', async () => {
        const member = forum.addAccount();
        const token = await tokenFor('openid profile email', member);
        Object.assign(forum.account(member), { name: 'New', email: { address: 'new@x.example', verified: true } });
        expect((await userinfo(bearer(token))).body).to.equal({
            sub: member,
            name: 'New',
            preferred_username: member,
            email: 'new@x.example',
            email_verified: true
        });
    });

    it('responds with a bare challenge where there is no token', async () => {
        const { access_token: token } = await signInTo(forum, app);
        const none: Record<string, string>[] = [
            {},
            { authorization: '' },
            { authorization: `Basic ${token}` },
            { authorization: token },
            { cookie: `session=${FRIGG}` }
        ];
        for (const headers of none) {
            expectChallenge(await userinfo(headers), 401, /^Bearer$/);
        }
    });

    it('reads a token from the header only', async () => {
        const { access_token: token } = await signInTo(forum, app);
        const query = await forum.as(null, 'GET', `${PATH}?access_token=${token}`);
        expectChallenge(query, 401, /^Bearer$/);
        expectChallenge(await forum.form(PATH, { access_token: token }), 401, /^Bearer$/);
    });

    it('refuses an invalid token', async () => {
        const {
            access_token: token,
            id_token: idToken,
            refresh_token: refreshToken
        } = await signInTo(forum, app, {
            scope: 'openid offline_access'
        });
        for (const bad of ['x', 'a.b.c', idToken, refreshToken, `${token}x`, token.slice(0, -2), `${token} ${token}`]) {
            expectChallenge(await userinfo(bearer(bad)), 401, /^Bearer .*error="invalid_token"/);
        }
        for (const scheme of ['bearer', 'BEARER', 'Bearer  ']) {
            expect((await userinfo({ authorization: `${scheme} ${token}` })).status).to.equal(200);
        }
    });

    it('refuses an expired token', async () => {
        const host = await Forum.create(database.dataSource);
        const { access_token: token } = await signInTo(host, app);
        host.pass(899);
        expect((await userinfo(bearer(token), host)).status).to.equal(200);
        host.pass(1);
        expectChallenge(await userinfo(bearer(token), host), 401, /error="invalid_token"/);
        await host.stop();
    });

    it('refuses the token of an account that may not act, until it may again', async () => {
        const member = forum.addAccount();
        const token = await tokenFor('openid', member);
        const account = forum.account(member);
        forum.accounts.delete(member);
        expectChallenge(await userinfo(bearer(token)), 401, /error="invalid_token"/);
        forum.accounts.set(member, account);
        expect((await userinfo(bearer(token))).body).to.equal({ sub: member });
    });

    it('needs the scope openid, and says so', async () => {
        for (const scope of ['profile email', 'CREATE_POST', '']) {
            const answer = await userinfo(bearer(await tokenFor(scope)));
            expectChallenge(answer, 403, /^Bearer error="insufficient_scope", scope="openid"$/);
            expect(answer.body.error).to.equal('insufficient_scope');
        }
    });

    it('needs the scope openid beside ADMINISTRATOR too', async () => {
        const bot = await forum.createClient(ODIN, { allowed_scopes: ['ADMINISTRATOR'] });
        const { body } = await forum.token({
            grant_type: 'client_credentials',
            client_id: bot.client.client_id,
            client_secret: bot.client_secret
        });
        expect(body.scope).to.equal('ADMINISTRATOR');
        expectChallenge(await userinfo(bearer(body.access_token)), 403, /insufficient_scope/);
    });

    it('accepts a token until its grant is revoked', async () => {
        const tokens = await signInTo(forum, app, { scope: 'openid offline_access' });
        expect((await userinfo(bearer(tokens.access_token))).status).to.equal(200);
        await forum.form('/oauth/revoke', { client_id: app.client_id, token: tokens.refresh_token });
        expectChallenge(await userinfo(bearer(tokens.access_token)), 401, /^Bearer error="invalid_token"$/);
    });

    it('allows any origin without cookies, for errors and preflights too', async () => {
        const origin = 'https://app.example';
        const token = await tokenFor('openid');
        const preflight = await forum.as(null, 'OPTIONS', PATH, undefined, {
            origin,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'authorization, content-type'
        });
        expect([200, 204]).to.include(preflight.status);
        expect(preflight.headers['access-control-allow-headers']).to.match(/authorization/i);
        expect(preflight.headers['access-control-allow-headers']).to.match(/content-type/i);
        const answers = [
            await forum.as(null, 'GET', PATH, undefined, { origin, ...bearer(token) }),
            await forum.as(null, 'GET', PATH, undefined, { origin }),
            await forum.as(null, 'POST', PATH, undefined, { origin, ...bearer('x') })
        ];
        for (const { headers } of [preflight, ...answers]) {
            expect(['*', origin]).to.include(headers['access-control-allow-origin']);
            expect(headers['access-control-allow-credentials']).to.be.undefined();
        }
        for (const { headers } of answers) {
            expect(headers['access-control-expose-headers']).to.match(/www-authenticate/i);
        }
    });

    it('responds 503 when accounts.find is unavailable', async () => {
        const token = await tokenFor('openid');
        const host = await Forum.create(database.dataSource, {
            accounts: { find: () => Promise.reject(Object.assign(new Error('down'), { code: 'ECONNREFUSED' })) }
        });
        const answer = await userinfo(bearer(token), host);
        expect([answer.status, answer.body.error]).to.equal([503, 'temporarily_unavailable']);
        expect(answer.headers['retry-after']).to.match(/^\d+$/);
        await host.stop();
    });

    it('is at the URL in the metadata', async () => {
        const { body } = await forum.as(null, 'GET', '/.well-known/openid-configuration');
        expect(body).to.include({
            userinfo_endpoint: `${ISSUER}/api${PATH}`,
            authorization_endpoint: `${ISSUER}/api/oauth/authorize`,
            revocation_endpoint: `${ISSUER}/api/oauth/revoke`,
            introspection_endpoint: `${ISSUER}/api/oauth/introspect`
        });
    });
});
