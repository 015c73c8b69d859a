import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthAuthorizationCode, OAuthGrant } from '../../entities/index';
import {
    APP_SCOPES,
    answered,
    authorize,
    beginRequest,
    changeApp,
    countRows,
    createApp,
    decideRequest,
    parametersOf,
    pkce,
    readRequest,
    REDIRECT_URI,
    redeem,
    type App,
    type Changes
} from '../support/authorization';
import { claimsOf, Forum, FRIGG, ISSUER, LOKI, ODIN, openDatabase, type Answer } from '../support/forum';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const REFUSED = {
    error: 'invalid_request',
    error_description: 'The request is unknown, expired or already decided'
};

describe('the consent to an authorization request', () => {
    const forum = useForum(lab);
    let app: App;

    before(async () => {
        app = await createApp(forum);
    });

    function expectUnusable(answer: Answer): void {
        expect(answer.status).to.equal(400);
        expect(answer.body).to.equal(REFUSED);
    }

    function codesOf({ id }: App): Promise<number> {
        return forum.dataSource.getRepository(OAuthAuthorizationCode).countBy({ oauthClientId: id });
    }

    it('shows who asks for what, where it goes and until when', async () => {
        const requestId = await beginRequest(forum, app, { scope: 'openid READ_PROFILE CREATE_POST' });
        const { body: client } = await forum.as(FRIGG, 'GET', `/auth/oauth/clients/${app.id}`);
        const answer = await readRequest(forum, FRIGG, requestId);
        expect(answer.status).to.equal(200);
        expect(answer.body).to.equal({
            request_id: requestId,
            client_id: app.client_id,
            client_name: client.name,
            redirect_uri: REDIRECT_URI,
            expires_at: new Date(forum.now + 600_000).toISOString(),
            requested_scopes: ['openid', 'READ_PROFILE', 'CREATE_POST'],
            granted_scopes: ['openid', 'CREATE_POST'],
            inherits_user_permissions: false,
            client_source: 'member',
            verified: true,
            loopback_only: false,
            redirect_host: 'app.example'
        });
        expect((await readRequest(forum, FRIGG, requestId)).body).to.equal(answer.body);
    });

    it('leads back with a code, the state and the issuer', async () => {
        const requestId = await beginRequest(forum, app, { state: 'x=y&z é' });
        const { status, body } = await decideRequest(forum, FRIGG, requestId);
        expect(status).to.equal(200);
        expect(Object.keys(body)).to.equal(['status', 'location']);
        expect(body.status).to.equal('approved');
        expect(String(body.location)).to.startWith(`${REDIRECT_URI}?code=`);
        const { code, ...rest } = Object.fromEntries(new URL(body.location).searchParams);
        expect(rest).to.equal({ state: 'x=y&z é', iss: ISSUER });
        expect(code).to.match(/^[A-Za-z0-9_-]{43}$/);
    });

    it('leads back with access_denied, the state and the issuer', async () => {
        const requestId = await beginRequest(forum, app);
        const codes = await codesOf(app);
        const { status, body } = await decideRequest(forum, FRIGG, requestId, 'deny');
        expect([status, body.status]).to.equal([200, 'denied']);
        const { error_description: description, ...rest } = Object.fromEntries(new URL(body.location).searchParams);
        expect(rest).to.equal({ error: 'access_denied', state: 'the state', iss: ISSUER });
        expect(description).to.be.a.string();
        expect(await codesOf(app)).to.equal(codes);
    });

    it('leads back without a state where the request had none', async () => {
        for (const decision of ['approve', 'deny']) {
            const requestId = await beginRequest(forum, app, { state: null });
            const { body } = await decideRequest(forum, FRIGG, requestId, decision);
            const names = [...new URL(body.location).searchParams.keys()];
            expect(names).to.equal(decision === 'approve' ? ['code', 'iss'] : ['error', 'error_description', 'iss']);
        }
    });

    it('leads back to exactly the redirect URI of the request, port and query included', async () => {
        const uris = ['http://127.0.0.1/cb?x=%7e', 'com.example.app:/Cb?', 'https://app.example/cb'];
        const several = await createApp(forum, { redirect_uris: uris });
        for (const [redirectUri, beginning] of [
            ['http://127.0.0.1:49152/cb?x=%7e', 'http://127.0.0.1:49152/cb?x=%7e&code='],
            ['com.example.app:/Cb?', 'com.example.app:/Cb?code='],
            ['https://app.example/cb', 'https://app.example/cb?code=']
        ] as const) {
            const requestId = await beginRequest(forum, several, { redirect_uri: redirectUri });
            expect((await readRequest(forum, FRIGG, requestId)).body.redirect_uri).to.equal(redirectUri);
            expect(String((await decideRequest(forum, FRIGG, requestId)).body.location)).to.startWith(beginning);
        }
    });

    it('is given once, and shows the same outcome when it is given again', async () => {
        for (const first of ['approve', 'deny']) {
            const requestId = await beginRequest(forum, app);
            const decided = await decideRequest(forum, FRIGG, requestId, first);
            expect(decided.status).to.equal(200);
            const codes = await codesOf(app);
            for (const decision of ['approve', 'deny']) {
                const again = await decideRequest(forum, FRIGG, requestId, decision);
                expect([again.status, again.body]).to.equal([200, decided.body]);
            }
            expectUnusable(await readRequest(forum, FRIGG, requestId));
            expect(await codesOf(app)).to.equal(codes);
        }
    });

    it('is of the account that began, and for others the request does not exist', async () => {
        const requestId = await beginRequest(forum, app);
        for (const other of [ODIN, forum.addAccount()]) {
            expectUnusable(await readRequest(forum, other, requestId));
            expectUnusable(await decideRequest(forum, other, requestId, 'approve'));
            expectUnusable(await decideRequest(forum, other, requestId, 'deny'));
        }
        expectUnusable(await decideRequest(forum, LOKI, requestId, 'deny'));
        expect((await decideRequest(forum, FRIGG, requestId)).body.status).to.equal('approved');
    });

    it('is needed for requests that exist only', async () => {
        const requestId = await beginRequest(forum, app);
        for (const unknown of [
            'cc5lnd2s1s4652adtu50',
            'x',
            `${requestId.slice(0, -1)}0x`,
            requestId.toUpperCase(),
            `${requestId} `,
            `${requestId}\0`,
            "' OR 1=1 -- "
        ]) {
            expectUnusable(await readRequest(forum, FRIGG, unknown));
            expectUnusable(await decideRequest(forum, FRIGG, unknown));
            expectUnusable(await decideRequest(forum, FRIGG, unknown, 'deny'));
        }
        expect((await readRequest(forum, FRIGG, requestId)).status).to.equal(200);
    });

    it('can be given for ten minutes', async () => {
        const host = await forum.another();
        const [late, dropped, inTime] = [
            await beginRequest(host, app),
            await beginRequest(host, app),
            await beginRequest(host, app)
        ];
        host.now += 599_999;
        expect((await readRequest(host, FRIGG, inTime)).status).to.equal(200);
        expect((await decideRequest(host, FRIGG, inTime)).status).to.equal(200);
        host.now += 1;
        expectUnusable(await readRequest(host, FRIGG, late));
        expectUnusable(await decideRequest(host, FRIGG, late));
        expectUnusable(await decideRequest(host, FRIGG, dropped, 'deny'));
    });

    it('grants what was shown and what the person holds and the client is allowed at that moment', async () => {
        const member = forum.addAccount(['USE_OAUTH_CLIENTS', 'CREATE_POST', 'READ_PUBLISHED_THREADS']);
        const shrinking = await createApp(forum);
        const { verifier, challenge } = pkce();
        const scope = 'openid email CREATE_POST READ_PUBLISHED_THREADS CREATE_REACTION';
        const requestId = await beginRequest(forum, shrinking, { scope, code_challenge: challenge }, member);
        expect((await readRequest(forum, member, requestId)).body.granted_scopes).to.equal([
            'openid',
            'email',
            'CREATE_POST',
            'READ_PUBLISHED_THREADS'
        ]);

        forum.account(member).permissions = ['USE_OAUTH_CLIENTS', 'CREATE_REACTION', 'CREATE_POST'];
        await forum.as(FRIGG, 'PATCH', `/auth/oauth/clients/${shrinking.id}`, {
            allowed_scopes: APP_SCOPES.filter((name) => name !== 'email')
        });
        expect((await readRequest(forum, member, requestId)).body.granted_scopes).to.equal(['openid', 'CREATE_POST']);
        const { body } = await decideRequest(forum, member, requestId);
        const code = new URL(body.location).searchParams.get('code')!;

        // What comes back between approval and exchange was not approved.
        forum.account(member).permissions = ['USE_OAUTH_CLIENTS', 'CREATE_POST', 'READ_PUBLISHED_THREADS'];
        const tokens = await redeem(forum, { app: shrinking, code, redirectUri: REDIRECT_URI, verifier });
        expect(tokens.body.scope).to.equal('openid CREATE_POST');
        expect(claimsOf(tokens.body.access_token).scope).to.equal('openid CREATE_POST');
    });

    it('needs the right to approve at reading and approving, but never to deny', async () => {
        const member = forum.addAccount();
        const requestId = await beginRequest(forum, app, {}, member);
        forum.account(member).permissions = ['CREATE_POST'];
        for (const answer of [
            await readRequest(forum, member, requestId),
            await decideRequest(forum, member, requestId),
            await readRequest(forum, member, 'cc5lnd2s1s4652adtu50'),
            await decideRequest(forum, member, 'cc5lnd2s1s4652adtu50')
        ]) {
            expect([answer.status, answer.body.error]).to.equal([400, 'access_denied']);
        }
        const denied = await decideRequest(forum, member, requestId, 'deny');
        expect([denied.status, denied.body.status]).to.equal([200, 'denied']);
        expect(new URL(denied.body.location).searchParams.get('error')).to.equal('access_denied');
    });

    it('is not given for an account that may not act, and can be given when it may again', async () => {
        const member = forum.addAccount();
        const requestId = await beginRequest(forum, app, {}, member);
        const account = forum.account(member);
        forum.accounts.delete(member);
        for (const answer of [
            await readRequest(forum, member, requestId),
            await decideRequest(forum, member, requestId),
            await decideRequest(forum, member, requestId, 'deny')
        ]) {
            expect([answer.status, answer.body.error]).to.equal([401, 'login_required']);
        }
        forum.accounts.set(member, account);
        expect((await decideRequest(forum, member, requestId)).body.status).to.equal('approved');
    });

    describe('when the client has changed since the request', () => {
        it('does not exist once the client is deleted', async () => {
            const gone = await createApp(forum);
            const [first, second] = [await beginRequest(forum, gone), await beginRequest(forum, gone)];
            expect((await forum.as(FRIGG, 'DELETE', `/auth/oauth/clients/${gone.id}`)).status).to.equal(204);
            expectUnusable(await readRequest(forum, FRIGG, first));
            expectUnusable(await decideRequest(forum, FRIGG, first));
            expectUnusable(await decideRequest(forum, FRIGG, second, 'deny'));
        });

        it('cannot be given for a redirect URI that was withdrawn, and leads nowhere when it is refused', async () => {
            const moved = await createApp(forum);
            const requestId = await beginRequest(forum, moved);
            await forum.as(FRIGG, 'PATCH', `/auth/oauth/clients/${moved.id}`, {
                redirect_uris: ['https://app.example/new']
            });
            for (const answer of [
                await readRequest(forum, FRIGG, requestId),
                await decideRequest(forum, FRIGG, requestId)
            ]) {
                expect([answer.status, answer.body.error]).to.equal([400, 'invalid_request']);
            }
            const denied = await decideRequest(forum, FRIGG, requestId, 'deny');
            expect([denied.status, denied.body]).to.equal([200, { status: 'denied' }]);
            expect(await codesOf(moved)).to.equal(0);
        });

        it('can be given for another port of a loopback redirect URI that stands', async () => {
            const native = await createApp(forum, { redirect_uris: ['http://127.0.0.1/cb'] });
            const requestId = await beginRequest(forum, native, { redirect_uri: 'http://127.0.0.1:4000/cb' });
            await forum.as(FRIGG, 'PATCH', `/auth/oauth/clients/${native.id}`, {
                redirect_uris: ['http://127.0.0.1:5000/cb']
            });
            expect(String((await decideRequest(forum, FRIGG, requestId)).body.location)).to.startWith(
                'http://127.0.0.1:4000/cb?code='
            );
        });

        it('cannot be given for a grant that was withdrawn, but refused', async () => {
            const limited = await createApp(forum);
            const requestId = await beginRequest(forum, limited);
            await changeApp(forum.dataSource, limited, { allowedGrants: 'refresh_token' });
            for (const answer of [
                await readRequest(forum, FRIGG, requestId),
                await decideRequest(forum, FRIGG, requestId)
            ]) {
                expect([answer.status, answer.body.error]).to.equal([400, 'unauthorized_client']);
            }
            const denied = await decideRequest(forum, FRIGG, requestId, 'deny');
            expect(String(denied.body.location)).to.startWith(`${REDIRECT_URI}?error=access_denied&`);
        });

        it('shows the name that the client has now', async () => {
            const renamed = await createApp(forum);
            const requestId = await beginRequest(forum, renamed);
            await forum.as(FRIGG, 'PATCH', `/auth/oauth/clients/${renamed.id}`, { name: 'Another name' });
            expect((await readRequest(forum, FRIGG, requestId)).body.client_name).to.equal('Another name');
        });

        it('is lost, or its code is, when the client is deleted at the same instant', async () => {
            for (let round = 0; round < 15; ++round) {
                const gone = await createApp(forum);
                const { verifier, challenge } = pkce();
                const requestId = await beginRequest(forum, gone, { code_challenge: challenge });
                const [decided, deleted] = await Promise.all([
                    decideRequest(forum, FRIGG, requestId),
                    forum.as(FRIGG, 'DELETE', `/auth/oauth/clients/${gone.id}`)
                ]);
                expect(deleted.status).to.equal(204);
                expect([200, 400]).to.include(decided.status);
                expect(await codesOf(gone)).to.equal(0);
                const code = new URL(decided.body.location ?? 'x:/?code=none').searchParams.get('code')!;
                const { status } = await redeem(forum, { app: gone, code, redirectUri: REDIRECT_URI, verifier });
                expect(status).to.equal(401);
            }
        });
    });

    it('is one of two answers, also where the host’s own page sends another on', async () => {
        const member = forum.addAccount();
        const requestId = await beginRequest(forum, app, {}, member);
        forum.account(member).permissions = [];
        const api = forum.server.plugins['hapi-forum-oauth'].authorizationConsent;
        for (const decision of ['Approve', 'approved', 'yes', '', undefined]) {
            const rejected = await expect(
                api.decide(member, requestId, { decision: decision as 'approve' })
            ).to.reject();
            expect(rejected).to.include({ error: 'invalid_request', message: 'The decision must be approve or deny' });
        }
        const grants = forum.dataSource.getRepository(OAuthGrant);
        expect(await grants.countBy({ accountId: member })).to.equal(0);
        expect((await api.decide(member, requestId, { decision: 'deny' })).status).to.equal('denied');
    });

    it('stands as one decision when two tabs decide differently, and what is told is what holds', async () => {
        const outcomes = { approved: 0, denied: 0 };
        for (let round = 0; round < 60; ++round) {
            const { verifier, challenge } = pkce();
            const requestId = await beginRequest(forum, app, { code_challenge: challenge });
            const codes = await codesOf(app);
            const order = round % 2 === 0 ? ['approve', 'deny'] : ['deny', 'approve'];
            // The second tab is later by more and more, so that either decision comes first at times.
            const answers = await Promise.all(
                [...order, ...order].map(async (decision, place) => {
                    await sleep(place % 2 === 0 ? 0 : round);
                    return decideRequest(forum, FRIGG, requestId, decision);
                })
            );
            for (const answer of answers) {
                expect([answer.status, answer.body]).to.equal([200, answers[0]!.body]);
            }
            const { status, location } = answers[0]!.body as { status: 'approved' | 'denied'; location: string };
            outcomes[status] += 1;
            expect(await codesOf(app)).to.equal(codes + (status === 'approved' ? 1 : 0));
            const code = new URL(location).searchParams.get('code');
            expect(code !== null).to.equal(status === 'approved');
            if (code !== null) {
                const tokens = await redeem(forum, { app, code, redirectUri: REDIRECT_URI, verifier });
                expect(tokens.status).to.equal(200);
            }
        }
        expect(outcomes.approved).to.be.above(0);
        expect(outcomes.denied).to.be.above(0);
    });

    it('stands as one code when a hundred tabs approve at once', async () => {
        const requestId = await beginRequest(forum, app);
        const codes = await codesOf(app);
        const answers = await Promise.all(Array.from({ length: 100 }, () => decideRequest(forum, FRIGG, requestId)));
        expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).to.equal(1);
        expect(answers[0]!.status).to.equal(200);
        expect(await codesOf(app)).to.equal(codes + 1);
    });

    it('is told as an event of ids, once, and of no code or state', async () => {
        const host = await forum.another();
        const secrets: string[] = [];
        for (const decision of ['approve', 'deny']) {
            const requestId = await beginRequest(host, app, { state: 'the-secret-state', nonce: 'the-secret-nonce' });
            const { body } = await decideRequest(host, FRIGG, requestId, decision);
            await decideRequest(host, FRIGG, requestId, decision);
            secrets.push(new URL(body.location).searchParams.get('code') ?? 'the-secret-state');
            expect(host.events.at(-1)).to.include({
                type: decision === 'approve' ? 'authorization_approved' : 'authorization_denied',
                authorization_request_id: requestId,
                account_id: FRIGG,
                oauth_client_id: app.id,
                client_id: app.client_id
            });
        }
        expect(host.events).to.have.length(2);
        const told = JSON.stringify(host.events) + host.log.join('\n');
        for (const secret of [...secrets, 'the-secret-nonce']) {
            expect(told).to.not.include(secret);
        }
    });

    it('is asked for each time, on the embedded database too', async () => {
        const embedded = await openDatabase('embedded');
        const host = await Forum.create(embedded.dataSource);
        const own = await createApp(host);
        const ask = (changes: Changes): Promise<Answer> => authorize(host, FRIGG, parametersOf(own, changes));
        for (let round = 0; round < 3; ++round) {
            expect(answered(await ask({ prompt: 'none' })).error).to.equal('consent_required');
            const { verifier, challenge } = pkce();
            const requestId = await beginRequest(host, own, { code_challenge: challenge });
            const answers = await Promise.all(
                ['approve', 'deny', 'approve'].map((decision) => decideRequest(host, FRIGG, requestId, decision))
            );
            expect(new Set(answers.map(({ text }) => text)).size).to.equal(1);
            const code = new URL(answers[0]!.body.location).searchParams.get('code');
            if (code !== null) {
                const tokens = await redeem(host, { app: own, code, redirectUri: REDIRECT_URI, verifier });
                expect(tokens.status).to.equal(200);
            }
        }
        expect(await countRows(embedded.dataSource)).to.include(3);
        await embedded.done();
    });
});
