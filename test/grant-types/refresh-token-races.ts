import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { DataSource } from 'typeorm';
import { generateSigningKey } from '../../plugin/index';
import { createDevice, grantOf, Holder, rowsOf, storedGrant } from '../support/token-family';
import { Forum, FRIGG, type Answer } from '../support/forum';
import { startForumProcess, type ForumProcess } from '../support/second-process';
import { useDatabase, useForum } from '../support/setup';
import { storeFamilies } from '../support/stored-family';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

describe('refreshes at once', () => {
    const database = useDatabase(lab);
    // A fast signature, so that the requests meet in the database rather than wait for the processor.
    const key = generateSigningKey('ES256');
    const forum = useForum(lab, { database, options: async () => ({ signingKeys: [await key] }) });
    /** Another server with connections of its own to the same database. */
    let second: Forum;
    let secondSource: DataSource;

    before(async () => {
        secondSource = await database.connect();
        second = await Forum.create(secondSource, { signingKeys: [await key], clock: () => forum.now });
    });

    after(async () => {
        await second.stop();
        await secondSource.destroy();
    });

    const signIn = async (): Promise<string> => (await forum.signIn()).refresh_token;

    /** Checks that everybody got the one successor, and that it works. */
    const expectOneSuccessor = async (token: string, answers: Answer[]): Promise<void> => {
        expect(answers.map(({ status }) => status)).to.equal(answers.map(() => 200));
        expect(new Set(answers.map(({ body }) => body.refresh_token as string)).size).to.equal(1);
        expect(new Set(answers.map(({ body }) => body.access_token as string)).size).to.equal(answers.length);
        expect((await rowsOf(database.dataSource, token)).map(({ generation }) => generation)).to.equal([0, 1]);
        expect((await forum.refresh(answers[0]!.body.refresh_token as string)).status).to.equal(200);
    };

    it('converge: 200 of one token yield one successor and a token family of two rows', async () => {
        const token = await signIn();
        await expectOneSuccessor(token, await Promise.all(Array.from({ length: 200 }, () => forum.refresh(token))));
    });

    it('converge on two servers as on one', async () => {
        const token = await signIn();
        const answers = Array.from({ length: 200 }, (_, index) => (index % 2 ? forum : second).refresh(token));
        await expectOneSuccessor(token, await Promise.all(answers));
    });

    it('converge wherever the token family stands', async () => {
        const phone = new Holder(forum, await signIn());
        for (let rotation = 1; rotation <= 10; ++rotation) {
            const answers = await Promise.all(
                Array.from({ length: 20 }, (_, index) => (index % 2 ? forum : second).refresh(phone.refreshToken))
            );
            expect(new Set(answers.map(({ body }) => body.refresh_token as string)).size).to.equal(1);
            expect((await rowsOf(database.dataSource, phone.refreshToken)).length).to.equal(rotation + 1);
            phone.refreshToken = answers[0]!.body.refresh_token;
        }
    });

    it('never fork a token family, whatever tokens of it they bring', async () => {
        const first = await signIn();
        const phones = Array.from({ length: 10 }, (_, index) => new Holder(index % 2 ? forum : second, first));
        // Each goes on with what it was answered last; who is overtaken keeps an old token and is refused.
        await Promise.all(
            phones.map(async (phone) => {
                for (let round = 0; round < 10; ++round) {
                    const { status, body } = await phone.refresh();
                    expect(status === 200 || body.error === 'invalid_grant').to.be.true();
                }
            })
        );
        const rows = await rowsOf(database.dataSource, first);
        expect(rows.map(({ generation }) => generation)).to.equal(rows.map((_row, index) => index));
        expect((await storedGrant(database.dataSource, first)).endedAt).to.be.null();
        const served = await Promise.all(phones.map((phone) => phone.refresh()));
        const heads = served.filter(({ status }) => status === 200).map(({ body }) => body.refresh_token as string);
        expect(new Set(heads).size).to.equal(1);
    });

    it('of a reused token end its token family once', async () => {
        const token = await signIn();
        await forum.refresh(token);
        forum.pass(3600);
        forum.events.length = second.events.length = 0;
        const answers = await Promise.all(
            Array.from({ length: 50 }, (_, index) => (index % 2 ? forum : second).refresh(token))
        );
        expect(answers.every(({ body }) => body.error === 'invalid_grant')).to.be.true();
        const told = [...forum.events, ...second.events].map(({ type }) => type);
        expect(told.sort()).to.equal(['grant_revoked', 'refresh_token_reused']);
    });

    it('end one and only one way without a window: the first is served, the others are reuse', async () => {
        const strict = await forum.another({ lifetimes: { refreshRetryWindow: 0 } });
        const token = await signIn();
        const answers = await Promise.all(Array.from({ length: 50 }, () => strict.refresh(token)));
        expect(answers.filter(({ status }) => status === 200).length).to.be.at.most(1);
        expect(answers.filter(({ body }) => body.error === 'invalid_grant').length).to.be.at.least(49);
        expect((await rowsOf(database.dataSource, token)).length).to.be.at.most(2);
        expect((await storedGrant(database.dataSource, token)).endReason).to.equal('refresh_token_reused');
    });

    describe('with the end of their token family', () => {
        /** Lets a request begin a little later than others do. */
        const afterTurns = async (turns: number): Promise<void> => {
            for (let turn = 0; turn < turns; ++turn) {
                await new Promise((resolve) => setImmediate(resolve));
            }
        };

        const expectDead = ({ status, body }: Answer): void => {
            expect([status, body.error]).to.equal([400, 'invalid_grant']);
        };

        it(
            'leave no token that works once a revocation has answered, a thousand times',
            { timeout: 60_000 },
            async () => {
                const { oauthClientId } = await storedGrant(database.dataSource, await signIn());
                const scope = 'openid profile offline_access READ_PROFILE';
                const now = forum.now;
                const chains = await storeFamilies(database.dataSource, 1000, { oauthClientId, scope, now });
                const won = { refresh: 0, revocation: 0 };

                const race = async (round: number): Promise<void> => {
                    const { id, refreshToken } = chains[round]!;
                    const refreshing = afterTurns(round % 7).then(() => forum.refresh(refreshToken));
                    const revoked = await afterTurns((round * 3) % 5).then(() =>
                        second.as(FRIGG, 'DELETE', `/auth/oauth/tokens/${id}`)
                    );
                    expect(revoked.status).to.equal(204);
                    const retry = forum.refresh(refreshToken);
                    const rotated = await refreshing;
                    expectDead(await retry);
                    if (rotated.status === 200) {
                        won.refresh += 1;
                        expectDead(await second.refresh(rotated.body.refresh_token as string));
                    } else {
                        won.revocation += 1;
                        expectDead(rotated);
                    }
                };
                for (let round = 0; round < 1000; round += 8) {
                    await Promise.all(Array.from({ length: 8 }, (_, index) => race(round + index)));
                }

                // It was a race only if both won some.
                expect(won.refresh).to.be.above(10);
                expect(won.revocation).to.be.above(10);
                const [alive] = await database.dataSource.query<{ count: string }[]>(
                    `SELECT COUNT(*) AS count FROM oauth_grants WHERE id IN (?) AND ended_at IS NULL`,
                    [chains.map(({ refreshToken }) => grantOf(refreshToken))]
                );
                expect(Number(alive!.count)).to.equal(0);
            }
        );

        it('leave none when the application is deleted or interrupted as a whole', async () => {
            for (let round = 0; round < 40; ++round) {
                const device = await createDevice(forum);
                const fields = { client_id: device.client_id };
                const chains = await storeFamilies(database.dataSource, 4, {
                    oauthClientId: device.id,
                    scope: device.scope,
                    now: forum.now
                });
                const refreshing = chains.map(({ refreshToken }, index) =>
                    afterTurns(index * 2).then(() => forum.refresh(refreshToken, fields))
                );
                const path =
                    round % 2 ? `/auth/oauth/clients/${device.id}` : `/auth/oauth/tokens?oauth_client_id=${device.id}`;
                const ended = await afterTurns(round % 5).then(() => second.as(FRIGG, 'DELETE', path));
                expect(ended.status).to.equal(204);
                const held = chains.map(({ refreshToken }) => refreshToken);
                for (const { body } of await Promise.all(refreshing)) {
                    held.push(...(body.refresh_token ? [body.refresh_token as string] : []));
                }
                for (const token of held) {
                    expect((await forum.refresh(token, fields)).status).to.be.within(400, 401);
                }
            }
        });

        it('leave none when it is reuse that ends it', async () => {
            for (let round = 0; round < 40; ++round) {
                const first = await signIn();
                const phone = new Holder(forum, first);
                await phone.refresh();
                forum.pass(3600);
                const [reused] = await Promise.all([
                    second.refresh(first),
                    afterTurns(round % 5).then(() => phone.refresh())
                ]);
                expectDead(reused);
                expectDead(await phone.refresh());
            }
        });
    });

    describe('in two processes', () => {
        const mine = useForum(lab, { database });
        let other: ForumProcess;

        before(async () => {
            other = await startForumProcess(database.dataSource, mine.now);
        });

        it('converge as in one', async () => {
            const { refresh_token: token } = await mine.signIn();
            const answers = Array.from({ length: 200 }, (_, index) => (index % 2 ? mine : other).refresh(token));
            await expectOneSuccessor(token, await Promise.all(answers));
        });

        it('see each other’s rotations, retries, revocations and reuse at once', async () => {
            const { refresh_token: first } = await mine.signIn();
            const rotated = await other.refresh(first);
            expect(rotated.status).to.equal(200);
            expect((await mine.refresh(first)).body.refresh_token).to.equal(rotated.body.refresh_token);
            const again = await mine.refresh(rotated.body.refresh_token as string);
            expect((await other.refresh(first)).body.error).to.equal('invalid_grant');
            expect((await other.refresh(again.body.refresh_token as string)).status).to.equal(200);

            const [row] = await rowsOf(database.dataSource, first);
            expect((await other.revoke(FRIGG, row!.id)).status).to.equal(204);
            expect((await mine.refresh(again.body.refresh_token as string)).body.error).to.equal('invalid_grant');

            const { refresh_token: stolen } = await mine.signIn();
            const victim = await mine.refresh(stolen);
            mine.pass(3600);
            await other.setTime(mine.now);
            expect((await other.refresh(stolen)).body.error).to.equal('invalid_grant');
            expect((await mine.refresh(victim.body.refresh_token as string)).body.error).to.equal('invalid_grant');
            expect((await storedGrant(database.dataSource, stolen)).endReason).to.equal('refresh_token_reused');
        });

        it('end by themselves once server and database are closed', async () => {
            expect(await other.stop()).to.equal(0);
        });
    });
});
