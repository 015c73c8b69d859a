import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { Redis } from 'ioredis';
import type { DataSource } from 'typeorm';
import { OAuthRefreshToken } from '../../entities';
import { startWorker, type WorkerOptions } from '../../jobs';
import { Forum, START } from '../support/forum';
import { eventually, keys, openQueue, openRedis, WatchedWorker } from '../support/maintenance';
import { redisUrl, throwawayServer } from '../support/servers';
import { deleteFamilies, storeFamily } from '../support/stored-family';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const DAY = 24 * 60 * 60 * 1000;
const OFTEN = { 'expire-device-codes': 1, 'prune-refresh-chains': 1, 'remove-unused': 1 };
const SELDOM = { 'expire-device-codes': 3600, 'prune-refresh-chains': 3600, 'remove-unused': 3600 };

describe('the worker', () => {
    const database = useDatabase(lab);
    let dataSource: DataSource;
    let forum: Forum;
    let redis: Redis;

    before(async () => {
        dataSource = database.dataSource;
        forum = await Forum.create(dataSource);
        redis = openRedis();
    });

    after(async () => {
        redis.disconnect();
        await forum.stop();
    });

    const watch = (options: Partial<ConstructorParameters<typeof WatchedWorker>[0]>) =>
        new WatchedWorker({ dataSource, clock: () => forum.now, ...options });

    /** Stores families of one token each that were revoked long ago. */
    const storeRevoked = async (count: number): Promise<void> => {
        for (let families = 0; families < count; ++families) {
            await storeFamily(dataSource, [{ createdAt: START - 20 * DAY }], { endedAt: START - 19 * DAY });
        }
    };
    const tokens = () => dataSource.getRepository(OAuthRefreshToken).count();

    it('runs every job on a single schedule, however many workers there are', async () => {
        await forum.device();
        forum.pass(2 * 60 * 60);
        const prefix = keys();
        const workers = Array.from({ length: 3 }, () => watch({ prefix, every: OFTEN }));
        const reports = () => workers.flatMap((worker) => worker.of('expire-device-codes'));
        await eventually(() => reports().length >= 3);
        const queue = openQueue(redis, prefix);
        const schedulers = await queue.getJobSchedulers();
        expect(schedulers.map(({ key }) => key).sort()).to.equal([
            'expire-device-codes',
            'prune-refresh-chains',
            'remove-unused'
        ]);
        // Of each schedule, one run waits and one may be under way. Without sharing there would be nine schedules.
        expect((await queue.getDelayedCount()) + (await queue.getActiveCount())).to.be.most(6);
        await Promise.all(workers.map((worker) => worker.close()));
        const removed = reports().reduce(
            (sum, { counts }) => sum + ('device_authorizations' in counts ? counts.device_authorizations : 0),
            0
        );
        expect(removed).to.equal(1);
        // Three intervals, or four: the three workers have not each run them all.
        expect(reports().length).to.be.most(4);
        expect(workers.flatMap(({ errors }) => errors)).to.equal([]);
    });

    it('accepts a URL, options or a client, and leaves a given client open', async () => {
        const { hostname, port } = new URL(redisUrl());
        for (const connection of [redisUrl(), { host: hostname, port: Number(port) }, redis]) {
            const worker = watch({ connection, prefix: keys(), every: SELDOM });
            await eventually(() => worker.reports.length === 3);
            await worker.close();
        }
        expect(await redis.ping()).to.equal('PONG');
    });

    it('repeats a run that failed, reports the failure and keeps a bounded number of jobs', async () => {
        const prefix = keys();
        let failures = 0;
        const worker = watch({
            prefix,
            every: { ...SELDOM, 'expire-device-codes': 1 },
            clock: () => {
                failures += 1;
                if (failures <= 2) {
                    throw new Error('no time');
                }
                return forum.now;
            }
        });
        await eventually(() => worker.reports.length >= 2);
        expect(worker.errors.map((error) => error.message)).to.equal(['no time', 'no time']);
        await worker.close();

        const queue = openQueue(redis, prefix);
        const jobs = await queue.getJobs(['completed', 'delayed', 'failed']);
        for (const { opts } of jobs) {
            expect(opts.attempts).to.equal(5);
            expect(opts.backoff).to.include({ type: 'exponential' });
            expect(opts.removeOnComplete).to.equal({ count: 50 });
            expect(opts.removeOnFail).to.equal({ count: 200 });
        }
        expect(jobs.some(({ attemptsMade }) => attemptsMade > 1)).to.equal(true);
        // The reports are kept with the jobs.
        const returned = jobs.map((job) => job.returnvalue as { counts?: object } | null);
        expect(returned.filter((value) => value?.counts !== undefined).length).to.be.above(1);
    });

    it('does not run a job twice at once when it takes longer than its interval', async () => {
        await deleteFamilies(dataSource);
        await storeRevoked(40);
        let free = (): void => undefined;
        const held = new Promise<void>((resolve) => (free = resolve));
        const slow = Object.create(dataSource) as DataSource;
        let isHeld = false;
        slow.query = async (...parameters: Parameters<DataSource['query']>) => {
            // What `remove-unused` reads of grants begins otherwise.
            if (!isHeld && /FROM oauth_grants g(?! WHERE g\.oauth_client_id)/.test(parameters[0])) {
                isHeld = true;
                await held;
            }
            return dataSource.query(...parameters);
        };
        const worker = watch({ dataSource: slow, prefix: keys(), every: OFTEN });
        await eventually(() => worker.of('expire-device-codes').length >= 3);
        expect(worker.of('prune-refresh-chains')).to.equal([]);
        free();
        await eventually(() => worker.of('prune-refresh-chains').length === 1);
        await worker.close();
        expect(worker.of('prune-refresh-chains')[0]!.counts).to.include({ refresh_tokens: 40 });
    });

    it('finishes its batch when it is closed, and the next worker continues', async () => {
        await deleteFamilies(dataSource);
        await storeRevoked(60);
        const prefix = keys();
        const first = watch({ prefix, every: SELDOM, batchSize: 5 });
        await eventually(async () => (await tokens()) <= 50);
        await first.close();
        const left = await tokens();
        expect(left).to.be.between(0, 60);
        expect(left % 5).to.equal(0);
        await sleep(30);
        expect(await tokens()).to.equal(left);

        const second = watch({ prefix: keys(), every: SELDOM, batchSize: 5 });
        await eventually(async () => (await tokens()) === 0);
        await second.close();
    });

    it('writes its schedules again when Redis comes back empty', async () => {
        const server = throwawayServer('redis');
        if (!server) {
            return;
        }
        const prefix = keys();
        const worker = watch({ prefix, every: OFTEN });
        await eventually(() => worker.of('expire-device-codes').length >= 1);
        await server.kill();
        await sleep(100);
        const answer = await forum.device();
        expect(answer.user_code).to.be.a.string();
        await server.start();
        const before = worker.of('expire-device-codes').length;
        await eventually(() => worker.of('expire-device-codes').length >= before + 2);
        const queue = openQueue(redis, prefix);
        expect(await queue.getJobSchedulersCount()).to.equal(3);
        await worker.close();
    });

    it('writes its schedules again when Redis is emptied while connected', async () => {
        const prefix = keys();
        const every = { 'expire-device-codes': 0.2, 'prune-refresh-chains': 0.2, 'remove-unused': 0.2 };
        const workers = [watch({ prefix, every }), watch({ prefix, every })];
        const reports = () => workers.flatMap((worker) => worker.reports).length;
        await eventually(() => reports() >= 2);
        await redis.eval("redis.call('DEL', unpack(redis.call('KEYS', ARGV[1])))", 0, `${prefix}:*`);
        const before = reports();
        // Two may have been running already.
        await eventually(() => reports() >= before + 4);
        const queue = openQueue(redis, prefix);
        const schedulers = await queue.getJobSchedulers();
        expect(schedulers.map(({ key }) => key).sort()).to.equal([
            'expire-device-codes',
            'prune-refresh-chains',
            'remove-unused'
        ]);
        await Promise.all(workers.map((worker) => worker.close()));
    });

    it('does not start with options that it cannot use', () => {
        for (const [options, said] of [
            [{ connection: undefined }, '"connection"'],
            [{ connection: '' }, '"connection"'],
            [{ retention: -1 }, '"retention"'],
            [{ history: 101 }, '"history"'],
            [{ batchSize: 0 }, '"batchSize"'],
            [{ every: { 'prune-refresh-chains': 0 } }, '"every" of prune-refresh-chains'],
            [{ every: { 'expire-device-codes': NaN } }, '"every" of expire-device-codes']
        ] as const) {
            const start = () => startWorker({ dataSource, connection: redisUrl(), ...options } as WorkerOptions);
            expect(start).to.throw(Error, new RegExp(`^${said} must be `));
        }
    });

    it('closes within seconds while Redis is away, and starts without Redis', { timeout: 15_000 }, async () => {
        const server = throwawayServer('redis');
        if (!server) {
            return;
        }
        const connected = watch({ prefix: keys(), every: SELDOM });
        await eventually(() => connected.reports.length === 3);
        await server.kill();
        const early = watch({ prefix: keys(), every: SELDOM });
        await eventually(() => early.errors.length > 0);
        const began = performance.now();
        await Promise.all([connected.close(), early.close()]);
        expect(performance.now() - began).to.be.below(6000);

        const late = watch({ prefix: keys(), every: SELDOM });
        await server.start();
        await eventually(() => late.reports.length === 3);
        await late.close();
    });

    it('finishes its job after MariaDB was killed in the middle of it', async () => {
        const server = throwawayServer('mariadb');
        if (!server) {
            return;
        }
        await deleteFamilies(dataSource);
        await storeRevoked(120);
        const worker = watch({ prefix: keys(), every: SELDOM, batchSize: 4 });
        await eventually(async () => (await tokens()) < 110);
        await server.kill();
        await sleep(50);
        await server.start();
        await eventually(() => worker.of('prune-refresh-chains').length === 1);
        await worker.close();
        expect(await tokens()).to.equal(0);
    });
});
