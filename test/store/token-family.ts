import { createHash, createHmac } from 'node:crypto';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { DataSource, type Logger } from 'typeorm';
import { generateSigningKey, type Lifetimes, type Options } from '../../plugin/index';
import { createFamilyKey, createRefreshToken } from '../../plugin/tokens/refresh-token';
import { createDevice, grantOf, Holder, decryptsSuccessor, rowsOf, storedGrant } from '../support/token-family';
import { Forum, FRIGG, START } from '../support/forum';
import { storeFamily } from '../support/stored-family';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const DAY = 86_400;

interface Statement {
    sql: string;
    parameters: unknown[];
}

/** Keeps what TypeORM sends. */
class Recorder implements Logger {
    readonly statements: Statement[] = [];

    logQuery(sql: string, parameters: unknown[] = []): void {
        this.statements.push({ sql: sql.trim(), parameters });
    }

    logQueryError(): void {}
    logQuerySlow(): void {}
    logSchemaBuild(): void {}
    logMigration(): void {}
    log(): void {}

    /** What was sent since this was asked last. */
    take(): Statement[] {
        return this.statements.splice(0);
    }

    kinds(): string[] {
        return this.take().map(({ sql }) => sql.split(/\s/, 1)[0]!);
    }
}

describe('a token family', () => {
    const database = useDatabase(lab);
    let recorder: Recorder;
    let recorded: DataSource;
    const forums: Forum[] = [];

    before(async () => {
        recorder = new Recorder();
        recorded = new DataSource({ ...database.dataSource.options, logging: ['query'], logger: recorder });
        await recorded.initialize();
    });

    after(async () => {
        await Promise.all(forums.map((forum) => forum.stop()));
        await recorded.destroy();
    });

    const open = async (lifetimes: Partial<Lifetimes> = {}, options: Partial<Options> = {}): Promise<Forum> => {
        const forum = await Forum.create(recorded, { lifetimes, ...options });
        forums.push(forum);
        return forum;
    };

    const signIn = async (forum: Forum): Promise<Holder> => new Holder(forum, (await forum.signIn()).refresh_token);

    const endOf = async (token: string): Promise<string | null> =>
        (await storedGrant(database.dataSource, token)).endReason;

    describe('in the database', () => {
        it('is rotated by one SELECT and one INSERT', async () => {
            const forum = await open();
            const phone = await signIn(forum);
            for (let rotation = 0; rotation < 3; ++rotation) {
                recorder.take();
                expect((await phone.refresh()).status).to.equal(200);
                expect(recorder.kinds()).to.equal(['SELECT', 'INSERT']);
            }
        });

        it('is read by one SELECT where nothing has to be written', async () => {
            const forum = await open();
            const phone = await signIn(forum);
            await phone.loseResponse();
            recorder.take();
            expect((await phone.loseResponse()).status).to.equal(200);
            expect(recorder.kinds()).to.equal(['SELECT']);
            await forum.refresh(phone.refreshToken, { scope: 'email' });
            expect(recorder.kinds()).to.equal(['SELECT']);
            await forum.refresh(`${phone.refreshToken.slice(0, -1)}${phone.refreshToken.endsWith('A') ? 'B' : 'A'}`);
            expect(recorder.kinds()).to.equal(['SELECT']);
        });

        it('is found by unique keys, a row of client and grant and three of the token family, however long it is', async () => {
            const forum = await open();
            const { tokens } = await storeFamily(
                database.dataSource,
                Array.from({ length: 30 }, (_, place) => ({ createdAt: forum.now - 3_000_000 + place }))
            );
            recorder.take();
            // Every row is there: the token, its successor and the one after that.
            await forum.refresh(tokens[15]!);
            const [{ sql, parameters }] = recorder.take() as [Statement];
            const plan = await database.dataSource.query<{ table: string; type: string; key: string; rows: unknown }[]>(
                `EXPLAIN ${sql}`,
                parameters
            );
            expect(plan.map(({ table, type, key, rows }) => [table, type, key, Number(rows)])).to.equal([
                ['c', 'const', 'idx_oauth_clients_client_id', 1],
                ['g', 'const', 'PRIMARY', 1],
                ['t', 'range', 'idx_oauth_refresh_tokens_chain', 3]
            ]);
        });

        it('takes its successor from the row of its grant alone', async () => {
            const forum = await open();
            const phone = await signIn(forum);
            recorder.take();
            await phone.refresh();
            const { sql, parameters } = recorder.take()[1]!;
            const plan = await database.dataSource.query<{ table: string; type: string; key: string }[]>(
                `EXPLAIN ${sql}`,
                parameters
            );
            expect(plan.map(({ table, type, key }) => [table, type, key])).to.equal([['g', 'const', 'PRIMARY']]);
        });
    });

    describe('of a thousand rotations whose old rows are gone', () => {
        let forum: Forum;
        /** Every token that the token family ever had, the last one unspent. */
        const tokens: string[] = [];

        before(async () => {
            forum = await open({}, { signingKeys: [await generateSigningKey('ES256')] });
            const phone = await signIn(forum);
            tokens.push(phone.refreshToken);
            for (let rotation = 0; rotation < 1000; ++rotation) {
                forum.pass(61);
                expect((await phone.refresh()).status).to.equal(200);
                tokens.push(phone.refreshToken);
            }
            await database.dataSource.query(
                'DELETE FROM oauth_refresh_tokens WHERE grant_id = ? AND generation < 999',
                [grantOf(tokens[0]!)]
            );
        });

        const expectAlive = async (presented: string): Promise<void> => {
            const answer = await forum.refresh(presented);
            expect([answer.status, answer.body.error], presented).to.equal([400, 'invalid_grant']);
            expect(await endOf(tokens[0]!), presented).to.be.null();
        };

        it('is not revoked by the first token with another character anywhere', async () => {
            const first = tokens[0]!;
            for (let at = 0; at < first.length; ++at) {
                const other = first[at] === 'A' ? 'B' : 'A';
                const answer = await forum.refresh(first.slice(0, at) + other + first.slice(at + 1));
                expect([answer.status, answer.body.error]).to.equal([400, 'invalid_grant']);
            }
            expect(await endOf(first)).to.be.null();
        });

        it('is not revoked by tokens that were never issued', async () => {
            const grantId = grantOf(tokens[0]!);
            const bytes = Buffer.from(tokens[0]!.slice(26), 'base64url');
            const spell = (body: Buffer): string => `sdort_${grantId}${body.toString('base64url')}`;
            const stranger = await signIn(forum);
            const { chainKey } = await storedGrant(database.dataSource, stranger.refreshToken);

            // A random body, also of a generation that has a row and of the next one.
            for (const generation of [0, 1, 500, 999, 1000, 1001]) {
                await expectAlive(createRefreshToken(createFamilyKey(), { grantId, generation }));
                // Another family's key, and another family's token under this family's name.
                await expectAlive(createRefreshToken(chainKey, { grantId, generation }));
            }
            await expectAlive(`sdort_${grantId}${stranger.refreshToken.slice(26)}`);
            // The proof of another token of this token family.
            const second = Buffer.from(tokens[1]!.slice(26), 'base64url');
            await expectAlive(spell(Buffer.concat([bytes.subarray(0, 36), second.subarray(36)])));
            // Another generation.
            for (const generation of [1, 998, 999, 1000, 1001, 0x7fffffff]) {
                const moved = Buffer.from(bytes);
                moved.writeUInt32BE(generation, 0);
                await expectAlive(spell(moved));
            }
            // A proof that is a plain hash, or one under what anybody knows.
            for (const proof of [
                createHash('sha256').update(bytes.subarray(0, 36)).digest(),
                createHmac('sha256', grantId).update(bytes.subarray(0, 36)).digest(),
                Buffer.alloc(32)
            ]) {
                await expectAlive(spell(Buffer.concat([bytes.subarray(0, 36), proof.subarray(0, 18)])));
            }
            expect((await stranger.refresh()).status).to.equal(200);
        });

        it("is not revoked by its own token in another client's hands", async () => {
            const device = await createDevice(forum);
            const answer = await forum.refresh(tokens[0]!, { client_id: device.client_id });
            expect(answer.body.error).to.equal('invalid_grant');
            expect(await endOf(tokens[0]!)).to.be.null();
        });

        it('is revoked by its very first token, with one UPDATE', async () => {
            expect((await forum.refresh(tokens[1000]!, { scope: 'email' })).body.error).to.equal('invalid_scope');
            recorder.take();
            expect((await forum.refresh(tokens[0]!)).body.error).to.equal('invalid_grant');
            // Once more by a locking read, and which generations there are: a read that is behind is no theft.
            expect(recorder.kinds()).to.equal(['SELECT', 'SELECT', 'SELECT', 'UPDATE']);
            expect(await endOf(tokens[0]!)).to.equal('refresh_token_reused');
            for (const token of [tokens[1000]!, tokens[999]!, tokens[500]!, tokens[0]!]) {
                expect((await forum.refresh(token)).body.error).to.equal('invalid_grant');
            }
        });
    });

    it('is revoked by any token that it had, with rows or without', async () => {
        const forum = await open();
        for (const [rotations, presented, pruned] of [
            [1, 0, 0],
            [2, 0, 0],
            [2, 0, 1],
            [3, 1, 2],
            [5, 4, 0],
            [5, 3, 4]
        ] as const) {
            const phone = await signIn(forum);
            const tokens = [phone.refreshToken];
            for (let rotation = 0; rotation < rotations; ++rotation) {
                await phone.refresh();
                tokens.push(phone.refreshToken);
            }
            forum.pass(60);
            await database.dataSource.query('DELETE FROM oauth_refresh_tokens WHERE grant_id = ? AND generation < ?', [
                grantOf(tokens[0]!),
                pruned
            ]);
            expect((await forum.refresh(tokens[presented]!)).body.error).to.equal('invalid_grant');
            expect(await endOf(tokens[0]!)).to.equal('refresh_token_reused');
            expect((await phone.refresh()).body.error).to.equal('invalid_grant');
        }
    });

    describe('whose time is limited', () => {
        it('lives on for as long as each token is used within its own lifetime', async () => {
            const forum = await open({ refreshToken: 10 * DAY });
            const phone = await signIn(forum);
            for (let rotation = 0; rotation < 20; ++rotation) {
                forum.pass(10 * DAY - 1);
                expect((await phone.refresh()).status).to.equal(200);
            }
            const rows = await rowsOf(database.dataSource, phone.refreshToken);
            expect(rows.every((row) => row.expiresAt === row.createdAt + 10 * DAY * 1000)).to.be.true();
            forum.pass(10 * DAY);
            const late = await phone.refresh();
            expect([late.status, late.body.error]).to.equal([400, 'invalid_grant']);
            // Too late is no theft.
            expect(await endOf(phone.refreshToken)).to.be.null();
        });

        it('does not live longer than the cap, whatever its tokens last', async () => {
            const forum = await open({ refreshToken: 10 * DAY, refreshChain: 25 * DAY });
            const phone = await signIn(forum);
            for (const days of [9, 9, 6]) {
                forum.pass(days * DAY);
                expect((await phone.refresh()).status).to.equal(200);
            }
            const rows = await rowsOf(database.dataSource, phone.refreshToken);
            const end = START + 25 * DAY * 1000;
            expect(rows.map((row) => row.expiresAt)).to.equal([
                START + 10 * DAY * 1000,
                START + 19 * DAY * 1000,
                end,
                end
            ]);
            forum.now = end - 1;
            const lost = await phone.loseResponse();
            expect(lost.status).to.equal(200);
            forum.now = end;
            // Neither the head nor a retry outlives it.
            expect((await phone.loseResponse()).body.error).to.equal('invalid_grant');
            expect((await forum.refresh(lost.body.refresh_token as string)).body.error).to.equal('invalid_grant');
            expect(await endOf(phone.refreshToken)).to.be.null();
        });

        it('is held to a cap that came later, on a retry too', async () => {
            const uncapped = await open();
            const capped = await open({ refreshChain: 6 * DAY });
            const phone = await signIn(uncapped);
            uncapped.pass(6 * DAY - 10);
            const lost = await phone.loseResponse();
            expect(lost.status).to.equal(200);
            capped.pass(6 * DAY - 0.001);
            expect((await capped.refresh(phone.refreshToken)).status).to.equal(200);
            capped.pass(0.001);
            const retried = await capped.refresh(phone.refreshToken);
            const head = await capped.refresh(lost.body.refresh_token as string);
            expect([retried.body.error, head.body.error]).to.equal(['invalid_grant', 'invalid_grant']);
            expect(await endOf(phone.refreshToken)).to.be.null();
        });
    });

    describe('to someone who reads the database', () => {
        it('shows no token, and nothing that opens one', async () => {
            const forum = await open({ refreshRetryWindow: 'until-used' });
            const device = await createDevice(forum);
            const issued: string[] = [];
            for (let sign = 0; sign < 3; ++sign) {
                const tokens = await forum.signIn(FRIGG, sign === 2 ? { ...device } : undefined);
                issued.push(tokens.access_token, tokens.refresh_token);
                const phone = new Holder(forum, tokens.refresh_token);
                for (let rotation = 0; rotation < 3; ++rotation) {
                    const { body } = await forum.refresh(
                        phone.refreshToken,
                        sign === 2 ? { client_id: device.client_id } : {}
                    );
                    issued.push(body.access_token as string, body.refresh_token as string);
                    phone.refreshToken = body.refresh_token;
                }
            }
            const { client_secret: secret } = await forum.createClient(FRIGG);
            const { device_code: deviceCode } = await forum.device();
            issued.push(secret, deviceCode);

            const rows: Record<string, unknown>[] = [];
            for (const { tableName } of database.dataSource.entityMetadatas) {
                rows.push(
                    ...(await database.dataSource.query<Record<string, unknown>[]>(`SELECT * FROM ${tableName}`))
                );
            }
            const stored = rows
                .flatMap((row) => Object.values(row))
                .filter((value) => value !== null)
                .map(String);
            expect(stored.length).to.be.above(200);
            const dump = stored.join('\n');
            for (const token of issued) {
                expect(dump).to.not.include(token);
                // Nor the secret part of it, in another notation.
                const secretPart = token.replace(/^(sdort_.{20}|sdoas_|ey.*\.)/, '').slice(6, 40);
                expect(secretPart.length).to.equal(34);
                expect(dump).to.not.include(secretPart);
                expect(dump).to.not.include(Buffer.from(secretPart, 'base64url').toString('hex'));
            }

            // Nothing stored is itself a token, or opens with another stored value what was encrypted.
            const sealed = rows.map((row) => row.sealed_token).filter((value) => typeof value === 'string');
            // One for each of the rotations above: what follows looks at the right place.
            const opened = sealed.filter((seal) => issued.some((token) => decryptsSuccessor(token, seal)));
            expect(opened.length).to.equal(9);
            for (const value of new Set(stored.filter((text) => text.length >= 20))) {
                expect(
                    opened.some((seal) => decryptsSuccessor(value, seal)),
                    value
                ).to.be.false();
                expect((await forum.refresh(value)).body.error).to.equal('invalid_grant');
            }
        });

        it('lets him revoke a grant at most', async () => {
            const forum = await open();
            const phone = await signIn(forum);
            const { id: grantId, chainKey } = await storedGrant(database.dataSource, phone.refreshToken);
            for (const generation of [0, 1]) {
                const forged = createRefreshToken(chainKey, { grantId, generation });
                const answer = await forum.refresh(forged);
                expect([answer.status, answer.body.error]).to.equal([400, 'invalid_grant']);
                expect(answer.body.access_token).to.be.undefined();
            }
            expect(await endOf(phone.refreshToken)).to.equal('refresh_token_reused');
        });
    });
});
