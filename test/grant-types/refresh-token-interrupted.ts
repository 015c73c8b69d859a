import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { DataSource } from 'typeorm';
import type { Lifetimes } from '../../plugin/index';
import { Holder, rowsOf, storedGrant } from '../support/token-family';
import { Forum, FRIGG, START, type Answer } from '../support/forum';
import { DatabaseProxy, MOMENTS } from '../support/proxy';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

describe('an interrupted refresh', () => {
    const database = useDatabase(lab);
    const direct = useForum(lab, { database });
    let proxy: DatabaseProxy;
    /** Connected through the proxy. */
    let behindProxy: DataSource;
    let now = START;

    before(async () => {
        const { host, port } = database.dataSource.options as unknown as { host: string; port: number };
        proxy = await DatabaseProxy.open({ host, port });
        behindProxy = await database.connect({ host: '127.0.0.1', port: proxy.port });
    });

    after(async () => {
        await behindProxy.destroy();
        await proxy.close();
    });

    const open = (lifetimes: Partial<Lifetimes> = {}): Promise<Forum> =>
        Forum.create(behindProxy, { lifetimes, clock: () => now });

    const signIn = async (): Promise<string> => (await direct.signIn()).refresh_token;

    /** Asks until the database can be reached again. */
    const eventually = async (request: () => Promise<Answer>): Promise<void> => {
        for (let attempts = 1; (await request()).status !== 200; ++attempts) {
            expect(attempts).to.be.below(20);
        }
    };

    const expectUnavailable = (answer: Answer): void => {
        expect([answer.status, answer.body.error], answer.text).to.equal([503, 'temporarily_unavailable']);
        expect(Number(answer.headers['retry-after'])).to.be.above(0);
    };

    /** Checks that what a client holds after an interruption leads on, on one path. */
    const expectToWork = async (forum: Forum, held: string, rotations = 1): Promise<void> => {
        const phone = new Holder(forum, held);
        const answer = await phone.refresh();
        expect(answer.status, answer.text).to.equal(200);
        const again = await forum.refresh(held);
        expect(again.body.refresh_token).to.equal(phone.refreshToken);
        expect((await rowsOf(database.dataSource, held)).length).to.equal(rotations + 1);
        expect((await phone.refresh()).status).to.equal(200);
        expect((await storedGrant(database.dataSource, held)).endedAt).to.be.null();
    };

    it('is made of one SELECT and one INSERT', async () => {
        const forum = await open();
        const held = await signIn();
        proxy.heal();
        expect((await forum.refresh(held)).status).to.equal(200);
        expect(proxy.statements.map((statement) => statement.slice(0, 6))).to.equal(['SELECT', 'INSERT']);
        await forum.stop();
    });

    for (const moment of MOMENTS) {
        for (const [statement, name] of ['SELECT', 'INSERT'].entries()) {
            it(`leaves a token that works when the connection is cut ${moment} the ${name}`, async () => {
                const forum = await open();
                for (let round = 0; round < 5; ++round) {
                    const held = await signIn();
                    proxy.cut((count) => (count === statement + 1 ? moment : undefined));
                    expectUnavailable(await forum.refresh(held));
                    expect(proxy.statements.length).to.equal(statement + 1);
                    expect(proxy.statements.at(-1)!.slice(0, 6)).to.equal(name);
                    proxy.heal();

                    // Cut before the INSERT nothing is spent, cut after it the rotation stands.
                    const rows = await rowsOf(database.dataSource, held);
                    if (name === 'SELECT' || moment === 'before') {
                        expect(rows.length).to.equal(1);
                    } else if (moment === 'after') {
                        expect(rows.length).to.equal(2);
                    }
                    await expectToWork(forum, held);
                }
                await forum.stop();
            });
        }
    }

    it('leaves a token that works when the database kills the connection at any moment', async () => {
        const forum = await open();
        const phone = new Holder(forum, await signIn());
        for (let round = 0; round < 40; ++round) {
            const refreshing = phone.refresh();
            await new Promise((resolve) => setTimeout(resolve, round % 8));
            const connections = await database.dataSource.query<{ id: number }[]>(
                'SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()'
            );
            await Promise.all(
                connections.map(({ id }) => database.dataSource.query(`KILL ${id}`).catch(() => undefined))
            );
            const { status, text } = await refreshing;
            expect([200, 503], text).to.include(status);
        }
        // The pool may not have noticed yet which of its connections are gone.
        await eventually(() => phone.refresh());
        expect((await phone.refresh()).status).to.equal(200);
        await forum.stop();
    });

    for (const moment of MOMENTS) {
        it(`leaves a token that works when each statement of a late retry is cut ${moment}`, async () => {
            const forum = await open({ refreshRetryWindow: 'until-used' });
            const permissions = forum.account(FRIGG).permissions;
            const held = await signIn();
            const lost = await forum.refresh(held);
            expect(lost.status).to.equal(200);
            now += 3_600_000;
            forum.account(FRIGG).permissions = permissions.slice(1);

            // Reads, takes the permission away, notes that it is late: each is cut once.
            for (const statement of [1, 2, 3]) {
                proxy.cut((count) => (count === statement ? moment : undefined));
                const answer = await forum.refresh(held);
                if (proxy.statements.length >= statement) {
                    expectUnavailable(answer);
                } else {
                    // What a statement did before its answer was interrupted needs no repetition.
                    expect(answer.status, answer.text).to.equal(200);
                }
                proxy.heal();
            }
            const answer = await forum.refresh(held);
            expect(answer.body.refresh_token).to.equal(lost.body.refresh_token);
            expect(answer.body.scope).to.not.include(permissions[0]!);
            const successor = (await rowsOf(database.dataSource, held))[1]!;
            expect(successor.handedOutLate).to.be.true();
            expect(successor.scope).to.not.include(permissions[0]!);
            await expectToWork(forum, held);
            await forum.stop();
        });
    }

    it('never takes a client by surprise, however often connections break', async () => {
        const forum = await open();
        const phones: Holder[] = [];
        while (phones.length < 12) {
            phones.push(new Holder(forum, await signIn()));
        }
        const answered = { 200: 0, 503: 0 };
        proxy.cut((count) => (count % 5 === 0 ? MOMENTS[(count / 5) % 3] : undefined));
        await Promise.all(
            phones.map(async (phone) => {
                for (let round = 0; round < 15; ++round) {
                    const { status, text } = await phone.refresh();
                    expect([200, 503], text).to.include(status);
                    answered[status as 200 | 503] += 1;
                }
            })
        );
        proxy.heal();
        expect(answered[200]).to.be.above(20);
        expect(answered[503]).to.be.above(20);
        for (const phone of phones) {
            const { status, text } = await phone.refresh();
            expect(status, text).to.equal(200);
            // One path, without a gap.
            const generations = (await rowsOf(database.dataSource, phone.refreshToken)).map((row) => row.generation);
            expect(generations).to.equal(generations.map((_generation, index) => index));
        }
        await forum.stop();
    });

    it('answers 503 when the end of a reused token family cannot be written, and ends it the next time', async () => {
        const forum = await open();
        for (const moment of MOMENTS) {
            const held = await signIn();
            expect((await forum.refresh(held)).status).to.equal(200);
            now += 3_600_000;
            proxy.cut((count) => (count === 2 ? moment : undefined));
            expectUnavailable(await forum.refresh(held));
            expect(proxy.statements.at(-1)!.slice(0, 19)).to.equal('UPDATE oauth_grants');
            proxy.heal();
            expect((await forum.refresh(held)).body.error).to.equal('invalid_grant');
            expect((await storedGrant(database.dataSource, held)).endReason).to.equal('refresh_token_reused');
        }
        await forum.stop();
    });
});
