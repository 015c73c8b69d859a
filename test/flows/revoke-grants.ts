import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthGrant, OAuthRefreshToken } from '../../entities/index';
import type { ManagementError, Token } from '../../plugin/index';
import type { ForumOAuth } from '../../plugin/api';
import { DEVICE_CODE, FRIGG, LOKI, ODIN, unique } from '../support/forum';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

for (const kind of ['server', 'embedded'] as const) {
    describe(`revoking what one has authorised (${kind} database)`, () => {
        const forum = useForum(lab, { database: kind });
        let tokens: ForumOAuth['tokens'];

        before(async () => {
            tokens = forum.server.plugins['hapi-forum-oauth'].tokens;
        });

        const member = (): string => {
            const id = unique('member');
            forum.accounts.set(id, { id, handle: id, name: id, permissions: ['USE_OAUTH_CLIENTS'] });
            return id;
        };

        /** Signs in and refreshes, and gives every token that the token family had, oldest first, and their rows. */
        const family = async (accountId: string, rotations = 2): Promise<{ held: string[]; rows: Token[] }> => {
            const held = [(await forum.signIn(accountId)).refresh_token];
            for (let count = 0; count < rotations; ++count) {
                forum.pass(1);
                held.push((await forum.refresh(held.at(-1)!)).body.refresh_token as string);
            }
            const grantId = held[0]!.slice('sdort_'.length, 'sdort_'.length + 20);
            const all = (await tokens.list(accountId)).tokens;
            return { held, rows: all.filter((row) => row.grant_id === grantId).reverse() };
        };

        const works = async (token: string): Promise<boolean> => (await forum.refresh(token)).status === 200;

        const isRefused = async (call: Promise<void>): Promise<number> =>
            call.then(
                () => 204,
                (error: ManagementError) => error.output.statusCode
            );

        it('revokes the grant, whichever of its rows is named', async () => {
            for (const place of [0, 1, 2]) {
                const account = member();
                const { held, rows } = await family(account);
                const other = await family(account, 0);
                expect(rows).to.have.length(3);
                await tokens.revoke(account, rows[place]!.id);
                for (const token of held) {
                    expect(await works(token), `row ${place}`).to.be.false();
                }
                expect(await works(other.held[0]!)).to.be.true();
                const statuses = await Promise.all(
                    (['active', 'superseded', 'revoked', 'expired'] as const).map(async (status) =>
                        (await tokens.list(account, { status })).tokens.map(({ id }) => id)
                    )
                );
                expect(statuses[2]).to.equal([rows[2]!.id]);
                expect(statuses[1]).to.include([rows[0]!.id, rows[1]!.id]);
            }
        });

        it('leaves an revoked grant as it is', async () => {
            const account = member();
            const { rows } = await family(account);
            await tokens.revoke(account, rows[0]!.id);
            const ended = forum.now;
            forum.pass(60);
            forum.events.length = 0;
            await tokens.revoke(account, rows[0]!.id);
            await tokens.revoke(account, rows[2]!.id);
            const {
                tokens: [head]
            } = await tokens.list(account, { status: 'revoked' });
            expect(head!.revoked_at).to.equal(new Date(ended).toISOString());
            expect(forum.events).to.equal([]);
            const grant = await forum.dataSource.getRepository(OAuthGrant).findOneByOrFail({ id: head!.grant_id });
            expect([grant.endedAt, grant.endReason]).to.equal([ended, 'revoked_by_account']);
        });

        it('is announced once, with ids only', async () => {
            const account = member();
            const { held, rows } = await family(account);
            forum.events.length = 0;
            await Promise.all(rows.map(({ id }) => tokens.revoke(account, id)));
            expect(forum.events).to.equal([
                {
                    type: 'grant_revoked',
                    reason: 'revoked_by_account',
                    account_id: account,
                    oauth_client_id: rows[0]!.oauth_client_id,
                    grant_id: rows[0]!.grant_id,
                    at: new Date(forum.now).toISOString()
                }
            ]);
            for (const token of held) {
                expect(JSON.stringify([forum.events, forum.log])).not.to.contain(token);
            }
        });

        it('knows only rows that are there and the account\u2019s own', async () => {
            const account = member();
            const { held, rows } = await family(account);
            for (const id of ['cc5lnd2s1s4652adtu50', '', '%', `${rows[0]!.id} `, rows[0]!.id.toUpperCase()]) {
                expect(await isRefused(tokens.revoke(account, id)), id).to.equal(404);
            }
            expect(await isRefused(tokens.revoke(account, rows[0]!.grant_id))).to.equal(404);
            for (const other of [LOKI, ODIN]) {
                expect(await isRefused(tokens.revoke(other, rows[2]!.id))).to.equal(404);
            }
            await forum.dataSource.getRepository(OAuthRefreshToken).delete({ id: rows[0]!.id });
            expect(await isRefused(tokens.revoke(account, rows[0]!.id))).to.equal(404);
            expect(await works(held[2]!)).to.be.true();
        });

        it('revokes every grant of one application, and none of another or of someone else', async () => {
            const [account, other] = [member(), member()];
            const { client } = await forum.createClient(account, {
                type: 'public',
                allowed_grants: [DEVICE_CODE, 'refresh_token'],
                allowed_scopes: ['openid', 'offline_access']
            });
            const own = await forum.signIn(account, { client_id: client.client_id, scope: 'openid offline_access' });
            const mine = [await family(account, 0), await family(account, 1)];
            const theirs = await family(other, 0);
            const builtIn = mine[0]!.rows[0]!.oauth_client_id;
            forum.events.length = 0;
            await tokens.revokeClient(account, builtIn);
            for (const { held } of mine) {
                expect(await works(held.at(-1)!)).to.be.false();
            }
            expect(await works(theirs.held[0]!)).to.be.true();
            const kept = await forum.refresh(own.refresh_token, { client_id: client.client_id });
            expect(kept.status).to.equal(200);
            expect(forum.events.filter(({ type }) => type === 'grant_revoked')).to.have.length(2);
            expect((await tokens.list(account, { status: 'active' })).tokens.map((row) => row.client_id)).to.equal([
                client.client_id
            ]);
            await tokens.revokeClient(account, builtIn);
            for (const none of ['cc5lnd2s1s4652adtu50', 'storyden-cli', `${client.id} `, '']) {
                await tokens.revokeClient(account, none);
            }
            expect((await tokens.list(account, { status: 'active' })).results).to.equal(1);
        });

        it('and refreshing at the same instant leave no token that works', async () => {
            for (let round = 0; round < 10; ++round) {
                const account = member();
                const { held, rows } = await family(account, 0);
                const work = [
                    () => tokens.revoke(account, rows[0]!.id),
                    () => tokens.revokeClient(account, rows[0]!.oauth_client_id),
                    () => forum.refresh(held[0]!),
                    () => forum.refresh(held[0]!)
                ];
                const answers = await Promise.all(
                    [...work.slice(round % 4), ...work.slice(0, round % 4)].map((f) => f())
                );
                for (const answer of answers.filter((given) => given !== undefined)) {
                    const successor = answer.body.refresh_token as string | undefined;
                    expect([200, 400], answer.text).to.include(answer.status);
                    expect(successor !== undefined && (await works(successor))).to.be.false();
                }
                expect(await works(held[0]!)).to.be.false();
                expect((await tokens.list(account, { status: 'active' })).results).to.equal(0);
            }
        });

        it('needs an account that may act', async () => {
            const account = member();
            const { held, rows } = await family(account, 0);
            const row = forum.account(account);
            forum.accounts.delete(account);
            expect(await isRefused(tokens.revoke(account, rows[0]!.id))).to.equal(401);
            expect(await isRefused(tokens.revokeClient(account, rows[0]!.oauth_client_id))).to.equal(401);
            forum.accounts.set(account, row);
            expect(await works(held[0]!)).to.be.true();
        });
    });
}

describe('an account\u2019s token families', () => {
    const forum = useForum(lab);

    it('end in another process as in this one', async () => {
        const elsewhere = await forum.another();
        const { refresh_token: token } = await forum.signIn(FRIGG);
        const mine = elsewhere.server.plugins['hapi-forum-oauth'].tokens;
        const {
            tokens: [row]
        } = await mine.list(FRIGG);
        await mine.revoke(FRIGG, row!.id);
        expect((await forum.refresh(token)).body.error).to.equal('invalid_grant');
    });
});
