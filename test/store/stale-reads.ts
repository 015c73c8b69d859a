import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthGrant, OAuthRefreshToken } from '../../entities';
import { bearer, beginRequest, createApp, decideRequest, obtainCode, redeem } from '../support/authorization';
import { CLI, DEVICE_CODE, FRIGG, ODIN, type Forum } from '../support/forum';
import { openForum, useDatabase } from '../support/setup';
import { StaleReplica } from '../support/stale-replica';

const lab = Lab.script();
export { lab };
const { before, beforeEach, describe, it } = lab;

describe('a forum whose reads are behind', () => {
    const database = useDatabase(lab);
    let replica: StaleReplica;
    /** Reads what it has written. */
    let first: Forum;
    /** Reads the replica, which never catches up by itself. */
    let behind: Forum;

    before(async () => {
        first = await openForum(database);
        await first.signIn();
        replica = await StaleReplica.of(database);
        behind = await openForum({ dataSource: replica.dataSource, stopFirst: (user) => database.stopFirst(user) });
    });

    beforeEach(async () => {
        await replica.catchUp();
        behind.events.length = 0;
        behind.now = first.now;
    });

    const types = (): string[] => behind.events.map(({ type }) => type).filter((type) => type !== 'token_issued');

    const endOf = async (grantId: string): Promise<string | null> =>
        (await database.dataSource.getRepository(OAuthGrant).findOneByOrFail({ id: grantId })).endReason;

    const tokensOf = (grantId: string) => ({
        rows: database.dataSource.getRepository(OAuthRefreshToken),
        where: { grantId }
    });

    const grantOf = async (): Promise<string> => {
        const { body } = await first.as(FRIGG, 'GET', '/auth/oauth/tokens');
        return body.tokens[0].grant_id as string;
    };

    it('refreshes a token of a grant that it does not see, and each of its successors', async () => {
        let { refresh_token: token } = await first.signIn();
        for (let times = 0; times < 4; ++times) {
            const forum = times % 2 === 0 ? behind : first;
            const { status, body, text } = await forum.refresh(token);
            expect(status, text).to.equal(200);
            token = body.refresh_token as string;
        }
        // Reuse is still found.
        first.pass(120);
        expect(types()).to.equal([]);
    });

    it('refreshes a successor that it does not see, and gives its holder the same one again', async () => {
        const { refresh_token: token } = await first.signIn();
        await replica.catchUp();
        const { body: second } = await first.refresh(token);
        expect((await behind.refresh(token)).body.refresh_token).to.equal(second.refresh_token);
        const third = await behind.refresh(second.refresh_token as string);
        expect(third.status, third.text).to.equal(200);
        expect((await first.refresh(third.body.refresh_token as string)).status).to.equal(200);
        expect(types()).to.equal([]);
    });

    it('rotates no token of a grant that was revoked where it cannot see it', async () => {
        const { refresh_token: token } = await first.signIn();
        await replica.catchUp();
        expect((await first.form('/oauth/revoke', { ...CLI, token })).status).to.equal(200);
        expect((await behind.refresh(token)).body.error).to.equal('invalid_grant');
    });

    it('revokes what it does not see', async () => {
        const { refresh_token: token } = await first.signIn();
        const grantId = await grantOf();
        expect((await behind.form('/oauth/revoke', { ...CLI, token })).status).to.equal(200);
        expect(await endOf(grantId)).to.equal('revoked_by_client');

        const { access_token: access } = await first.signIn();
        const other = await grantOf();
        expect((await behind.form('/oauth/revoke', { ...CLI, token: access })).status).to.equal(200);
        expect(await endOf(other)).to.equal('revoked_by_client');

        await first.signIn();
        const { body } = await first.as(FRIGG, 'GET', '/auth/oauth/tokens');
        const [{ id, grant_id: third, oauth_client_id: clientId }] = body.tokens;
        expect((await behind.as(FRIGG, 'DELETE', `/auth/oauth/tokens/${id}`)).status).to.equal(204);
        expect(await endOf(third as string)).to.equal('revoked_by_account');

        await first.signIn();
        const fourth = await grantOf();
        const path = `/auth/oauth/tokens?oauth_client_id=${clientId}`;
        expect((await behind.as(FRIGG, 'DELETE', path)).status).to.equal(204);
        expect(await endOf(fourth)).to.equal('revoked_by_account');
    });

    it('describes an account to a token that was issued elsewhere just now, and introspects it', async () => {
        const { access_token: access } = await first.signIn();
        const userinfo = await behind.as(null, 'GET', '/oauth/userinfo', undefined, bearer(access));
        expect(userinfo.status, userinfo.text).to.equal(200);
        const app = await createApp(first, { type: 'confidential' });
        const tokens = await redeem(first, await obtainCode(first, app));
        for (const token of [tokens.body.access_token, tokens.body.refresh_token].filter(Boolean) as string[]) {
            const fields = { token, client_id: app.client_id, client_secret: app.secret! };
            expect((await behind.form('/oauth/introspect', fields)).body.active).to.be.true();
        }
    });

    it('exchanges a code and a device code that it does not see', async () => {
        const app = await createApp(first);
        const exchanged = await redeem(behind, await obtainCode(first, app));
        expect(exchanged.status, exchanged.text).to.equal(200);

        const device = await first.device();
        expect((await first.decide(FRIGG, device.user_code)).status).to.equal(200);
        const polled = await behind.token({
            grant_type: DEVICE_CODE,
            client_id: CLI.client_id,
            device_code: device.device_code
        });
        expect(polled.status, polled.text).to.equal(200);
    });

    it('shows and decides what it does not see, and counts no wrong code', async () => {
        const app = await createApp(first);
        const request = await beginRequest(first, app);
        expect((await decideRequest(behind, FRIGG, request)).body.status).to.equal('approved');
        // A second click, which sees neither the request nor its decision.
        expect((await decideRequest(behind, FRIGG, request)).body.status).to.equal('approved');

        for (let times = 0; times < 12; ++times) {
            const device = await first.device();
            expect(
                (await first.as(FRIGG, 'GET', `/oauth/device/consent?user_code=${device.user_code}`)).status
            ).to.equal(200);
            const decided = await behind.as(FRIGG, 'POST', '/oauth/device/consent', {
                user_code: device.user_code,
                decision: 'approve'
            });
            expect(decided.status, decided.text).to.equal(200);
        }
    });

    it('lets a member and an administrator change and delete a client that it does not see', async () => {
        const { client } = await first.createClient(FRIGG);
        const path = `/auth/oauth/clients/${client.id}`;
        const changed = await behind.as(FRIGG, 'PATCH', path, { description: 'New' });
        expect([changed.status, changed.body.description]).to.equal([200, 'New']);
        // What it reads is older than what it has written itself.
        const again = await behind.as(ODIN, 'PATCH', `/admin/oauth/clients/${client.id}`, { name: 'Newer' });
        expect([again.status, again.body.name, again.body.description]).to.equal([200, 'Newer', 'New']);
        expect((await behind.as(FRIGG, 'POST', `${path}/secret`, {})).status).to.equal(200);
        expect((await behind.as(FRIGG, 'DELETE', path)).status).to.equal(204);
        expect((await first.as(FRIGG, 'GET', path)).status).to.equal(404);
    });

    it('changes a client of which it sees an older state', async () => {
        const { client } = await first.createClient(FRIGG);
        await replica.catchUp();
        const path = `/auth/oauth/clients/${client.id}`;
        expect((await first.as(FRIGG, 'PATCH', path, { name: 'Second' })).status).to.equal(200);
        const changed = await behind.as(FRIGG, 'PATCH', path, { description: 'Third' });
        expect([changed.status, changed.body.name]).to.equal([200, 'Second']);
    });

    it('knows a client that was created elsewhere just now', async () => {
        const { client, client_secret: secret } = await first.createClient(FRIGG);
        const fields = { grant_type: 'client_credentials', client_id: client.client_id, client_secret: secret };
        const { status, body } = await behind.token(fields);
        expect(status).to.equal(200);
        // Both use the one standing grant, whichever of them has made it.
        const { body: other } = await first.token(fields);
        const [one, two] = [body, other].map(({ access_token: token }) => token as string);
        const claims = (token: string): unknown =>
            JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
        expect((claims(one!) as { grant_id: string }).grant_id).to.equal(
            (claims(two!) as { grant_id: string }).grant_id
        );
    });

    describe('does not take for theft what the database has lost', () => {
        const rotate = async (times: number): Promise<string[]> => {
            const tokens = [(await first.signIn()).refresh_token];
            for (let each = 0; each < times; ++each) {
                tokens.push((await first.refresh(tokens.at(-1)!)).body.refresh_token as string);
            }
            return tokens;
        };

        it('such as a failover that came before the last rotation', async () => {
            const tokens = await rotate(3);
            const grantId = await grantOf();
            const { rows } = tokensOf(grantId);
            await rows.delete({ grantId, generation: 3 });
            expect((await behind.refresh(tokens[3]!)).body.error).to.equal('invalid_grant');
            expect(types()).to.equal(['refresh_token_lost']);
            expect(await endOf(grantId)).to.be.null();
            // The token before it works, as it did before the rotation that was lost.
            const renewed = await behind.refresh(tokens[2]!);
            expect(renewed.status, renewed.text).to.equal(200);
            // Its successor has the place of the lost one. Whoever has that one has taken it from somebody.
            expect((await behind.refresh(tokens[3]!)).body.error).to.equal('invalid_grant');
            expect(await endOf(grantId)).to.equal('refresh_token_reused');
            expect(types()).to.equal(['refresh_token_lost', 'grant_revoked', 'refresh_token_reused']);
        });

        it('but a token below the oldest row was pruned, so it is', async () => {
            const tokens = await rotate(4);
            const grantId = await grantOf();
            const { rows } = tokensOf(grantId);
            await rows.delete({ grantId, generation: 0 });
            expect((await behind.refresh(tokens[0]!)).body.error).to.equal('invalid_grant');
            expect(await endOf(grantId)).to.equal('refresh_token_reused');
        });
    });
});
