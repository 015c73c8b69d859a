import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { createDevice, editClient, Holder, rowsOf, storedGrant } from '../support/token-family';
import { basic, claimsOf, CLI, DEVICE_CODE, FRIGG, ODIN, START } from '../support/forum';
import { useForum } from '../support/setup';
import { storeFamilies } from '../support/stored-family';

const lab = Lab.script();
export { lab };
const { afterEach, describe, it } = lab;

for (const kind of ['server', 'embedded'] as const) {
    describe(`a refresh on the ${kind === 'server' ? 'database server' : 'embedded database'}`, () => {
        const forum = useForum(lab, { database: kind });

        it('answers new tokens of the same worth', async () => {
            const first = await forum.signIn();
            forum.pass(1000);
            const { status, body, headers } = await forum.refresh(first.refresh_token);
            expect(status).to.equal(200);
            expect(Object.keys(body as object).sort()).to.equal([
                'access_token',
                'expires_in',
                'id_token',
                'refresh_token',
                'scope',
                'token_type'
            ]);
            expect(headers['cache-control']).to.equal('no-store');
            expect(headers.pragma).to.equal('no-cache');
            expect(body.token_type).to.equal('Bearer');
            expect(body.expires_in).to.equal(900);
            expect(body.scope).to.equal(first.scope);
            expect(body.refresh_token).to.match(/^sdort_[A-Za-z0-9_-]+$/);
            expect(body.refresh_token).to.not.equal(first.refresh_token);
            expect(body.access_token).to.not.equal(first.access_token);

            const [before, now] = [claimsOf(first.id_token), claimsOf(body.id_token as string)];
            expect([now.sub, now.aud, now.auth_time]).to.equal([before.sub, before.aud, before.auth_time]);
            expect(now.nonce).to.be.undefined();
            expect(now.iat).to.equal(Math.floor(forum.now / 1000));
            const claims = claimsOf(body.access_token as string);
            expect(claims.sub).to.equal(FRIGG);
            expect(claims.client_id).to.equal('storyden-cli');
            expect(claims.scope).to.equal(first.scope);
            expect(claims.exp).to.equal(Math.floor(forum.now / 1000) + 900);
        });

        it('can be repeated with each successor, and rotates once each time', async () => {
            const { refresh_token: first } = await forum.signIn();
            const phone = new Holder(forum, first);
            const seen = new Set([first]);
            for (let rotation = 1; rotation <= 5; ++rotation) {
                forum.pass(3600);
                expect((await phone.refresh()).status).to.equal(200);
                seen.add(phone.refreshToken);
            }
            expect(seen.size).to.equal(6);
            expect((await rowsOf(forum.dataSource, first)).map(({ generation }) => generation)).to.equal([
                0, 1, 2, 3, 4, 5
            ]);
        });

        it('answers a repeated request with the same successor, and a reused token with the end', async () => {
            const { refresh_token: first } = await forum.signIn();
            const one = await forum.refresh(first);
            const two = await forum.refresh(first);
            expect(two.body.refresh_token).to.equal(one.body.refresh_token);
            forum.pass(60);
            expect((await forum.refresh(first)).body.error).to.equal('invalid_grant');
            expect((await forum.refresh(one.body.refresh_token as string)).body.error).to.equal('invalid_grant');
            expect((await storedGrant(forum.dataSource, first)).endReason).to.equal('refresh_token_reused');
        });

        it('converges when it is sent many times at once', async () => {
            const { refresh_token: first } = await forum.signIn();
            const answers = await Promise.all(Array.from({ length: 20 }, () => forum.refresh(first)));
            expect(answers.map(({ status }) => status)).to.equal(Array<number>(20).fill(200));
            expect(new Set(answers.map(({ body }) => body.refresh_token as string)).size).to.equal(1);
            expect((await rowsOf(forum.dataSource, first)).length).to.equal(2);
        });

        it('is over once the member has cut the application off', async () => {
            const { refresh_token: first } = await forum.signIn();
            const phone = new Holder(forum, first);
            await phone.refresh();
            const [superseded] = await rowsOf(forum.dataSource, first);
            const revoked = await forum.as(FRIGG, 'DELETE', `/auth/oauth/tokens/${superseded!.id}`);
            expect(revoked.status).to.equal(204);
            expect((await phone.refresh()).body.error).to.equal('invalid_grant');
            expect((await forum.refresh(first)).body.error).to.equal('invalid_grant');
        });
    });
}

