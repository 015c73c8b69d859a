import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { Forum } from '../support/forum';
import { claimsOf, CLI, DEVICE_CODE, FRIGG, LOKI, ODIN, unique, type Answer } from '../support/forum';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

for (const kind of ['server', 'embedded'] as const) {
    describe(`the device flow (${kind} database)`, () => {
        const forum = useForum(lab, { database: kind });

        it('leads from an empty database to tokens', async () => {
            const device = await forum.device();
            const poll = { grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: device.device_code };
            const pending = await forum.token(poll);
            expect(pending.status).to.equal(400);
            expect(pending.body.error, pending.text).to.equal('authorization_pending');

            const shown = await forum.as(FRIGG, 'GET', `/oauth/device/consent?user_code=${device.user_code}`);
            expect(shown.status, shown.text).to.equal(200);
            expect(shown.body.client_name).to.equal('Storyden');
            const decided = await forum.decide(FRIGG, device.user_code);
            expect(decided.body).to.equal({ status: 'approved' });

            const tokens = await forum.token(poll);
            expect(tokens.status, tokens.text).to.equal(200);
            expect(tokens.body.scope).to.equal(
                'openid profile offline_access CREATE_POST READ_PUBLISHED_THREADS CREATE_REACTION READ_PROFILE USE_OAUTH_CLIENTS'
            );
            expect(tokens.body.token_type).to.equal('Bearer');
            expect(claimsOf(tokens.body.access_token as string)).to.include({
                sub: FRIGG,
                client_id: 'storyden-cli',
                scope: tokens.body.scope
            });
            expect(claimsOf(tokens.body.id_token as string)).to.include({ sub: FRIGG, aud: 'storyden-cli' });
            const refreshed = await forum.refresh(tokens.body.refresh_token as string);
            expect(refreshed.status, refreshed.text).to.equal(200);
            expect((await forum.token(poll)).body.error).to.equal('invalid_grant');
            const list = await forum.as(FRIGG, 'GET', '/auth/oauth/tokens');
            expect(list.body.tokens.length).to.equal(2);
        });
    });
}

