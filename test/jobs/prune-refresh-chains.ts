import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import * as fc from 'fast-check';
import type { DataSource } from 'typeorm';
import { OAuthClient, OAuthGrant, OAuthRefreshToken } from '../../entities';
import { pruneRefreshChains } from '../../plugin';
import { grantOf, Holder, rowsOf, storedGrant } from '../support/token-family';
import { DEVICE_CODE, Forum, FRIGG, START, unique } from '../support/forum';
import {
    storeFirstPartyClient,
    deleteFamilies,
    generationsOf,
    encryptedGenerationsOf,
    storeFamily,
    type StoredToken
} from '../support/stored-family';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, beforeEach, describe, it } = lab;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const RETENTION = 7 * DAY;

/** Tokens rotated `step` apart, the last of them `age` old at `START`. */
function rotated(count: number, step: number, age: number): StoredToken[] {
    return Array.from({ length: count }, (_, generation) => ({
        createdAt: START - age - (count - 1 - generation) * step
    }));
}

for (const kind of ['server', 'embedded'] as const) {
    describe(`prune-refresh-token families on the ${kind} database`, () => {
        const database = useDatabase(lab, kind);
        let dataSource: DataSource;
        let forum: Forum;

        before(async () => {
            dataSource = database.dataSource;
            forum = await Forum.create(dataSource);
            await storeFirstPartyClient(dataSource);
        });

        after(async () => {
            await forum.stop();
        });

        beforeEach(async () => {
            forum.now = START;
            await deleteFamilies(dataSource);
        });

        const prune = (options: Parameters<typeof pruneRefreshChains>[1] = {}) =>
            pruneRefreshChains(dataSource, { clock: () => forum.now, ...options });

        it('removes token families that were revoked longer ago than the retention, and no others', async () => {
            const old = await storeFamily(dataSource, rotated(5, DAY, 8 * DAY), { endedAt: START - RETENTION - 1 });
            const recent = await storeFamily(dataSource, rotated(5, DAY, 8 * DAY), { endedAt: START - RETENTION + 1 });
            expect(await prune()).to.include({ refresh_tokens: 5, grants: 1 });
            expect(await generationsOf(dataSource, old.grantId)).to.equal([]);
            expect(await generationsOf(dataSource, recent.grantId)).to.equal([0, 1, 2, 3, 4]);
            const grants = await dataSource.getRepository(OAuthGrant).find();
            expect(grants.map((grant) => grant.id)).to.equal([recent.grantId]);
        });

        it('removes token families whose head expired longer ago than the retention, and no others', async () => {
            const family = (expired: number): StoredToken[] => [
                { createdAt: START - 40 * DAY, expiresAt: START + DAY },
                { createdAt: START - 39 * DAY, expiresAt: START - expired }
            ];
            await storeFamily(dataSource, family(RETENTION + 1));
            const recent = await storeFamily(dataSource, family(RETENTION - 1));
            expect(await prune()).to.include({ refresh_tokens: 2, grants: 1 });
            expect(await generationsOf(dataSource, recent.grantId)).to.equal([0, 1]);
        });

        it('keeps the head of a live family, its predecessor and tokens younger than the retention', async () => {
            const { grantId } = await storeFamily(dataSource, rotated(12, DAY, 0));
            expect(await prune()).to.include({ refresh_tokens: 5, grants: 0 });
            expect(await generationsOf(dataSource, grantId)).to.equal([5, 6, 7, 8, 9, 10, 11]);
        });

        it('keeps the head and its predecessor in a family that has been idle for weeks', async () => {
            const { grantId } = await storeFamily(dataSource, rotated(4, DAY, 20 * DAY));
            await prune();
            expect(await generationsOf(dataSource, grantId)).to.equal([2, 3]);
        });

        it('keeps at most ten more superseded tokens, or as many as it is told', async () => {
            const { grantId } = await storeFamily(dataSource, rotated(350, 3 * MINUTE, MINUTE));
            const keeps = async (history: number | undefined, count: number): Promise<void> => {
                const before = (await generationsOf(dataSource, grantId)).length;
                const options = { batchSize: 30, ...(history !== undefined && { history }) };
                expect(await prune(options)).to.include({ refresh_tokens: before - count });
                const kept = await generationsOf(dataSource, grantId);
                expect(kept).to.have.length(count);
                expect([kept[0], kept.at(-1)]).to.equal([350 - count, 349]);
            };
            await keeps(100, 102);
            await keeps(undefined, 12);
            await keeps(0, 2);
        });

        it('does not begin with a history that is not usable', async () => {
            for (const history of [-1, 101, 1.5, Number.NaN]) {
                await expect(prune({ history })).to.reject(
                    RangeError,
                    /"history" must be a whole number from 0 to 100/
                );
            }
        });

        it('keeps tokens whose retry window is open, and all that came after them', async () => {
            const tokens = rotated(6, DAY, DAY);
            tokens[2]!.retryUntil = START + 1;
            const { grantId } = await storeFamily(dataSource, tokens);
            await prune({ retention: 0 });
            expect(await generationsOf(dataSource, grantId)).to.equal([1, 2, 3, 4, 5]);
            forum.pass(0.001);
            await prune({ retention: 0 });
            expect(await generationsOf(dataSource, grantId)).to.equal([4, 5]);
        });

        it('keeps a token whose successor was used less than a minute ago, so that a late request is not reuse', async () => {
            const { grantId } = await storeFamily(dataSource, rotated(5, 30 * SECOND, 0));
            await prune({ retention: 0 });
            // The successor of 2 was used when 4 was made, now; the successor of 1 half a minute ago.
            expect(await generationsOf(dataSource, grantId)).to.equal([1, 2, 3, 4]);
            forum.pass(30);
            await prune({ retention: 0 });
            expect(await generationsOf(dataSource, grantId)).to.equal([2, 3, 4]);
        });

        it('removes a grant that an interrupted run left without tokens', async () => {
            const { grantId } = await storeFamily(dataSource, rotated(1, DAY, 60 * DAY));
            await dataSource.getRepository(OAuthRefreshToken).delete({ grantId });
            expect(await prune()).to.include({ refresh_tokens: 0, grants: 1 });
        });

        it('removes exactly the rows that the rules name', async () => {
            const family = fc.record({
                ages: fc.array(fc.integer({ min: 0, max: 12 * DAY }), { minLength: 1, maxLength: 12 }),
                // Many tokens at one instant, to exceed the history.
                burst: fc.oneof(
                    { weight: 4, arbitrary: fc.constant(0) },
                    fc.integer({ min: 5, max: 20 }),
                    fc.integer({ min: 90, max: 130 })
                ),
                windows: fc.array(
                    fc.oneof(
                        fc.constant(0),
                        fc.constant('until-used' as const),
                        fc.integer({ min: START - 10 * DAY, max: START + 10 * DAY })
                    ),
                    { minLength: 12, maxLength: 12 }
                ),
                lifetime: fc.constantFrom(30 * DAY, 5 * DAY, DAY),
                ended: fc.option(fc.integer({ min: 0, max: 10 * DAY }))
            });
            const written = fc.array(family, { minLength: 1, maxLength: 5 });
            const batchSize = fc.integer({ min: 1, max: 60 });
            const histories = fc.constantFrom(undefined, 0, 3, 100);
            await fc.assert(
                fc.asyncProperty(written, batchSize, histories, async (families, size, history) => {
                    const options = { batchSize: size, ...(history !== undefined && { history }) };
                    await deleteFamilies(dataSource);
                    const expected = new Map<string, number[]>();
                    let gone = 0;
                    for (const { ages, burst, windows, lifetime, ended } of families) {
                        const times = [...ages, ...Array<number>(burst).fill(Math.max(...ages))]
                            .map((age) => START - age)
                            .sort((one, other) => one - other);
                        const tokens = times.map((createdAt, generation) => ({
                            createdAt,
                            expiresAt: createdAt + lifetime,
                            retryUntil: generation === 0 ? 0 : (windows[generation % 12] ?? 0)
                        }));
                        const endedAt = ended === null ? null : START - ended;
                        const { grantId } = await storeFamily(dataSource, tokens, { endedAt });
                        const kept = keptOf(tokens, { endedAt, history: history ?? 10 }, START);
                        expected.set(grantId, kept);
                        gone += tokens.length - kept.length;
                    }
                    const dry = await prune({ ...options, dryRun: true });
                    expect(dry.refresh_tokens).to.equal(gone);
                    expect((await prune(options)).refresh_tokens).to.equal(gone);
                    for (const [grantId, kept] of expected) {
                        expect(await generationsOf(dataSource, grantId)).to.equal(kept);
                    }
                    const grants = await dataSource.getRepository(OAuthGrant).count();
                    expect(grants).to.equal([...expected.values()].filter((kept) => kept.length > 0).length);
                    expect((await prune(options)).refresh_tokens).to.equal(0);
                }),
                { numRuns: 20 }
            );
        });
    });
}

