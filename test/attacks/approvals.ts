import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthGrant } from '../../entities';
import {
    APP_SCOPES,
    beginRequest,
    createApp,
    decideRequest,
    obtainCode,
    pkce,
    readRequest,
    redeem,
    REDIRECT_URI,
    type App
} from '../support/authorization';
import { DEVICE_CODE, FRIGG, ODIN, type Answer } from '../support/forum';
import { numberOf } from '../support/exploration';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const DEVICE = '/oauth/device/consent';

/** `APPROVAL_ROUNDS=1000 npm test -- test/attacks/approvals.ts` for more. */
const ROUNDS = numberOf('APPROVAL_ROUNDS') ?? 60;
const ASKED = 'openid email offline_access CREATE_POST';

/** A request for consent, of either kind, with the ways to show and to approve it, and to use the approval. */
interface Asking {
    shown: () => Promise<string[]>;
    approve: () => Promise<Answer>;
    exchange: () => Promise<Answer>;
}

describe('attacks on approvals', () => {
    const forum = useForum(lab);
    let app: App;

    before(async () => {
        app = await createApp(forum);
    });

    const kinds: Record<string, (of: App, accountId: string, scope: string) => Promise<Asking>> = {
        'an authorization request': async (of, accountId, scope) => {
            const { verifier, challenge } = pkce();
            const requestId = await beginRequest(forum, of, { scope, code_challenge: challenge }, accountId);
            let code = '';
            return {
                shown: async () => (await readRequest(forum, accountId, requestId)).body.granted_scopes,
                approve: async () => {
                    const decided = await decideRequest(forum, accountId, requestId);
                    code = new URL(String(decided.body.location ?? 'x:/')).searchParams.get('code') ?? '';
                    return decided;
                },
                exchange: () => redeem(forum, { app: of, code, redirectUri: REDIRECT_URI, verifier })
            };
        },
        'a device authorization': async (of, accountId, scope) => {
            const device = await forum.device({ client_id: of.client_id, scope });
            return {
                shown: async () =>
                    (await forum.as(accountId, 'GET', `${DEVICE}?user_code=${device.user_code}`)).body.granted_scopes,
                approve: () =>
                    forum.as(accountId, 'POST', DEVICE, { user_code: device.user_code, decision: 'approve' }),
                exchange: () =>
                    forum.token({
                        grant_type: DEVICE_CODE,
                        client_id: of.client_id,
                        device_code: device.device_code
                    })
            };
        }
    };

    const createBoth = (allowed: string[]): Promise<App> =>
        createApp(forum, {
            allowed_grants: ['authorization_code', DEVICE_CODE, 'refresh_token'],
            allowed_scopes: allowed
        });
    const allow = (of: App, allowed: string[]): Promise<Answer> =>
        forum.as(FRIGG, 'PATCH', `/auth/oauth/clients/${of.id}`, { allowed_scopes: allowed });

    for (const [kind, ask] of Object.entries(kinds)) {
        const isDevice = kind.includes('device');

        it(`${kind} grants no more than was shown, although its client is allowed more by then`, async () => {
            const growing = await createBoth(isDevice ? APP_SCOPES : ['openid']);
            const asking = await ask(growing, FRIGG, ASKED);
            await allow(growing, ['openid']);
            expect(await asking.shown()).to.equal(['openid']);
            await allow(growing, APP_SCOPES);
            expect((await asking.approve()).status).to.equal(200);
            expect((await asking.exchange()).body.scope).to.equal('openid');
        });

        it(`${kind} grants no more than the last of its pages shows`, async () => {
            const changing = await createBoth(APP_SCOPES);
            const asking = await ask(changing, FRIGG, ASKED);
            expect(await asking.shown()).to.equal(ASKED.split(' '));
            await allow(changing, ['openid', 'email']);
            expect(await asking.shown()).to.equal(['openid', 'email']);
            await allow(changing, APP_SCOPES);
            expect(await asking.shown()).to.equal(['openid', 'email']);
            expect((await asking.approve()).status).to.equal(200);
            expect((await asking.exchange()).body.scope).to.equal('openid email');
        });

        it(`${kind} gives no administrator permission to a person who was promoted since it was shown`, async () => {
            const powerful = await createApp(
                forum,
                {
                    allowed_grants: ['authorization_code', DEVICE_CODE, 'refresh_token'],
                    allowed_scopes: ['openid', 'ADMINISTRATOR', 'CREATE_POST']
                },
                ODIN
            );
            const member = forum.addAccount(['USE_OAUTH_CLIENTS', 'CREATE_POST']);
            const asking = await ask(powerful, member, 'openid ADMINISTRATOR CREATE_POST');
            expect(await asking.shown()).to.equal(['openid', 'CREATE_POST']);
            forum.account(member).permissions = ['ADMINISTRATOR'];
            expect(await asking.shown()).to.equal(['openid', 'CREATE_POST']);
            expect((await asking.approve()).status).to.equal(200);
            expect((await asking.exchange()).body.scope).to.equal('openid CREATE_POST');
        });

        it(`${kind} that was approved is worth nothing once its member has disconnected the application`, async () => {
            const connected = await createBoth(APP_SCOPES);
            const member = forum.addAccount();
            const asking = await ask(connected, member, 'openid offline_access');
            await asking.shown();
            await asking.approve();
            const before = forum.events.length;
            const path = `/auth/oauth/tokens?oauth_client_id=${connected.id}`;
            expect((await forum.as(member, 'DELETE', path)).status).to.equal(204);
            const exchanged = await asking.exchange();
            expect([exchanged.status, exchanged.body.error]).to.equal([400, 'invalid_grant']);
            const [grant] = await forum.dataSource
                .getRepository(OAuthGrant)
                .findBy({ accountId: member, oauthClientId: connected.id });
            expect(grant).to.include({ endReason: 'revoked_by_account', exchangedAt: null });
            expect(forum.events.slice(before).map(({ at: _at, ...event }) => event)).to.equal([
                {
                    type: 'grant_revoked',
                    reason: 'revoked_by_account',
                    account_id: member,
                    oauth_client_id: connected.id,
                    grant_id: grant!.id
                }
            ]);
        });
    }

    it('a code is worth nothing after its redirect URI was withdrawn', async () => {
        const withdrawing = await createApp(forum, { redirect_uris: [REDIRECT_URI, 'https://app.example/new'] });
        const grant = await obtainCode(forum, withdrawing);
        const change = (uris: string[]): Promise<Answer> =>
            forum.as(FRIGG, 'PATCH', `/auth/oauth/clients/${withdrawing.id}`, { redirect_uris: uris });
        await change(['https://app.example/new']);
        const refused = await redeem(forum, grant);
        expect([refused.status, refused.body.error]).to.equal([400, 'invalid_grant']);
        await change([REDIRECT_URI]);
        expect((await redeem(forum, grant)).status).to.equal(200);
    });

    it('a repeated approval leads to the same code, and once that was exchanged, to none', async () => {
        const { verifier, challenge } = pkce();
        const requestId = await beginRequest(forum, app, { code_challenge: challenge });
        const first = await decideRequest(forum, FRIGG, requestId);
        const second = await decideRequest(forum, FRIGG, requestId);
        expect([second.status, second.body]).to.equal([200, first.body]);
        const code = new URL(first.body.location).searchParams.get('code')!;
        const tokens = await redeem(forum, { app, code, redirectUri: REDIRECT_URI, verifier });
        expect(tokens.status).to.equal(200);
        const third = await decideRequest(forum, FRIGG, requestId);
        expect([third.status, third.body]).to.equal([200, { status: 'approved' }]);
    });

    it('a repeated approval finds its code also after the secret was replaced', async () => {
        const [old, fresh] = ['first '.repeat(8), 'second '.repeat(8)];
        const before = await forum.another({ secret: old });
        const after = await forum.another({ secret: [fresh, old] });
        const requestId = await beginRequest(before, app);
        const first = await decideRequest(before, FRIGG, requestId);
        expect((await decideRequest(after, FRIGG, requestId)).body).to.equal(first.body);
        const without = await forum.another({ secret: fresh });
        expect((await decideRequest(without, FRIGG, requestId)).body).to.equal({ status: 'approved' });
    });

    it(
        'no token is issued for an approval that was revoked, however decision, disconnect and exchange meet',
        { timeout: 0 },
        async () => {
            const racing = await createBoth(APP_SCOPES);
            const member = forum.addAccount();
            const path = `/auth/oauth/tokens?oauth_client_id=${racing.id}`;
            const outcomes = { refused: 0, revoked: 0, kept: 0 };
            for (let round = 0; round < ROUNDS; ++round) {
                const asking = await Object.values(kinds)[round % 2]!(racing, member, 'openid offline_access');
                await asking.shown();
                const disconnect = (): Promise<Answer> => forum.as(member, 'DELETE', path);
                // In turn: with the decision, and with the exchange.
                const meeting = round % 4 < 2 ? [asking.approve(), disconnect()] : [];
                const [decided] = await Promise.all(meeting.length > 0 ? meeting : [asking.approve()]);
                expect(decided!.status).to.equal(200);
                const [exchanged] = await Promise.all([
                    asking.exchange(),
                    ...(meeting.length > 0 ? [] : [disconnect()])
                ]);
                const [grant] = await forum.dataSource
                    .getRepository(OAuthGrant)
                    .find({ where: { accountId: member, oauthClientId: racing.id }, order: { id: 'DESC' }, take: 1 });
                if (exchanged.status !== 200) {
                    expect(exchanged.body.error).to.equal('invalid_grant');
                    expect(grant!.endedAt).not.to.be.null();
                    outcomes.refused += 1;
                    continue;
                }
                const refreshed = await forum.refresh(exchanged.body.refresh_token, { client_id: racing.client_id });
                expect(refreshed.status).to.equal(grant!.endedAt === null ? 200 : 400);
                outcomes[grant!.endedAt === null ? 'kept' : 'revoked'] += 1;
                await disconnect();
            }
            expect(outcomes.refused).to.be.above(0);
            expect(outcomes.kept + outcomes.revoked).to.be.above(0);
        }
    );
});
