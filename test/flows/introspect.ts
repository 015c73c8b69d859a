import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { basicOf, changeApp, createApp, signInTo, type App } from '../support/authorization';
import { claimsOf, FRIGG, ISSUER, type Answer } from '../support/forum';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const SCOPE = 'openid offline_access CREATE_POST';
const DAY = 24 * 3600;

describe('introspecting a token', () => {
    const forum = useForum(lab);
    let app: App;
    let other: App;
    let open: App;

    before(async () => {
        app = await createApp(forum, { type: 'confidential' });
        other = await createApp(forum, { type: 'confidential' });
        open = await createApp(forum);
    });

    function introspect(token: string, by: App = app, host = forum): Promise<Answer> {
        return host.form('/oauth/introspect', { token }, basicOf(by));
    }

    function refresh(token: string, host = forum, of = app): Promise<Answer> {
        return host.refresh(token, { client_id: of.client_id, client_secret: of.secret! });
    }

    async function expectActive(token: string, is: boolean, by: App = app, host = forum): Promise<void> {
        const { status, body, headers } = await introspect(token, by, host);
        expect(status).to.equal(200);
        expect(headers['cache-control']).to.equal('no-store');
        expect(headers.pragma).to.equal('no-cache');
        expect(body.active).to.equal(is);
        if (!is) {
            expect(body).to.equal({ active: false });
        }
    }

    it('tells all that an access token says', async () => {
        const { access_token: token } = await signInTo(forum, app, { scope: SCOPE });
        const { body } = await introspect(token);
        const { jti, exp, iat } = claimsOf(token);
        expect(body).to.equal({
            active: true,
            client_id: app.client_id,
            token_type: 'Bearer',
            sub: FRIGG,
            scope: SCOPE,
            iss: ISSUER,
            aud: ISSUER,
            iat,
            exp,
            jti
        });
    });

    it('tells whose a refresh token is, what it is good for and how long', async () => {
        const { refresh_token: token } = await signInTo(forum, app, { scope: SCOPE });
        const now = Math.floor(forum.now / 1000);
        expect((await introspect(token)).body).to.include({
            active: true,
            client_id: app.client_id,
            sub: FRIGG,
            scope: SCOPE,
            iat: now,
            exp: now + 30 * DAY
        });
    });

    it('tells the same whatever the hint says, and by form as by header', async () => {
        const tokens = await signInTo(forum, app, { scope: SCOPE });
        for (const token of [tokens.access_token, tokens.refresh_token]) {
            const { body } = await introspect(token);
            for (const hint of ['access_token', 'refresh_token', 'nonsense', '']) {
                const answer = await forum.form('/oauth/introspect', {
                    client_id: app.client_id,
                    client_secret: app.secret!,
                    token,
                    token_type_hint: hint
                });
                expect(answer.body).to.equal(body);
            }
        }
    });

    describe('a refresh token', () => {
        it('is active while it is its family’s head, and the retry window changes nothing of it', async () => {
            const { refresh_token: first } = await signInTo(forum, app, { scope: SCOPE });
            await expectActive(first, true);
            const second = (await refresh(first)).body.refresh_token as string;
            await expectActive(first, false);
            await expectActive(second, true);
            await expectActive(first, false);
            expect((await refresh(second)).status).to.equal(200);
        });

        it('is not active after its grant was revoked', async () => {
            const { refresh_token: token } = await signInTo(forum, app, { scope: SCOPE });
            await forum.form('/oauth/revoke', { token }, basicOf(app));
            await expectActive(token, false);
        });

        it('is not active after it has expired', async () => {
            const host = await forum.another();
            const { refresh_token: token } = await signInTo(host, app, { scope: SCOPE });
            host.now += 30 * DAY * 1000 - 1;
            await expectActive(token, true, app, host);
            host.now += 1;
            await expectActive(token, false, app, host);
            expect((await refresh(token, host)).body.error).to.equal('invalid_grant');
        });

        it('is not active past the cap on its token family', async () => {
            const host = await forum.another({ lifetimes: { refreshChain: 1000 } });
            const { refresh_token: token } = await signInTo(host, app, { scope: SCOPE });
            host.pass(999);
            const { refresh_token: second } = (await refresh(token, host)).body;
            await expectActive(second, true, app, host);
            host.pass(1);
            await expectActive(second, false, app, host);
        });

        it('is not active while it would be refused for its account or its client', async () => {
            const member = forum.addAccount();
            const own = await createApp(forum, { type: 'confidential' });
            const { refresh_token: token } = await signInTo(forum, own, { scope: SCOPE }, member);
            const account = forum.account(member);
            forum.accounts.delete(member);
            await expectActive(token, false, own);
            forum.accounts.set(member, account);
            await expectActive(token, true, own);

            await changeApp(forum.dataSource, own, { allowedGrants: 'authorization_code' });
            await expectActive(token, false, own);
            await changeApp(forum.dataSource, own, {
                allowedGrants: 'authorization_code refresh_token',
                allowedScopes: 'openid CREATE_POST'
            });
            await expectActive(token, false, own);
            await changeApp(forum.dataSource, own, { allowedScopes: SCOPE });
            await expectActive(token, true, own);
            expect((await refresh(token, forum, own)).status).to.equal(200);
        });

        it('is not active when it was made up', async () => {
            const { refresh_token: token } = await signInTo(forum, app, { scope: SCOPE });
            await expectActive(token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A'), false);
            await expectActive(`sdort_${'0'.repeat(20)}${'A'.repeat(72)}`, false);
            await expectActive(token, true);
        });

        it('is looked at without a trace: asking about a used one is no reuse', async () => {
            const host = await forum.another();
            const { refresh_token: first } = await signInTo(host, app, { scope: SCOPE });
            const second = (await refresh(first, host)).body.refresh_token as string;
            host.pass(1000);
            const events = host.events.length;
            await expectActive(first, false, app, host);
            await expectActive(second, true, app, host);
            expect(host.events).to.have.length(events);
            expect((await refresh(second, host)).status).to.equal(200);
        });
    });

    describe('an access token', () => {
        it('is active until it expires or its grant is revoked', async () => {
            const host = await forum.another();
            const tokens = await signInTo(host, app, { scope: SCOPE });
            const revoked = await signInTo(host, app, { scope: SCOPE });
            await host.form('/oauth/revoke', { token: revoked.refresh_token }, basicOf(app));
            await expectActive(revoked.access_token, false, app, host);
            host.pass(899);
            await expectActive(tokens.access_token, true, app, host);
            host.pass(1);
            await expectActive(tokens.access_token, false, app, host);
        });

        it('of client credentials is active too', async () => {
            const bot = await forum.createClient(FRIGG);
            const own = { ...app, client_id: bot.client.client_id, secret: bot.client_secret };
            const { body } = await forum.token({ grant_type: 'client_credentials' }, basicOf(own));
            expect((await introspect(body.access_token, own)).body).to.include({
                active: true,
                sub: FRIGG,
                scope: 'READ_PUBLISHED_THREADS'
            });
        });
    });

    it('tells a client nothing of what was issued to others', async () => {
        const mine = await signInTo(forum, app, { scope: SCOPE });
        const open1 = await signInTo(forum, open, { scope: SCOPE });
        const cli = await forum.signIn();
        for (const token of [
            mine.access_token,
            mine.refresh_token,
            open1.access_token,
            open1.refresh_token,
            cli.access_token,
            cli.refresh_token
        ]) {
            await expectActive(token, false, other);
        }
    });

    it('knows nothing else that looks like a token', async () => {
        const tokens = await signInTo(forum, app, { scope: SCOPE });
        for (const token of [tokens.id_token, `${tokens.access_token}x`, 'x', 'a.b.c', 'sdort_', app.secret!]) {
            await expectActive(token, false);
        }
    });

    it('is for confidential clients that are who they say, and needs a token', async () => {
        const { access_token: token } = await signInTo(forum, open);
        const cases: [Record<string, string>, Record<string, string>, number, string][] = [
            [{ token }, {}, 401, 'invalid_client'],
            [{ token, client_id: open.client_id }, {}, 401, 'invalid_client'],
            [{ token, client_id: app.client_id }, {}, 401, 'invalid_client'],
            [{ token, client_id: app.client_id, client_secret: 'wrong' }, {}, 401, 'invalid_client'],
            [{ client_id: app.client_id, client_secret: 'wrong' }, {}, 401, 'invalid_client'],
            [{ token, client_id: 'storyden-cli' }, {}, 401, 'invalid_client'],
            [{ token }, basicOf({ ...app, secret: 'wrong' }), 401, 'invalid_client'],
            [{ token }, basicOf({ ...open, secret: '' }), 401, 'invalid_client'],
            [{ token }, { authorization: `Bearer ${token}` }, 401, 'invalid_client'],
            [{ token, client_secret: app.secret! }, basicOf(app), 400, 'invalid_request'],
            [{ token, client_id: other.client_id }, basicOf(app), 400, 'invalid_request'],
            [{}, basicOf(app), 400, 'invalid_request'],
            [{ token: '' }, basicOf(app), 400, 'invalid_request']
        ];
        for (const [fields, headers, status, error] of cases) {
            const answer = await forum.form('/oauth/introspect', fields, headers);
            expect([answer.status, answer.body.error], JSON.stringify(fields)).to.equal([status, error]);
            expect(answer.body.active).to.be.undefined();
            expect(answer.headers['cache-control']).to.equal('no-store');
            const challenge = answer.headers['www-authenticate'];
            expect(challenge?.startsWith('Basic') ?? false).to.equal(status === 401 && 'authorization' in headers);
        }
    });

    it('is for servers: no page of any origin may read the answer', async () => {
        const host = await forum.another({}, { server: { routes: { cors: true } } });
        const { access_token: token } = await signInTo(host, app);
        const headers = { origin: 'https://app.example', ...basicOf(app) };
        const answer = await host.form('/oauth/introspect', { token }, headers);
        expect(answer.body.active).to.be.true();
        expect(answer.headers['access-control-allow-origin']).to.be.undefined();
    });
});