/** The generations that a family keeps, computed from the rules token by token. */
function keptOf(
    tokens: StoredToken[],
    { endedAt, history }: { endedAt: number | null; history: number },
    now: number
): number[] {
    const head = tokens.length - 1;
    const all = tokens.map((_token, generation) => generation);
    const expiresAt = tokens[head]!.expiresAt!;
    if ((endedAt ?? expiresAt) <= now - RETENTION || expiresAt <= now - RETENTION) {
        return [];
    }
    if (endedAt !== null || expiresAt <= now) {
        return all;
    }
    const isNeeded = (generation: number): boolean => {
        if (generation >= head - 1) {
            return true;
        }
        const { retryUntil } = tokens[generation + 1]!;
        const usedAt = tokens[generation + 2]!.createdAt;
        return (typeof retryUntil === 'number' && retryUntil > now) || usedAt + MINUTE > now;
    };
    const isFurther = (generation: number): boolean =>
        generation >= head - 1 - history && tokens[generation]!.createdAt > now - RETENTION;
    const first = all.find((generation) => isNeeded(generation) || isFurther(generation))!;
    return all.slice(first);
}

describe('a cleanup of refresh tokens', () => {
    const database = useDatabase(lab);
    let dataSource: DataSource;
    let forum: Forum;

    before(async () => {
        dataSource = database.dataSource;
        forum = await Forum.create(dataSource);
    });

    after(async () => {
        await forum.stop();
    });

    beforeEach(async () => {
        forum.now = START;
        await deleteFamilies(dataSource);
    });

    const prune = (options: Parameters<typeof pruneRefreshChains>[1] = {}) =>
        pruneRefreshChains(dataSource, { clock: () => forum.now, ...options });

    it('leaves reuse of a removed token detectable', async () => {
        const phone = new Holder(forum, (await forum.signIn()).refresh_token);
        const first = phone.refreshToken;
        for (let rotations = 0; rotations < 4; ++rotations) {
            forum.pass(DAY / SECOND);
            await phone.refresh();
        }
        forum.pass(60);
        expect((await prune({ retention: 0 })).refresh_tokens).to.equal(3);
        expect((await phone.refresh()).status).to.equal(200);
        const reused = await forum.refresh(first);
        expect([reused.status, reused.body.error]).to.equal([400, 'invalid_grant']);
        expect((await storedGrant(dataSource, first)).endReason).to.equal('refresh_token_reused');
        expect((await phone.refresh()).body.error).to.equal('invalid_grant');
    });

    it('never lets an older token become the head of its family', async () => {
        // As if the windows had been shortened from ten days to nothing in between.
        const tokens = rotated(9, DAY, DAY);
        tokens[3]!.retryUntil = START + DAY;
        const { grantId, tokens: issued } = await storeFamily(dataSource, tokens);
        await prune({ retention: 0 });
        for (const token of issued.slice(2, -2)) {
            const { status, body } = await forum.refresh(token);
            expect([status, body.error]).to.equal([400, 'invalid_grant']);
        }
        expect((await generationsOf(dataSource, grantId)).at(-1)).to.equal(8);
    });

    describe('erases an encrypted successor', () => {
        const seals = async (tokens: StoredToken[], endedAt: number | null = null): Promise<[number, number[]]> => {
            const { grantId } = await storeFamily(dataSource, tokens, { endedAt });
            const counts = await prune();
            return [counts.seals, await encryptedGenerationsOf(dataSource, grantId)];
        };
        const pair = (successor: Partial<StoredToken>, age = 10 * MINUTE): StoredToken[] => [
            { createdAt: START - DAY },
            { createdAt: START - age, ...successor }
        ];

        it('when its retry window has ended, and not a millisecond earlier', async () => {
            expect(await seals(pair({ retryUntil: START }))).to.equal([1, []]);
            expect(await seals(pair({ retryUntil: START + 1 }))).to.equal([0, [1]]);
        });

        it('when it has been used', async () => {
            const used = (retryUntil: number | 'until-used'): StoredToken[] => [
                ...pair({ retryUntil }),
                { createdAt: START - 5 * SECOND }
            ];
            expect(await seals(used('until-used'))).to.equal([1, []]);
            expect(await seals(used(START + MINUTE))).to.equal([1, []]);
            expect(await seals(pair({ retryUntil: 'until-used' }, 20 * DAY))).to.equal([0, [1]]);
        });

        it('when it has expired', async () => {
            expect(await seals(pair({ retryUntil: 'until-used', expiresAt: START }))).to.equal([1, []]);
            expect(await seals(pair({ retryUntil: 'until-used', expiresAt: START + 1 }))).to.equal([0, [1]]);
        });

        it('when the grant is revoked', async () => {
            expect(await seals(pair({ retryUntil: 'until-used' }), START)).to.equal([1, []]);
            expect(await seals(pair({ retryUntil: START + DAY }), START - 1)).to.equal([1, []]);
        });

        it('when it is a minute old and its predecessor was handed out late', async () => {
            const late = (age: number): StoredToken[] => {
                const [first, successor] = pair({ retryUntil: START + DAY }, age);
                return [{ ...first!, handedOutLate: true }, successor!];
            };
            expect(await seals(late(MINUTE))).to.equal([1, []]);
            expect(await seals(late(MINUTE - 1))).to.equal([0, [1]]);
        });

        it('in batches, and counts each one once', async () => {
            for (let families = 0; families < 30; ++families) {
                await storeFamily(dataSource, [
                    { createdAt: START - DAY },
                    { createdAt: START - 10 * MINUTE, retryUntil: START - MINUTE },
                    { createdAt: START - 5 * MINUTE, retryUntil: 'until-used' },
                    { createdAt: START - SECOND, retryUntil: START + MINUTE }
                ]);
            }
            expect((await prune({ batchSize: 7, dryRun: true })).seals).to.equal(60);
            expect((await prune({ batchSize: 7 })).seals).to.equal(60);
            const left = await dataSource.getRepository(OAuthRefreshToken).find();
            const sealed = left.filter((row) => row.sealedToken !== null);
            expect(sealed.map((row) => row.generation)).to.equal(Array<number>(30).fill(3));
            expect((await prune()).seals).to.equal(0);
        });
    });

    it('does not break a retry: the same successor is handed out after it', async () => {
        const phone = new Holder(forum, (await forum.signIn()).refresh_token);
        const lost = await phone.loseResponse();
        forum.pass(59);
        await prune({ retention: 0 });
        expect((await phone.loseResponse()).body.refresh_token).to.equal(lost.body.refresh_token);
    });

    it('does not break a retry of a phone that comes back after hours', async () => {
        const patient = await Forum.create(dataSource, { lifetimes: { refreshRetryWindow: 'until-used' } });
        const phone = new Holder(patient, (await patient.signIn()).refresh_token);
        const lost = await phone.loseResponse();
        patient.pass(9 * 60 * 60);
        await pruneRefreshChains(dataSource, { clock: () => patient.now, retention: 0 });
        expect((await phone.refresh()).body.refresh_token).to.equal(lost.body.refresh_token);
        expect((await phone.refresh()).status).to.equal(200);
        await pruneRefreshChains(dataSource, { clock: () => patient.now, retention: 0 });
        expect((await rowsOf(dataSource, phone.refreshToken)).map((row) => row.generation)).to.equal([0, 1, 2]);
        await patient.stop();
    });

    it('does not turn a slow response into reuse, even after the setting has changed', async () => {
        const patient = await Forum.create(dataSource, { lifetimes: { refreshRetryWindow: 'until-used' } });
        const phone = new Holder(patient, (await patient.signIn()).refresh_token);
        const first = phone.refreshToken;
        await phone.refresh();
        await phone.refresh();
        patient.pass(30);
        forum.now = patient.now;
        await prune({ retention: 0 });
        expect((await forum.refresh(first)).body.error).to.equal('invalid_grant');
        expect((await phone.refresh()).status).to.equal(200);
        await patient.stop();
    });

    it('continues where a stopped run ended', async () => {
        await storeFamily(dataSource, rotated(60, DAY, 8 * DAY), { endedAt: START - 8 * DAY });
        const live = await storeFamily(dataSource, rotated(60, 3 * 60 * MINUTE, 0));
        const stopping = new AbortController();
        const first = await prune({
            batchSize: 10,
            signal: stopping.signal,
            onProgress: (removed) => (removed >= 20 ? stopping.abort() : undefined)
        });
        expect(first).to.equal({ refresh_tokens: 20, grants: 0, clients: 0, seals: 0 });
        expect((await prune()).refresh_tokens).to.equal(40 + 48);
        expect(await generationsOf(dataSource, live.grantId)).to.have.length(12);
        expect(await dataSource.getRepository(OAuthGrant).count()).to.equal(1);
    });

    it('continues where a run failed', async () => {
        for (let families = 0; families < 10; ++families) {
            await storeFamily(dataSource, rotated(9, DAY, 8 * DAY), { endedAt: START - 8 * DAY });
        }
        let batches = 0;
        const failing = prune({
            batchSize: 5,
            onProgress: () => {
                batches += 1;
                if (batches % 8 === 0) {
                    throw new Error('out of paper');
                }
            }
        });
        await expect(failing).to.reject('out of paper');
        expect(await dataSource.getRepository(OAuthRefreshToken).count()).to.be.between(0, 90);
        await prune();
        expect(await dataSource.getRepository(OAuthRefreshToken).count()).to.equal(0);
        expect(await dataSource.getRepository(OAuthGrant).count()).to.equal(0);
    });

    it('does no harm when several run at once', async () => {
        const live = [];
        for (let families = 0; families < 20; ++families) {
            await storeFamily(dataSource, rotated(9, DAY, 8 * DAY), { endedAt: START - 8 * DAY });
            live.push(await storeFamily(dataSource, rotated(12, DAY, 0)));
        }
        const counts = await Promise.all([prune({ batchSize: 7 }), prune({ batchSize: 5 }), prune({ batchSize: 50 })]);
        expect(counts.reduce((sum, { refresh_tokens }) => sum + refresh_tokens, 0)).to.equal(20 * 9 + 20 * 5);
        expect(counts.reduce((sum, { grants }) => sum + grants, 0)).to.equal(20);
        for (const { grantId } of live) {
            expect(await generationsOf(dataSource, grantId)).to.equal([5, 6, 7, 8, 9, 10, 11]);
        }
    });

    it('never makes a refresh fail while its family is being pruned', async () => {
        const phones: Holder[] = [];
        for (let families = 0; families < 6; ++families) {
            const { tokens } = await storeFamily(dataSource, rotated(250, 3 * MINUTE, MINUTE));
            phones.push(new Holder(forum, tokens.at(-1)!));
        }
        let swept = false;
        const sweeping = (async () => {
            for (let sweeps = 0; sweeps < 2; ++sweeps) {
                await Promise.all([prune({ retention: 0, batchSize: 25 }), prune({ batchSize: 40 })]);
            }
            swept = true;
        })();
        const refreshed = phones.map(async (phone) => {
            const statuses = new Set<number>();
            for (let refreshes = 0; refreshes < 12 || !swept; ++refreshes) {
                forum.now += 10;
                statuses.add((await phone.refresh()).status);
            }
            return [...statuses];
        });
        expect(await Promise.all(refreshed)).to.equal(phones.map(() => [200]));
        await sweeping;
        forum.pass(120);
        await prune({ retention: 0 });
        for (const phone of phones) {
            expect(await generationsOf(dataSource, grantOf(phone.refreshToken))).to.have.length(2);
        }
    });

    it('removes a deleted client once no row refers to it, and no other client', async () => {
        const scope = 'offline_access READ_PUBLISHED_THREADS';
        const register = () =>
            forum.createClient(FRIGG, {
                name: unique('Phone '),
                type: 'public',
                allowed_grants: [DEVICE_CODE, 'refresh_token'],
                allowed_scopes: scope.split(' ')
            });
        const [deleted, kept] = [await register(), await register()];
        await forum.signIn(FRIGG, { client_id: deleted.client.client_id, scope });
        await forum.as(FRIGG, 'DELETE', `/auth/oauth/clients/${deleted.client.id}`);
        const exists = (id: string) => dataSource.getRepository(OAuthClient).existsBy({ id });

        forum.pass(7 * 24 * 60 * 60 - 1);
        expect(await prune()).to.include({ refresh_tokens: 0, grants: 0, clients: 0 });
        forum.pass(1);
        expect(await prune()).to.include({ refresh_tokens: 1, grants: 1, clients: 1 });
        expect(await exists(deleted.client.id)).to.equal(false);
        expect(await exists(kept.client.id)).to.equal(true);
    });
});