describe('a poll with a device code', () => {
    const forum = useForum(lab);
    const embedded = useForum(lab, { database: 'embedded' });

    const poll = (deviceCode: string, clientId = CLI.client_id): Promise<Answer> =>
        forum.token({ grant_type: DEVICE_CODE, client_id: clientId, device_code: deviceCode });

    const grants = async (): Promise<number> => {
        const [row] = await forum.dataSource.query('SELECT COUNT(*) AS n FROM oauth_grants');
        return Number(row.n);
    };

    const publicClient = async (accountId: string, scopes: string[], grantTypes?: string[]) => {
        const { client } = await forum.createClient(accountId, {
            type: 'public',
            allowed_grants: grantTypes ?? [DEVICE_CODE, 'refresh_token'],
            allowed_scopes: scopes
        });
        return client;
    };

    it('waits at its own pace', async () => {
        const { device_code: code } = await forum.device();
        for (let polls = 0; polls < 4; ++polls) {
            expect((await poll(code)).body.error).to.equal('authorization_pending');
            forum.pass(5);
        }
    });

    it('may come half a second early, and no more', async () => {
        const { device_code: code } = await forum.device();
        await poll(code);
        forum.pass(4.5);
        expect((await poll(code)).body.error).to.equal('authorization_pending');
        forum.pass(4.499);
        expect((await poll(code)).body.error).to.equal('slow_down');
    });

    it('is slowed down by five seconds more each time, for good', async () => {
        const { device_code: code } = await forum.device();
        const after = async (seconds: number): Promise<string> => {
            forum.pass(seconds);
            const { status, body } = await poll(code);
            expect(status).to.equal(400);
            return body.error as string;
        };
        expect(await after(0)).to.equal('authorization_pending');
        expect(await after(1)).to.equal('slow_down'); // 10 s from here
        expect(await after(9.499)).to.equal('slow_down'); // 15 s
        expect(await after(14.5)).to.equal('authorization_pending');
        expect(await after(14.4)).to.equal('slow_down'); // 20 s
        expect(await after(60)).to.equal('authorization_pending');
        expect(await after(19.4)).to.equal('slow_down'); // 25 s: the long wait has forgiven nothing
        expect(await after(24.5)).to.equal('authorization_pending');
    });

    it('counts the interval from an early poll, too', async () => {
        const { device_code: code } = await forum.device();
        await poll(code);
        forum.pass(4);
        expect((await poll(code)).body.error).to.equal('slow_down');
        forum.pass(9);
        expect((await poll(code)).body.error).to.equal('slow_down');
    });

    it('is not taken for early because the clock was set back', async () => {
        const { device_code: code } = await forum.device();
        expect((await poll(code)).body.error).to.equal('authorization_pending');
        forum.pass(5 - 60);
        expect((await poll(code)).body.error).to.equal('authorization_pending');
        forum.pass(4);
        expect((await poll(code)).body.error).to.equal('slow_down');
        forum.pass(60);
    });

    it('uses the interval of the options', async () => {
        const slow = await forum.another({ lifetimes: { devicePollInterval: 30 } });
        const { body } = await slow.form('/oauth/device_authorization', CLI);
        expect(body.interval).to.equal(30);
        const fields = { grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: body.device_code as string };
        await slow.token(fields);
        slow.pass(29.4);
        expect((await slow.token(fields)).body.error).to.equal('slow_down');
    });

    it('of twenty at the same instant has one that is on time', async () => {
        const { device_code: code } = await forum.device();
        const answers = await Promise.all(Array.from({ length: 20 }, () => poll(code)));
        const errors = answers.map(({ body }) => body.error as string);
        expect(errors.filter((error) => error === 'authorization_pending').length).to.equal(1);
        expect(errors.filter((error) => error === 'slow_down').length).to.equal(19);
        forum.pass(5 + 19 * 5 - 0.501);
        expect((await poll(code)).body.error).to.equal('slow_down');
    });

    it('is answered with tokens at once when the code is approved', async () => {
        const { device_code: code, user_code: userCode } = await forum.device();
        await poll(code);
        expect((await poll(code)).body.error).to.equal('slow_down');
        await forum.decide(FRIGG, userCode);
        expect((await poll(code)).status).to.equal(200);
    });

    it('learns that the code is denied, for as long as it asks', async () => {
        const { device_code: code, user_code: userCode } = await forum.device();
        await forum.decide(FRIGG, userCode, 'deny');
        for (const seconds of [0, 0, 300, 601]) {
            forum.pass(seconds);
            const { status, body } = await poll(code);
            expect(status).to.equal(400);
            expect(body.error).to.equal('access_denied');
        }
    });

    it('learns that the code has expired, at the second it does and for at least an hour', async () => {
        const { device_code: code } = await forum.device();
        forum.pass(599.999);
        expect((await poll(code)).body.error).to.equal('authorization_pending');
        forum.pass(0.001);
        expect((await poll(code)).body.error).to.equal('expired_token');
        forum.pass(3600);
        expect((await poll(code)).body.error).to.equal('expired_token');
    });

    it('is too late for a code that was approved in time', async () => {
        const { device_code: code, user_code: userCode } = await forum.device();
        await forum.decide(FRIGG, userCode);
        forum.pass(600);
        expect((await poll(code)).body.error).to.equal('expired_token');
    });

    it('cannot tell an unknown code from a used or a foreign one', async () => {
        const { client_id: foreigner } = await publicClient(FRIGG, ['CREATE_POST']);
        const used = await forum.device();
        await forum.decide(FRIGG, used.user_code);
        expect((await poll(used.device_code)).status).to.equal(200);
        const approved = await forum.device();
        await forum.decide(FRIGG, approved.user_code);
        const denied = await forum.device();
        await forum.decide(FRIGG, denied.user_code, 'deny');
        const pending = await forum.device();
        const before = await grants();

        const answers = [
            await poll('x'.repeat(43)),
            await poll('\0'),
            await poll(used.device_code),
            await poll(approved.device_code, foreigner),
            await poll(denied.device_code, foreigner),
            await poll(pending.device_code, foreigner)
        ];
        for (const { status, text } of answers) {
            expect(status).to.equal(400);
            expect(text).to.equal(answers[0]!.text);
        }
        expect(answers[0]!.body.error).to.equal('invalid_grant');
        expect(await grants()).to.equal(before);

        // The foreigner has neither spent a code nor slowed its owner down.
        expect((await poll(pending.device_code)).body.error).to.equal('authorization_pending');
        expect((await poll(approved.device_code)).status).to.equal(200);
        // A used one stays used when its time is over.
        forum.pass(601);
        expect((await poll(used.device_code)).body.error).to.equal('invalid_grant');
    });

    it('needs a device code', async () => {
        const { status, body } = await forum.token({ grant_type: DEVICE_CODE, client_id: CLI.client_id });
        expect(status).to.equal(400);
        expect(body.error).to.equal('invalid_request');
    });

    it('may name this server as the resource, and no other', async () => {
        const device = await forum.device();
        await forum.decide(FRIGG, device.user_code);
        const fields = { grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: device.device_code };
        const other = await forum.token({ ...fields, resource: 'https://other.example' });
        expect(other.body.error).to.equal('invalid_target');
        const ours = await forum.token({ ...fields, resource: 'https://forum.example/' });
        expect(ours.status, ours.text).to.equal(200);
    });

    it('exchanges an approved code once, however many ask at the same instant', async () => {
        const accountId = forum.addAccount();
        const device = await forum.device();
        await forum.decide(accountId, device.user_code);
        const issued = forum.events.filter(({ type }) => type === 'token_issued').length;
        const before = await grants();

        const answers = await Promise.all(Array.from({ length: 200 }, () => poll(device.device_code)));
        const winners = answers.filter(({ status }) => status === 200);
        expect(winners.length).to.equal(1);
        expect(answers.filter(({ status, body }) => status === 400 && body.error === 'invalid_grant').length).to.equal(
            199
        );
        expect(await grants()).to.equal(before);
        expect(forum.events.filter(({ type }) => type === 'token_issued').length).to.equal(issued + 1);
        const list = await forum.as(accountId, 'GET', '/auth/oauth/tokens');
        expect(list.body.tokens.length).to.equal(1);
        // The losers have not ended what the winner was given.
        expect((await forum.refresh(winners[0]!.body.refresh_token as string)).status).to.equal(200);
    });

    it('exchanges once on the embedded database, too', async () => {
        const device = await embedded.device();
        await embedded.decide(FRIGG, device.user_code);
        const fields = { grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: device.device_code };
        const answers = await Promise.all(Array.from({ length: 50 }, () => embedded.token(fields)));
        expect(answers.filter(({ status }) => status === 200).length).to.equal(1);
        expect(answers.filter(({ body }) => body.error === 'invalid_grant').length).to.equal(49);
    });

    it('exchanges once between two processes', async () => {
        const second = await openTwin();
        const device = await forum.device();
        await forum.decide(FRIGG, device.user_code);
        const fields = { grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: device.device_code };
        const answers = await Promise.all(
            Array.from({ length: 20 }, (_, place) => (place % 2 === 0 ? forum : second).token(fields))
        );
        expect(answers.filter(({ status }) => status === 200).length).to.equal(1);
        expect(answers.filter(({ body }) => body.error === 'invalid_grant').length).to.equal(19);
        await second.stop();
    });

    async function openTwin(): Promise<Forum> {
        const twin = await forum.another();
        twin.now = forum.now;
        return twin;
    }

    it('grants less than was approved when the account has lost a permission since, and never more', async () => {
        const accountId = forum.addAccount(['USE_OAUTH_CLIENTS', 'CREATE_POST', 'READ_PROFILE']);
        const device = await forum.device();
        await forum.decide(accountId, device.user_code);
        forum.account(accountId).permissions = ['READ_PROFILE', 'ADMINISTRATOR'];
        const { body } = await poll(device.device_code);
        // An administrator still holds all that was approved, and is given no more.
        expect(body.scope).to.equal('openid profile offline_access CREATE_POST READ_PROFILE USE_OAUTH_CLIENTS');

        const second = await forum.device();
        forum.account(accountId).permissions = ['USE_OAUTH_CLIENTS', 'CREATE_POST', 'READ_PROFILE'];
        await forum.decide(accountId, second.user_code);
        forum.account(accountId).permissions = ['READ_PROFILE', 'MANAGE_POSTS'];
        const narrowed = await poll(second.device_code);
        expect(narrowed.body.scope).to.equal('openid profile offline_access READ_PROFILE');
        expect(claimsOf(narrowed.body.access_token as string).scope).to.equal(narrowed.body.scope);
        // What was lost between approval and exchange does not come back.
        forum.account(accountId).permissions = ['READ_PROFILE', 'CREATE_POST'];
        const refreshed = await forum.refresh(narrowed.body.refresh_token as string);
        expect(refreshed.body.scope).to.equal('openid profile offline_access READ_PROFILE');
    });

    it('leaves a demoted administrator the permissions that are left', async () => {
        const accountId = forum.addAccount(['ADMINISTRATOR', 'CREATE_POST']);
        const device = await forum.device();
        await forum.decide(accountId, device.user_code);
        forum.account(accountId).permissions = ['CREATE_POST', 'READ_PROFILE'];
        const { body } = await poll(device.device_code);
        expect(body.scope.split(' ').sort()).to.equal(
            ['openid', 'profile', 'offline_access', 'CREATE_POST', 'READ_PROFILE'].sort()
        );
    });

    it('grants less than was approved when the client is allowed less since', async () => {
        const client = await publicClient(FRIGG, ['openid', 'offline_access', 'CREATE_POST', 'READ_PROFILE']);
        const device = await forum.device({
            client_id: client.client_id,
            scope: 'READ_PROFILE offline_access CREATE_POST openid'
        });
        await forum.decide(FRIGG, device.user_code);
        const { status } = await forum.as(FRIGG, 'PATCH', `/auth/oauth/clients/${client.id}`, {
            allowed_scopes: ['READ_PROFILE']
        });
        expect(status).to.equal(200);
        const { body } = await poll(device.device_code, client.client_id);
        expect(body.scope).to.equal('READ_PROFILE');
        expect(body).to.not.include('id_token');
        expect(body).to.not.include('refresh_token');
    });

    it('yields a refresh token only with offline_access and to a client that may use it', async () => {
        const scope = 'offline_access CREATE_POST';
        const without = await publicClient(FRIGG, ['offline_access', 'CREATE_POST'], [DEVICE_CODE]);
        const tokens = await forum.signIn(FRIGG, { client_id: without.client_id, scope });
        expect(tokens.scope).to.equal(scope);
        expect(tokens).to.not.include('refresh_token');

        const may = await publicClient(FRIGG, ['offline_access', 'CREATE_POST']);
        expect(await forum.signIn(FRIGG, { client_id: may.client_id, scope })).to.include('refresh_token');
        const unasked = await forum.signIn(FRIGG, { client_id: may.client_id, scope: 'CREATE_POST' });
        expect(unasked).to.not.include('refresh_token');
        expect(unasked).to.not.include('id_token');
    });

    it('grants nothing when nothing was asked for', async () => {
        const client = await publicClient(FRIGG, ['CREATE_POST', 'openid']);
        const tokens = await forum.signIn(FRIGG, { client_id: client.client_id });
        expect(tokens.scope).to.equal('');
        expect(claimsOf(tokens.access_token).scope).to.equal('');
    });

    it('leaves out silently what the account lacks', async () => {
        const client = await publicClient(ODIN, ['openid', 'CREATE_POST', 'MANAGE_POSTS', 'ADMINISTRATOR']);
        const tokens = await forum.signIn(FRIGG, {
            client_id: client.client_id,
            scope: 'MANAGE_POSTS openid ADMINISTRATOR CREATE_POST'
        });
        expect(tokens.scope).to.equal('openid CREATE_POST');
        const all = await forum.signIn(ODIN, {
            client_id: client.client_id,
            scope: 'MANAGE_POSTS openid ADMINISTRATOR CREATE_POST'
        });
        expect(all.scope).to.equal('MANAGE_POSTS openid ADMINISTRATOR CREATE_POST');
    });

    it('writes what an administrator inherits as the host lists it', async () => {
        expect((await forum.signIn(ODIN)).scope).to.equal('openid profile offline_access ADMINISTRATOR');
    });

    it('is denied while the account that approved may not act, and goes on when it may again', async () => {
        const accountId = forum.addAccount();
        const account = forum.account(accountId);
        const device = await forum.device();
        await forum.decide(accountId, device.user_code);
        forum.accounts.delete(accountId);
        for (let polls = 0; polls < 3; ++polls) {
            const { status, body } = await poll(device.device_code);
            expect(status).to.equal(400);
            expect(body.error).to.equal('access_denied');
        }
        forum.accounts.set(accountId, account);
        const { status, body } = await poll(device.device_code);
        expect(status).to.equal(200);
        expect(claimsOf(body.access_token as string).sub).to.equal(accountId);
    });

    it('does not ask whether the account may still approve: it has approved', async () => {
        const accountId = forum.addAccount();
        const device = await forum.device();
        await forum.decide(accountId, device.user_code);
        forum.account(accountId).permissions = ['CREATE_POST'];
        const { body } = await poll(device.device_code);
        expect(body.scope).to.equal('openid profile offline_access CREATE_POST');
    });

    it('of a deleted client is refused as the client', async () => {
        const client = await publicClient(FRIGG, ['CREATE_POST']);
        const device = await forum.device({ client_id: client.client_id, scope: 'CREATE_POST' });
        await forum.decide(FRIGG, device.user_code);
        expect((await forum.as(FRIGG, 'DELETE', `/auth/oauth/clients/${client.id}`)).status).to.equal(204);
        const { status, body } = await poll(device.device_code, client.client_id);
        expect(status).to.equal(401);
        expect(body.error).to.equal('invalid_client');
        const shown = await forum.as(FRIGG, 'GET', `/oauth/device/consent?user_code=${device.user_code}`);
        expect(shown.body.error).to.equal('invalid_request');
    });

    it('of a client that has another grant only is unauthorized_client', async () => {
        const { client } = await forum.createClient(FRIGG, {
            type: 'public',
            allowed_grants: ['authorization_code'],
            allowed_scopes: ['CREATE_POST'],
            redirect_uris: ['https://app.example/cb'],
            pkce_required: true
        });
        const { status, body } = await poll('x', client.client_id);
        expect(status).to.equal(400);
        expect(body.error).to.equal('unauthorized_client');
    });

    it('spends nothing when it fails at its last statement', async () => {
        const device = await forum.device();
        await forum.decide(FRIGG, device.user_code);
        await forum.dataSource.query('RENAME TABLE oauth_refresh_tokens TO away');
        const failed = await poll(device.device_code);
        await forum.dataSource.query('RENAME TABLE away TO oauth_refresh_tokens');
        expect(failed.status).to.equal(500);
        expect(failed.body.error).to.equal('server_error');
        expect((await poll(device.device_code)).status).to.equal(200);
    });

    it('says when the approving person signed in', async () => {
        const timed = await forum.another({
            session: { strategy: 'session', authTime: (credentials) => credentials.authTime as number }
        });
        const tokens = await timed.signIn();
        expect(claimsOf(tokens.id_token).auth_time).to.equal(1_795_000_000);
        expect(claimsOf(tokens.id_token)).to.not.include('nonce');
        const untimed = await forum.signIn();
        expect(claimsOf(untimed.id_token)).to.not.include('auth_time');
    });

    it('of a member whose permission to approve is named otherwise works by that name', async () => {
        const named = await forum.another({
            permissions: { authorizeClients: 'READ_PUBLISHED_THREADS' }
        });
        expect((await named.signIn(LOKI)).scope).to.equal('openid profile offline_access READ_PUBLISHED_THREADS');
    });

    it('works for several built-in clients beside each other, and not for one that is built in no longer', async () => {
        const clientId = unique('cli-');
        const both = await forum.another({
            firstPartyClients: [
                { clientId: CLI.client_id, name: 'Storyden' },
                { clientId, name: 'Another' }
            ]
        });
        const device = await both.device({ ...CLI, client_id: clientId });
        const shown = await both.as(FRIGG, 'GET', `/oauth/device/consent?user_code=${device.user_code}`);
        expect(shown.body.client_name).to.equal('Another');
        await both.decide(FRIGG, device.user_code);
        expect((await poll(device.device_code, clientId)).body.error).to.equal('invalid_client');
        const fields = { grant_type: DEVICE_CODE, client_id: clientId, device_code: device.device_code };
        expect((await both.token({ ...fields, client_id: CLI.client_id })).body.error).to.equal('invalid_grant');
        expect((await both.token(fields)).status).to.equal(200);
    });
});