describe('the refresh token grant', () => {
    const forum = useForum(lab);

    afterEach(() => {
        forum.now = START;
    });

    /** Checks that a token family is as a sign-in left it: its first token works and has no successor. */
    const expectUnspent = async (refreshToken: string, fields: Record<string, string> = {}): Promise<void> => {
        expect((await rowsOf(forum.dataSource, refreshToken)).length).to.equal(1);
        expect((await forum.refresh(refreshToken, fields)).status).to.equal(200);
    };

    it('asks for a refresh token', async () => {
        const fields = { grant_type: 'refresh_token', client_id: CLI.client_id };
        expect((await forum.token(fields)).body.error).to.equal('invalid_request');
        expect((await forum.refresh('')).body.error).to.equal('invalid_request');
        const { refresh_token: token } = await forum.signIn();
        const twice = `grant_type=refresh_token&client_id=storyden-cli&refresh_token=${token}&refresh_token=${token}`;
        expect((await forum.form('/oauth/token', twice)).body.error).to.equal('invalid_request');
        await expectUnspent(token);
    });

    it('refuses what is no token of its own', async () => {
        const { access_token: accessToken } = await forum.signIn();
        for (const token of ['x', 'sdort_', accessToken, `sdort_${'0'.repeat(92)}`, '\0', '🦊', 'x'.repeat(9000)]) {
            const { status, body } = await forum.refresh(token);
            expect([status, body.error], token).to.equal([400, 'invalid_grant']);
        }
    });

    it('answers every token that cannot be used alike', async () => {
        const expired = await forum.signIn();
        forum.pass(2_592_000);
        const revoked = await forum.signIn();
        await forum.as(
            FRIGG,
            'DELETE',
            `/auth/oauth/tokens/${(await rowsOf(forum.dataSource, revoked.refresh_token))[0]!.id}`
        );
        const device = await createDevice(forum);
        const foreign = await forum.signIn(FRIGG, { ...device });
        const answers = await Promise.all(
            [expired.refresh_token, revoked.refresh_token, foreign.refresh_token, 'nothing'].map((token) =>
                forum.refresh(token)
            )
        );
        expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).to.equal(1);
        expect(answers[0]!.status).to.equal(400);
        expect(answers[0]!.body.error).to.equal('invalid_grant');
    });

    it('knows the client before it looks at a token', async () => {
        const { refresh_token: token } = await forum.signIn();
        for (const presented of [token, 'sdort_nothing', '']) {
            const answer = await forum.refresh(presented, { client_id: 'nobody' });
            expect([answer.status, answer.body.error]).to.equal([401, 'invalid_client']);
            const withSecret = await forum.refresh(presented, { client_secret: 'x' });
            expect([withSecret.status, withSecret.body.error]).to.equal([401, 'invalid_client']);
        }
        await expectUnspent(token);
    });

    it('knows a client by its client_id to the byte, blanks at the end included', async () => {
        const device = await createDevice(forum);
        const { refresh_token: token } = await forum.signIn(FRIGG, { ...device });
        for (const padded of [`${device.client_id} `, `${device.client_id}\t`, device.client_id.toUpperCase()]) {
            const { status, body } = await forum.refresh(token, { client_id: padded });
            expect([status, body.error], padded).to.equal([401, 'invalid_client']);
        }
        expect((await forum.refresh(token, { client_id: device.client_id })).status).to.equal(200);
    });

    it("changes nothing for another client's token, however it is presented", async () => {
        const device = await createDevice(forum);
        const phone = new Holder(forum, (await forum.signIn()).refresh_token);
        const first = phone.refreshToken;
        await phone.refresh();
        forum.pass(3600);
        // To the client that it belongs to the first token would be reuse by now.
        for (const token of [first, phone.refreshToken]) {
            const answer = await forum.refresh(token, { client_id: device.client_id });
            expect([answer.status, answer.body.error]).to.equal([400, 'invalid_grant']);
        }
        expect((await storedGrant(forum.dataSource, first)).endedAt).to.be.null();
        expect((await phone.refresh()).status).to.equal(200);
    });

    it('authenticates a confidential client, and lets it in by its secret only', async () => {
        const { client, client_secret: secret } = await forum.createClient(FRIGG);
        await editClient(forum.dataSource, client.client_id, {
            allowedGrants: 'refresh_token',
            allowedScopes: 'offline_access READ_PUBLISHED_THREADS'
        });
        const [family] = await storeFamilies(forum.dataSource, 1, {
            oauthClientId: client.id,
            scope: 'offline_access READ_PUBLISHED_THREADS',
            now: forum.now
        });
        const fields = { client_id: client.client_id };
        for (const attempt of [{}, { client_secret: 'wrong' }] as Record<string, string>[]) {
            const answer = await forum.refresh(family!.refreshToken, { ...fields, ...attempt });
            expect([answer.status, answer.body.error]).to.equal([401, 'invalid_client']);
        }
        const byForm = await forum.refresh(family!.refreshToken, { ...fields, client_secret: secret });
        expect(byForm.status, byForm.text).to.equal(200);
        const byHeader = await forum.token(
            { grant_type: 'refresh_token', refresh_token: byForm.body.refresh_token },
            basic(client.client_id, secret)
        );
        expect(byHeader.status, byHeader.text).to.equal(200);
    });

    it('spends nothing while the account may not act', async () => {
        const { refresh_token: token } = await forum.signIn(ODIN);
        const account = forum.account(ODIN);
        forum.accounts.delete(ODIN);
        expect((await forum.refresh(token)).body.error).to.equal('invalid_grant');
        forum.accounts.set(ODIN, account);
        await expectUnspent(token);

        // The same on a retry: the answer to the rotation is still there for him who may act again.
        forum.accounts.delete(ODIN);
        expect((await forum.refresh(token)).body.error).to.equal('invalid_grant');
        forum.accounts.set(ODIN, account);
        expect((await forum.refresh(token)).status).to.equal(200);
        expect((await rowsOf(forum.dataSource, token)).length).to.equal(2);
    });

    it('does not rotate a token family that is ended while the host looks the account up', async () => {
        const { refresh_token: token } = await forum.signIn();
        const [row] = await rowsOf(forum.dataSource, token);
        const slow = await forum.another({
            accounts: {
                find: async (id) => {
                    expect((await forum.as(FRIGG, 'DELETE', `/auth/oauth/tokens/${row!.id}`)).status).to.equal(204);
                    return forum.account(id);
                }
            }
        });
        const answer = await slow.refresh(token);
        expect([answer.status, answer.body.error]).to.equal([400, 'invalid_grant']);
        expect((await rowsOf(forum.dataSource, token)).length).to.equal(1);
    });

    it('spends nothing when the host cannot say who the account is', async () => {
        const failing = await forum.another({
            accounts: { find: () => Promise.reject(new Error('The accounts are out of order')) }
        });
        const { refresh_token: token } = await forum.signIn();
        const answer = await failing.refresh(token);
        expect([answer.status, answer.body.error]).to.equal([500, 'server_error']);
        expect(answer.text).to.not.include('out of order');
        await expectUnspent(token);
    });

    it('spends nothing once staying signed in is no longer allowed to the client', async () => {
        const device = await createDevice(forum);
        const fields = { client_id: device.client_id };
        const { refresh_token: token } = await forum.signIn(FRIGG, { ...device });

        await editClient(forum.dataSource, device.client_id, { allowedScopes: 'READ_PUBLISHED_THREADS' });
        const without = await forum.refresh(token, fields);
        expect([without.status, without.body.error]).to.equal([400, 'invalid_grant']);
        await editClient(forum.dataSource, device.client_id, { allowedScopes: device.scope });
        await expectUnspent(token, fields);

        await editClient(forum.dataSource, device.client_id, { allowedScopes: 'READ_PUBLISHED_THREADS' });
        expect((await forum.refresh(token, fields)).body.error).to.equal('invalid_grant');
        await editClient(forum.dataSource, device.client_id, { allowedScopes: device.scope });
        expect((await forum.refresh(token, fields)).status).to.equal(200);
    });

    it('takes the scope that an owner has taken from his application away at the endpoint as well', async () => {
        const device = await createDevice(forum);
        const { refresh_token: token } = await forum.signIn(FRIGG, { ...device });
        const path = `/auth/oauth/clients/${device.id}`;
        await forum.as(FRIGG, 'PATCH', path, { allowed_scopes: ['READ_PUBLISHED_THREADS'] });
        expect((await forum.refresh(token, { client_id: device.client_id })).body.error).to.equal('invalid_grant');
        await forum.as(FRIGG, 'PATCH', path, { allowed_scopes: ['READ_PUBLISHED_THREADS', 'offline_access'] });
        await expectUnspent(token, { client_id: device.client_id });
    });

    it('spends nothing once the client may not use it any more', async () => {
        const device = await createDevice(forum);
        const fields = { client_id: device.client_id };
        const { refresh_token: token } = await forum.signIn(FRIGG, { ...device });
        await editClient(forum.dataSource, device.client_id, { allowedGrants: DEVICE_CODE });
        for (const presented of [token, 'nothing', '']) {
            const answer = await forum.refresh(presented, fields);
            expect([answer.status, answer.body.error]).to.equal([400, 'unauthorized_client']);
        }
        await editClient(forum.dataSource, device.client_id, { allowedGrants: `${DEVICE_CODE} refresh_token` });
        await expectUnspent(token, fields);
    });

    it('spends nothing for another resource and takes its own', async () => {
        const { refresh_token: token } = await forum.signIn();
        const other = await forum.refresh(token, { resource: 'https://elsewhere.example' });
        expect([other.status, other.body.error]).to.equal([400, 'invalid_target']);
        const both = await forum.form('/oauth/token', [
            ['grant_type', 'refresh_token'],
            ['client_id', CLI.client_id],
            ['refresh_token', token],
            ['resource', 'https://forum.example'],
            ['resource', 'https://elsewhere.example']
        ]);
        expect(both.body.error).to.equal('invalid_target');
        await expectUnspent(token, { resource: 'https://forum.example/' });
    });

    it('ends with the client', async () => {
        const device = await createDevice(forum);
        const { refresh_token: token } = await forum.signIn(FRIGG, { ...device });
        await forum.as(FRIGG, 'DELETE', `/auth/oauth/clients/${device.id}`);
        const answer = await forum.refresh(token, { client_id: device.client_id });
        expect([answer.status, answer.body.error]).to.equal([401, 'invalid_client']);
        expect((await storedGrant(forum.dataSource, token)).endReason).to.equal('client_deleted');
    });

    it('ends with all grants of the application, and leaves the others', async () => {
        const device = await createDevice(forum);
        const fields = { client_id: device.client_id };
        const [one, two] = [await forum.signIn(FRIGG, { ...device }), await forum.signIn(FRIGG, { ...device })];
        const somebodyElses = await forum.signIn(ODIN, { ...device });
        const other = await forum.signIn();
        const path = `/auth/oauth/tokens?oauth_client_id=${device.id}`;
        expect((await forum.as(FRIGG, 'DELETE', path)).status).to.equal(204);
        expect((await forum.refresh(one.refresh_token, fields)).body.error).to.equal('invalid_grant');
        expect((await forum.refresh(two.refresh_token, fields)).body.error).to.equal('invalid_grant');
        expect((await forum.refresh(somebodyElses.refresh_token, fields)).status).to.equal(200);
        expect((await forum.refresh(other.refresh_token)).status).to.equal(200);
    });

    it('tells of what happened by ids and never by a token', async () => {
        const { refresh_token: token } = await forum.signIn();
        forum.events.length = 0;
        const { body } = await forum.refresh(token);
        forum.pass(3600);
        await forum.refresh(token);
        await forum.refresh(body.refresh_token as string);
        const { id: grantId, oauthClientId } = await storedGrant(forum.dataSource, token);
        const ids = { account_id: FRIGG, oauth_client_id: oauthClientId, grant_id: grantId };
        const at = new Date(forum.now).toISOString();
        expect(forum.events).to.equal([
            {
                type: 'token_issued',
                grant_type: 'refresh_token',
                client_id: 'storyden-cli',
                scope: body.scope,
                ...ids,
                at: new Date(START).toISOString()
            },
            { type: 'grant_revoked', reason: 'refresh_token_reused', ...ids, at },
            { type: 'refresh_token_reused', ...ids, at }
        ]);
        expect(JSON.stringify([forum.events, forum.log])).to.not.match(/sdort_|eyJ/);
    });
});
