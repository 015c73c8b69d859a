import { createHash, randomBytes } from 'node:crypto';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthAuthorizationCode, OAuthGrant, OAuthRefreshToken } from '../../entities/index';
import {
    APP_SCOPES,
    basicOf,
    changeApp,
    countRows,
    createApp,
    obtainCode,
    redeem,
    REDIRECT_URI,
    type App,
    type Changes,
    type ObtainedCode
} from '../support/authorization';
import { grantOf, storedGrant } from '../support/token-family';
import { basic, claimsOf, FRIGG, ISSUER, ODIN, START, type Answer, type Tokens } from '../support/forum';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const REFRESHABLE = { scope: 'openid offline_access CREATE_POST' };

describe('the authorization code grant', () => {
    const forum = useForum(lab);
    const embedded = useForum(lab, { database: 'embedded' });
    let app: App;

    before(async () => {
        app = await createApp(forum);
    });

    function refresh(of: App, token: string): Promise<Answer> {
        return forum.refresh(token, { client_id: of.client_id, ...(of.secret && { client_secret: of.secret }) });
    }

    function expectRefused({ status, body }: Answer, error = 'invalid_grant'): void {
        expect([status, body.error]).to.equal([error === 'invalid_client' ? 401 : 400, error]);
    }

    async function storedCode(grant: ObtainedCode): Promise<OAuthAuthorizationCode> {
        const codeHash = createHash('sha256').update(grant.code).digest('base64url');
        return forum.dataSource.getRepository(OAuthAuthorizationCode).findOneByOrFail({ codeHash });
    }

    /** When a code was exchanged. */
    async function exchangedAt(grant: ObtainedCode): Promise<number | null> {
        const { grantId: id } = await storedCode(grant);
        return (await forum.dataSource.getRepository(OAuthGrant).findOneByOrFail({ id })).exchangedAt;
    }

    it('leads to tokens that no cache keeps', async () => {
        const answer = await redeem(forum, await obtainCode(forum, app, REFRESHABLE));
        expect(answer.status).to.equal(200);
        expect(answer.headers['cache-control']).to.equal('no-store');
        expect(answer.headers.pragma).to.equal('no-cache');
        const { access_token: token, id_token: idToken, refresh_token: refreshToken, ...rest } = answer.body;
        expect(rest).to.equal({ token_type: 'Bearer', expires_in: 900, scope: 'openid offline_access CREATE_POST' });
        expect(claimsOf(token)).to.include({ sub: FRIGG, client_id: app.client_id, aud: ISSUER, iss: ISSUER });
        expect(claimsOf(idToken)).to.include({ sub: FRIGG, aud: app.client_id, iss: ISSUER });
        expect(refreshToken).to.match(/^sdort_/);
        expect(await storedGrant(forum.dataSource, refreshToken)).to.include({
            accountId: FRIGG,
            oauthClientId: app.id,
            endedAt: null
        });
    });

    it('keeps of a code no more than its hash', async () => {
        const grant = await obtainCode(forum, app);
        const row = await storedCode(grant);
        expect(JSON.stringify(row)).to.not.include(grant.code);
        expect(JSON.stringify(row)).to.not.include(grant.verifier);
        await redeem(forum, grant);
        expect(JSON.stringify([forum.events, forum.log])).to.not.include(grant.code);
    });

    it('is on the embedded database what it is on MariaDB', async () => {
        const own = await createApp(embedded);
        const grant = await obtainCode(embedded, own, REFRESHABLE);
        const answers = await Promise.all(Array.from({ length: 5 }, () => redeem(embedded, grant)));
        expect(answers.map(({ status }) => status).sort()).to.equal([200, 400, 400, 400, 400]);
        const { refresh_token: token } = answers.find(({ status }) => status === 200)!.body as Tokens;
        expectRefused(await embedded.refresh(token, { client_id: own.client_id }));
    });

    describe('a code', () => {
        it('is exchanged once, and its replay ends what the exchange began', async () => {
            const grant = await obtainCode(forum, app, REFRESHABLE);
            const { refresh_token: first } = (await redeem(forum, grant)).body as Tokens;
            const { refresh_token: second } = (await refresh(app, first)).body as Tokens;
            expectRefused(await redeem(forum, grant));
            expectRefused(await refresh(app, second));
            expectRefused(await refresh(app, first));
            expect(await storedGrant(forum.dataSource, first)).to.include({ endReason: 'code_replayed' });
            expect(
                forum.events.filter((event) => 'grant_id' in event && event.grant_id === grantOf(first))
            ).to.have.length(3);
            expect(forum.events.at(-1)).to.include({ type: 'grant_revoked', reason: 'code_replayed' });
            expectRefused(await redeem(forum, grant));
        });

        it('revokes nothing else when it is replayed', async () => {
            const other = (await redeem(forum, await obtainCode(forum, app, REFRESHABLE))).body as Tokens;
            const grant = await obtainCode(forum, app, REFRESHABLE);
            await redeem(forum, grant);
            expectRefused(await redeem(forum, grant));
            expect((await refresh(app, other.refresh_token)).status).to.equal(200);
        });

        it('ends what it began also when it is replayed long after it has expired, or incompletely', async () => {
            for (const changes of [{}, { redirect_uri: 'https://app.example/other' }] as Changes[]) {
                const host = await forum.another();
                const grant = await obtainCode(host, app, REFRESHABLE);
                const { refresh_token: token } = (await redeem(host, grant)).body as Tokens;
                host.pass(3600);
                expectRefused(await redeem(host, grant, changes));
                expectRefused(await host.refresh(token, { client_id: app.client_id }));
            }
        });

        it('that began no grant is refused again all the same', async () => {
            const grant = await obtainCode(forum, app, { scope: 'openid' });
            expect((await redeem(forum, grant)).body.refresh_token).to.be.undefined();
            expectRefused(await redeem(forum, grant));
        });

        it('yields one answer among 200 that come at once, and the replays end that grant', async () => {
            const grant = await obtainCode(forum, app, REFRESHABLE);
            const [codes, requests, clients, grants, tokens] = await countRows(forum.dataSource);
            const answers = await Promise.all(Array.from({ length: 200 }, () => redeem(forum, grant)));
            const [won, ...more] = answers.filter(({ status }) => status === 200);
            expect(more).to.equal([]);
            for (const answer of answers.filter((other) => other !== won)) {
                expectRefused(answer);
            }
            expect(await countRows(forum.dataSource)).to.equal([codes!, requests!, clients!, grants!, tokens! + 1]);
            expect(await storedGrant(forum.dataSource, won!.body.refresh_token)).to.include({
                endReason: 'code_replayed'
            });
            expectRefused(await refresh(app, won!.body.refresh_token));
        });

        it('yields one answer however often two race for it, and never a token that goes on working', async () => {
            for (let round = 0; round < 20; ++round) {
                const grant = await obtainCode(forum, app, REFRESHABLE);
                const answers = await Promise.all([redeem(forum, grant), redeem(forum, grant)]);
                expect(answers.map(({ status }) => status).sort()).to.equal([200, 400]);
                const { refresh_token: token } = answers.find(({ status }) => status === 200)!.body as Tokens;
                expectRefused(await refresh(app, token));
            }
        });

        it('is good for ten minutes', async () => {
            const host = await forum.another();
            const [late, inTime] = [await obtainCode(host, app), await obtainCode(host, app)];
            host.now += 599_999;
            expect((await redeem(host, inTime)).status).to.equal(200);
            host.now += 1;
            expectRefused(await redeem(host, late));
            expect(await exchangedAt(late)).to.be.null();
        });

        it('is good for as long as the options say', async () => {
            const host = await forum.another({ lifetimes: { authorizationCode: 30 } });
            const [late, inTime] = [await obtainCode(host, app), await obtainCode(host, app)];
            host.pass(29);
            expect((await redeem(host, inTime)).status).to.equal(200);
            host.pass(1);
            expectRefused(await redeem(host, late));
        });

        it('is refused after its client is deleted, and with it', async () => {
            const gone = await createApp(forum);
            const grant = await obtainCode(forum, gone);
            await forum.as(FRIGG, 'DELETE', `/auth/oauth/clients/${gone.id}`);
            expectRefused(await redeem(forum, grant), 'invalid_client');
            const left = { oauthClientId: gone.id };
            expect(await forum.dataSource.getRepository(OAuthAuthorizationCode).countBy(left)).to.equal(0);
        });
    });

    describe('a failed attempt spends nothing', () => {
        const wrong: [string, Changes, string][] = [
            ['an unknown code', { code: randomBytes(32).toString('base64url') }, 'invalid_grant'],
            ['no code', { code: null }, 'invalid_request'],
            ['no redirect URI', { redirect_uri: null }, 'invalid_request'],
            ['another redirect URI', { redirect_uri: 'https://app.example/other' }, 'invalid_grant'],
            ['a longer redirect URI', { redirect_uri: `${REDIRECT_URI}/` }, 'invalid_grant'],
            ['no verifier', { code_verifier: null }, 'invalid_request'],
            ['an empty verifier', { code_verifier: '' }, 'invalid_request'],
            ['another verifier', { code_verifier: 'x'.repeat(43) }, 'invalid_grant'],
            ['a short verifier', { code_verifier: 'x'.repeat(42) }, 'invalid_request'],
            ['a long verifier', { code_verifier: 'x'.repeat(129) }, 'invalid_request'],
            ['a verifier with other characters', { code_verifier: `${'x'.repeat(43)}+` }, 'invalid_request'],
            ['another resource', { resource: 'https://other.example' }, 'invalid_target'],
            ['another grant type', { grant_type: 'password' }, 'unsupported_grant_type']
        ];
        for (const [what, changes, error] of wrong) {
            it(`with ${what}`, async () => {
                const grant = await obtainCode(forum, app);
                const rows = await countRows(forum.dataSource);
                expectRefused(await redeem(forum, grant, changes), error);
                expect(await exchangedAt(grant)).to.be.null();
                expect(await countRows(forum.dataSource)).to.equal(rows);
                expect((await redeem(forum, grant)).status).to.equal(200);
            });
        }

        it('by another client, nor ends what the code began', async () => {
            const [other, confidential] = [await createApp(forum), await createApp(forum, { type: 'confidential' })];
            const grant = await obtainCode(forum, app, REFRESHABLE);
            for (const thief of [other, confidential]) {
                const rows = await countRows(forum.dataSource);
                expectRefused(await redeem(forum, { ...grant, app: thief }));
                expect(await countRows(forum.dataSource)).to.equal(rows);
            }
            const { refresh_token: token } = (await redeem(forum, grant)).body as Tokens;
            for (const thief of [other, confidential]) {
                expectRefused(await redeem(forum, { ...grant, app: thief }));
            }
            expect((await refresh(app, token)).status).to.equal(200);
        });

        it('by the client without its secret, nor ends what the code began', async () => {
            const confidential = await createApp(forum, { type: 'confidential' });
            const grant = await obtainCode(forum, confidential, REFRESHABLE);
            const attempts: Changes[] = [
                { client_secret: null },
                { client_secret: 'sdoas_wrong' },
                { client_id: null },
                { client_id: 'sdoak_unknown' }
            ];
            for (const changes of attempts) {
                expectRefused(await redeem(forum, grant, changes), 'invalid_client');
            }
            const { refresh_token: token } = (await redeem(forum, grant)).body as Tokens;
            for (const changes of attempts) {
                expectRefused(await redeem(forum, grant, changes), 'invalid_client');
            }
            expect((await refresh(confidential, token)).status).to.equal(200);
        });

        it('while the account may not act', async () => {
            const member = forum.addAccount();
            const grant = await obtainCode(forum, app, REFRESHABLE, member);
            const account = forum.account(member);
            forum.accounts.delete(member);
            expectRefused(await redeem(forum, grant));
            expect(await exchangedAt(grant)).to.be.null();
            forum.accounts.set(member, account);
            expect((await redeem(forum, grant)).status).to.equal(200);
        });

        it('while the client has not got the grant', async () => {
            const limited = await createApp(forum);
            const grant = await obtainCode(forum, limited);
            await changeApp(forum.dataSource, limited, { allowedGrants: 'refresh_token' });
            expectRefused(await redeem(forum, grant), 'unauthorized_client');
            await changeApp(forum.dataSource, limited, { allowedGrants: 'authorization_code' });
            expect((await redeem(forum, grant)).status).to.equal(200);
        });
    });

    describe('its redirect URI', () => {
        it('is that of the authorization request, port included', async () => {
            const native = await createApp(forum, { redirect_uris: ['http://127.0.0.1/cb'] });
            const grant = await obtainCode(forum, native, { redirect_uri: 'http://127.0.0.1:49152/cb' });
            for (const other of ['http://127.0.0.1/cb', 'http://127.0.0.1:49153/cb', 'http://localhost:49152/cb']) {
                expectRefused(await redeem(forum, grant, { redirect_uri: other }));
            }
            expect((await redeem(forum, grant)).status).to.equal(200);
        });
    });

    describe('the client', () => {
        it('authenticates with its secret in the header or in the form, when it is confidential', async () => {
            const confidential = await createApp(forum, { type: 'confidential', pkce_required: false });
            for (const headers of [{}, basicOf(confidential)] as Record<string, string>[]) {
                const answer = await redeem(forum, await obtainCode(forum, confidential, REFRESHABLE), {}, headers);
                expect(answer.status, answer.text).to.equal(200);
                expect((await refresh(confidential, answer.body.refresh_token)).status).to.equal(200);
            }
            const wrong = await redeem(
                forum,
                await obtainCode(forum, confidential),
                {},
                basic(confidential.client_id, 'sdoas_wrong')
            );
            expectRefused(wrong, 'invalid_client');
            expect(wrong.headers['www-authenticate']).to.match(/^Basic/);
        });

        it('proves the challenge also when it is confidential', async () => {
            const confidential = await createApp(forum, { type: 'confidential', pkce_required: false });
            const grant = await obtainCode(forum, confidential);
            expectRefused(await redeem(forum, grant, { code_verifier: null }), 'invalid_request');
            expectRefused(await redeem(forum, grant, { code_verifier: 'y'.repeat(50) }));
            expect((await redeem(forum, grant)).status).to.equal(200);
        });

        it('sends no secret when it is public', async () => {
            const grant = await obtainCode(forum, app);
            expectRefused(await redeem(forum, grant, { client_secret: 'x' }), 'invalid_client');
            expect((await redeem(forum, grant)).status).to.equal(200);
        });
    });

    it('takes verifiers of 43 to 128 unreserved characters', async () => {
        for (const verifier of ['a'.repeat(43), `${'Az09-._~'.repeat(16)}`]) {
            const challenge = createHash('sha256').update(verifier).digest('base64url');
            const grant = await obtainCode(forum, app, { code_challenge: challenge });
            expect((await redeem(forum, { ...grant, verifier })).status).to.equal(200);
        }
    });

    describe('the scope', () => {
        it('is what was approved less what person and client have lost since', async () => {
            const member = forum.addAccount(['USE_OAUTH_CLIENTS', 'CREATE_POST', 'CREATE_REACTION']);
            const shrinking = await createApp(forum);
            const scope = 'openid email offline_access CREATE_POST CREATE_REACTION READ_PUBLISHED_THREADS';
            const grant = await obtainCode(forum, shrinking, { scope }, member);
            forum.account(member).permissions = ['CREATE_REACTION', 'READ_PUBLISHED_THREADS'];
            await forum.as(FRIGG, 'PATCH', `/auth/oauth/clients/${shrinking.id}`, {
                allowed_scopes: [...APP_SCOPES.filter((name) => name !== 'email'), 'READ_PROFILE']
            });
            const { body } = await redeem(forum, grant);
            expect(body.scope).to.equal('openid offline_access CREATE_REACTION');
            expect(claimsOf(body.access_token).scope).to.equal(body.scope);
            const { grantId } = await storedCode(grant);
            const stored = await forum.dataSource.getRepository(OAuthRefreshToken).findOneByOrFail({ grantId });
            expect(stored.scope).to.equal(body.scope);
        });

        it('may be empty', async () => {
            const { body } = await redeem(forum, await obtainCode(forum, app, { scope: null }));
            expect(body.scope).to.equal('');
            expect(claimsOf(body.access_token).scope).to.equal('');
            expect(Object.keys(body).sort()).to.equal(['access_token', 'expires_in', 'scope', 'token_type']);
        });

        it('of an inheriting client is what the person held at the approval, and holds still', async () => {
            const inheriting = await createApp(forum);
            await changeApp(forum.dataSource, inheriting, { scopePolicy: 'inherit' });
            const member = forum.addAccount(['CREATE_POST', 'USE_OAUTH_CLIENTS', 'MANAGE_POSTS']);
            const grant = await obtainCode(forum, inheriting, { scope: 'openid' }, member);
            forum.account(member).permissions = ['CREATE_POST', 'MANAGE_EVENTS'];
            expect((await redeem(forum, grant)).body.scope).to.equal('openid CREATE_POST');

            const demoted = forum.addAccount(['ADMINISTRATOR']);
            const second = await obtainCode(forum, inheriting, { scope: 'openid' }, demoted);
            forum.account(demoted).permissions = ['MANAGE_POSTS', 'CREATE_POST'];
            expect((await redeem(forum, second)).body.scope).to.equal('openid CREATE_POST MANAGE_POSTS');
        });
    });

    describe('the refresh token', () => {
        it('is there with offline_access and for a client that may use it', async () => {
            const has = async (of: App, scope: string): Promise<boolean> => {
                const before = await forum.dataSource.getRepository(OAuthRefreshToken).count();
                const { body } = await redeem(forum, await obtainCode(forum, of, { scope }));
                const grown = (await forum.dataSource.getRepository(OAuthRefreshToken).count()) - before;
                expect(grown).to.equal('refresh_token' in body ? 1 : 0);
                return 'refresh_token' in body;
            };
            expect(await has(app, 'openid offline_access')).to.be.true();
            expect(await has(app, 'offline_access')).to.be.true();
            expect(await has(app, 'openid')).to.be.false();
            const once = await createApp(forum, { allowed_grants: ['authorization_code'] });
            expect(await has(once, 'openid offline_access')).to.be.false();
            const online = await createApp(forum, { allowed_scopes: ['openid', 'CREATE_POST'] });
            expect(await has(online, 'openid offline_access')).to.be.false();
        });

        it('is not there when the client has lost offline_access or the grant since the approval', async () => {
            const losing = await createApp(forum);
            const first = await obtainCode(forum, losing, REFRESHABLE);
            const second = await obtainCode(forum, losing, REFRESHABLE);
            await changeApp(forum.dataSource, losing, { allowedGrants: 'authorization_code' });
            expect((await redeem(forum, first)).body.refresh_token).to.be.undefined();
            await changeApp(forum.dataSource, losing, {
                allowedGrants: 'authorization_code refresh_token',
                allowedScopes: 'openid CREATE_POST'
            });
            const { body } = await redeem(forum, second);
            expect(body.refresh_token).to.be.undefined();
            expect(body.scope).to.equal('openid CREATE_POST');
        });
    });

    describe('the ID token', () => {
        let authTime = Math.floor(START / 1000) - 1234;
        const host = useForum(lab, {
            database: forum,
            options: { session: { strategy: 'session', authTime: () => authTime } }
        });

        async function idToken(changes: Changes, accountId = FRIGG): Promise<Record<string, unknown>> {
            const { body } = await redeem(host, await obtainCode(host, app, changes, accountId));
            return claimsOf(body.id_token);
        }

        const seconds = (): number => Math.floor(host.now / 1000);

        it('tells who signed in, when and for whom', async () => {
            expect(await idToken({ scope: 'openid', nonce: 'n-é"1' })).to.equal({
                iss: ISSUER,
                sub: FRIGG,
                aud: app.client_id,
                iat: seconds(),
                exp: seconds() + 900,
                auth_time: seconds() - 1234,
                nonce: 'n-é"1'
            });
        });

        it('has no nonce where the request had none, and no auth_time where the host does not tell', async () => {
            expect(await idToken({ scope: 'openid' })).to.not.include('nonce');
            const { body } = await redeem(forum, await obtainCode(forum, app, { scope: 'openid', nonce: '' }));
            expect(Object.keys(claimsOf(body.id_token)).sort()).to.equal(['aud', 'exp', 'iat', 'iss', 'sub']);
        });

        it('tells of the person by scope', async () => {
            expect(await idToken({ scope: 'openid profile' })).to.include({
                name: 'Frigg',
                preferred_username: 'frigg'
            });
            expect(await idToken({ scope: 'openid profile' })).to.not.include(['email', 'email_verified']);
            expect(await idToken({ scope: 'openid email' })).to.include({
                email: 'frigg@forum.example',
                email_verified: false
            });
            expect(await idToken({ scope: 'openid email' })).to.not.include(['name', 'preferred_username']);
            expect(await idToken({ scope: 'email openid profile' }, ODIN)).to.include({
                name: 'Odin',
                email: 'odin@forum.example',
                email_verified: true
            });
        });

        it('has no email claims for an account without an email', async () => {
            const claims = await idToken({ scope: 'openid email' }, host.addAccount());
            expect(claims).to.not.include('email');
            expect(claims).to.not.include('email_verified');
        });

        it('is there with openid only', async () => {
            const { body } = await redeem(host, await obtainCode(host, app, { scope: 'profile email', nonce: 'n' }));
            expect(body.id_token).to.be.undefined();
        });

        it('tells when the person signed in at the authorization, not at the approval', async () => {
            const then = authTime;
            const grant = await obtainCode(host, app, { scope: 'openid' });
            authTime += 1000;
            expect(claimsOf((await redeem(host, grant)).body.id_token).auth_time).to.equal(then);
        });

        it('keeps on refresh sub, aud and auth_time, has no nonce, and tells of the person as he is then', async () => {
            const member = host.addAccount();
            const changes = { scope: 'openid profile offline_access', nonce: 'n-1' };
            const { body } = await redeem(host, await obtainCode(host, app, changes, member));
            const first = claimsOf(body.id_token);
            expect(first.nonce).to.equal('n-1');
            authTime += 500;
            host.pass(100);
            host.account(member).name = 'A new name';
            let token = body.refresh_token as string;
            for (let round = 0; round < 2; ++round) {
                const refreshed = await host.refresh(token, { client_id: app.client_id });
                expect(claimsOf(refreshed.body.id_token)).to.equal({
                    iss: ISSUER,
                    sub: member,
                    aud: app.client_id,
                    iat: seconds(),
                    exp: seconds() + 900,
                    auth_time: first.auth_time,
                    name: 'A new name',
                    preferred_username: member
                });
                token = refreshed.body.refresh_token;
            }
        });
    });
});
