import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import {
    authorize,
    basicOf,
    bearer,
    beginRequest,
    createApp,
    decideRequest,
    obtainCode,
    parametersOf,
    readRequest,
    redeem,
    signInTo,
    type App
} from '../support/authorization';
import { DEVICE_CODE, FRIGG, ODIN, type Answer } from '../support/forum';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const REFRESHABLE = { scope: 'openid offline_access CREATE_POST' };
const DEVICE = '/oauth/device/consent';

describe('a suspended client', () => {
    const forum = useForum(lab);

    const review = (app: App, change: object): Promise<Answer> =>
        forum.as(ODIN, 'PATCH', `/admin/oauth/clients/${app.id}`, change);

    /** Two ways to stop a client, and how each is undone. */
    const ways: Record<string, (app: App, owner: string) => Promise<() => Promise<unknown>>> = {
        'by an administrator': async (app) => {
            await review(app, { status: 'suspended', suspended_reason: 'Spam' });
            return () => review(app, { status: 'active' });
        },
        'with its owner': (app, owner) => {
            const account = forum.account(owner);
            forum.accounts.delete(owner);
            return Promise.resolve(() => Promise.resolve(forum.accounts.set(owner, account)));
        }
    };

    function expectStopped({ status, body }: Answer): void {
        expect([status, body.error]).to.equal([400, 'unauthorized_client']);
    }

    for (const [way, suspend] of Object.entries(ways)) {
        describe(way, () => {
            it('can do nothing, loses nothing, and goes on once it may', async () => {
                const owner = forum.addAccount();
                const grants = ['authorization_code', DEVICE_CODE, 'refresh_token'];
                const app = await createApp(forum, { allowed_grants: grants }, owner);
                const tokens = await signInTo(forum, app, REFRESHABLE);
                const code = await obtainCode(forum, app);
                const requestId = await beginRequest(forum, app);
                const device = await forum.device({ client_id: app.client_id, scope: 'openid' });
                await forum.as(FRIGG, 'GET', `${DEVICE}?user_code=${device.user_code}`);
                const approved = await forum.device({ client_id: app.client_id, scope: 'openid' });
                await forum.decide(FRIGG, approved.user_code);
                const poll = { grant_type: DEVICE_CODE, client_id: app.client_id };
                const reactivate = await suspend(app, owner);

                const begun = await authorize(forum, FRIGG, parametersOf(app));
                expect(begun.status === 400 ? begun.body.error : new URL(begun.headers.location!).search).to.contain(
                    'unauthorized_client'
                );
                const { client_id } = app;
                expectStopped(await forum.form('/oauth/device_authorization', { client_id, scope: 'openid' }));
                expectStopped(await readRequest(forum, FRIGG, requestId));
                expectStopped(await decideRequest(forum, FRIGG, requestId));
                expectStopped(await forum.as(FRIGG, 'GET', `${DEVICE}?user_code=${device.user_code}`));
                const decision = { user_code: device.user_code, decision: 'approve' };
                expectStopped(await forum.as(FRIGG, 'POST', DEVICE, decision));
                expectStopped(await redeem(forum, code));
                expectStopped(await forum.token({ ...poll, device_code: approved.device_code }));
                expectStopped(await forum.refresh(tokens.refresh_token, { client_id }));
                const userinfo = await forum.as(null, 'GET', '/oauth/userinfo', undefined, bearer(tokens.access_token));
                expect(userinfo.status).to.equal(401);

                await reactivate();
                expect((await readRequest(forum, FRIGG, requestId)).status).to.equal(200);
                expect((await forum.as(FRIGG, 'POST', DEVICE, decision)).status).to.equal(200);
                expect((await redeem(forum, code)).status).to.equal(200);
                expect((await forum.token({ ...poll, device_code: approved.device_code })).status).to.equal(200);
                expect((await forum.refresh(tokens.refresh_token, { client_id })).status).to.equal(200);
            });

            it('is denied, and its tokens are revoked, all the same', async () => {
                const owner = forum.addAccount();
                const grants = ['authorization_code', DEVICE_CODE, 'refresh_token'];
                const app = await createApp(forum, { allowed_grants: grants }, owner);
                const tokens = await signInTo(forum, app, REFRESHABLE);
                const requestId = await beginRequest(forum, app);
                const device = await forum.device({ client_id: app.client_id, scope: 'openid' });
                await forum.as(FRIGG, 'GET', `${DEVICE}?user_code=${device.user_code}`);
                const reactivate = await suspend(app, owner);
                expect((await decideRequest(forum, FRIGG, requestId, 'deny')).body.status).to.equal('denied');
                const decision = { user_code: device.user_code, decision: 'deny' };
                expect((await forum.as(FRIGG, 'POST', DEVICE, decision)).status).to.equal(200);
                const { client_id } = app;
                const revoked = await forum.form('/oauth/revoke', { client_id, token: tokens.refresh_token });
                expect(revoked.status).to.equal(200);
                await reactivate();
                expect((await forum.refresh(tokens.refresh_token, { client_id })).body.error).to.equal('invalid_grant');
            });

            it('learns of no token, and gets none for itself', async () => {
                const owner = forum.addAccount();
                const grants = ['authorization_code', 'refresh_token', 'client_credentials'];
                const app = await createApp(forum, { type: 'confidential', allowed_grants: grants }, owner);
                const tokens = await signInTo(forum, app, REFRESHABLE);
                const isActive = async (token: string): Promise<boolean> =>
                    (await forum.form('/oauth/introspect', { token }, basicOf(app))).body.active;
                expect([await isActive(tokens.access_token), await isActive(tokens.refresh_token)]).to.equal([
                    true,
                    true
                ]);
                const reactivate = await suspend(app, owner);
                expect([await isActive(tokens.access_token), await isActive(tokens.refresh_token)]).to.equal([
                    false,
                    false
                ]);
                expectStopped(await forum.token({ grant_type: 'client_credentials' }, basicOf(app)));
                const wrong = await forum.token({ grant_type: 'client_credentials' }, basicOf({ ...app, secret: 'x' }));
                expect([wrong.status, wrong.body.error]).to.equal([401, 'invalid_client']);
                await reactivate();
                expect(await isActive(tokens.access_token)).to.be.true();
                expect((await forum.token({ grant_type: 'client_credentials' }, basicOf(app))).status).to.equal(200);
            });
        });
    }

    it('is stopped before anything else about its token request is looked at', async () => {
        const app = await createApp(forum);
        await review(app, { status: 'suspended' });
        const requests: Record<string, string>[] = [
            { grant_type: 'nonsense' },
            { grant_type: 'refresh_token', refresh_token: 'x' }
        ];
        for (const fields of requests) {
            expectStopped(await forum.token({ ...fields, client_id: app.client_id }));
        }
    });

    it('of an account that may not act itself gets the errors for that account', async () => {
        const member = forum.addAccount();
        const app = await createApp(forum, {}, member);
        const tokens = await signInTo(forum, app, REFRESHABLE, member);
        const code = await obtainCode(forum, app, {}, member);
        const account = forum.account(member);
        forum.accounts.delete(member);
        expect((await redeem(forum, code)).body.error).to.equal('invalid_grant');
        const { client_id } = app;
        expect((await forum.refresh(tokens.refresh_token, { client_id })).body.error).to.equal('invalid_grant');
        forum.accounts.set(member, account);
        expect((await redeem(forum, code)).status).to.equal(200);
    });

    it('shows its error, and never redirects to it, signed in or not', async () => {
        const app = await createApp(forum);
        await review(app, { status: 'suspended' });
        for (const account of [FRIGG, null]) {
            for (const prompt of [null, 'none']) {
                const shown = await authorize(forum, account, parametersOf(app, { prompt }));
                expectStopped(shown);
                expect([shown.headers.location, shown.body.location]).to.equal([undefined, undefined]);
            }
        }
    });

    it('can be read and changed by its owner, but not deleted or given a secret', async () => {
        const owner = forum.addAccount();
        const app = await createApp(forum, { type: 'confidential' }, owner);
        const before = forum.events.length;
        const suspended = await review(app, { status: 'suspended', suspended_reason: 'Sends spam' });
        expect(suspended.body).to.include({ status: 'suspended', suspended_reason: 'Sends spam' });
        expect(forum.events.slice(before).map(({ type }) => type)).to.equal(['client_updated', 'client_suspended']);
        const path = `/auth/oauth/clients/${app.id}`;
        const read = await forum.as(owner, 'GET', path);
        expect([read.status, read.body.status, read.body.suspended_reason]).to.equal([200, 'suspended', 'Sends spam']);
        expect((await forum.as(owner, 'PATCH', path, { name: 'Better' })).status).to.equal(200);
        for (const [method, url] of [
            ['DELETE', path],
            ['POST', `${path}/secret`]
        ] as const) {
            const answer = await forum.as(owner, method, url);
            expect([answer.status, answer.body.error]).to.equal([409, 'conflict']);
        }
        expect((await forum.as(owner, 'PATCH', path, { status: 'active' })).status).to.equal(400);

        const active = await review(app, { status: 'active' });
        expect(active.body).to.include({ status: 'active' }).and.not.include('suspended_reason');
        expect(forum.events.at(-1)!.type).to.equal('client_reactivated');
        expect((await forum.as(owner, 'DELETE', path)).status).to.equal(204);
    });

    it('is not deleted or given a secret by its owner at the moment of its suspension', async () => {
        const app = await createApp(forum, { type: 'confidential' }, FRIGG);
        const path = `/auth/oauth/clients/${app.id}`;
        for (const [method, url] of [
            ['DELETE', path],
            ['POST', `${path}/secret`]
        ] as const) {
            await review(app, { status: 'active' });
            const runner = forum.dataSource.createQueryRunner();
            await runner.startTransaction();
            await runner.query("UPDATE oauth_clients SET status = 'suspended' WHERE id = ?", [app.id]);
            const [answer] = await Promise.all([
                forum.as(FRIGG, method, url, method === 'POST' ? { overlap_seconds: 0 } : undefined),
                // Long enough for the request to wait for the row.
                sleep(200).then(() => runner.commitTransaction())
            ]);
            await runner.release();
            expect([answer.status, (await forum.as(FRIGG, 'GET', path)).body.status], url).to.equal([409, 'suspended']);
        }
    });

    it('has a reason only while it is suspended, of at most 500 characters', async () => {
        const app = await createApp(forum);
        for (const change of [
            { suspended_reason: 'Spam' },
            { status: 'active', suspended_reason: 'Spam' },
            { status: 'suspended', suspended_reason: 'x'.repeat(501) },
            { status: 'suspended', suspended_reason: '' },
            { status: 'gone' }
        ]) {
            const answer = await review(app, change);
            expect([answer.status, answer.body.error], JSON.stringify(change)).to.equal([400, 'invalid_request']);
        }
        await review(app, { status: 'suspended', suspended_reason: '\u{1f6ab}'.repeat(500) });
        expect((await review(app, { suspended_reason: null })).body).not.to.include('suspended_reason');
    });
});
