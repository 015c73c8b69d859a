import { once } from 'node:events';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { Cluster, Redis } from 'ioredis';
import { connectionOf, readRedisUrl } from '../../jobs/command/redis-url';
import { Forum, type Answer } from '../support/forum';
import { eventually, keys, WatchedWorker } from '../support/maintenance';
import { startOwnServers, type OwnServers } from '../support/own-servers';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const OFTEN = { 'expire-device-codes': 1, 'prune-refresh-chains': 1, 'remove-unused': 1 };
const PASSWORD = 'p@ss:w/r%d#?';

describe('a forum with other forms of Redis', () => {
    const database = useDatabase(lab);
    let servers: OwnServers;

    before({ timeout: 60_000 }, async () => {
        servers = await startOwnServers('redis', 'redis-2', 'redis-cluster', 'sentinel');
    });

    after(() => servers?.stop());

    const port = (name: string): number => Number(new URL(servers.urls[name]!).port);

    const work = (url: string, prefix?: string): WatchedWorker =>
        new WatchedWorker({
            dataSource: database.dataSource,
            connection: connectionOf(readRedisUrl(url)),
            every: OFTEN,
            ...(prefix !== undefined && { prefix })
        });

    const runsAtLeast = async (worker: WatchedWorker, times: number): Promise<void> => {
        const before = worker.of('expire-device-codes').length;
        await eventually(() => worker.of('expire-device-codes').length >= before + times);
    };

    it('runs its jobs on a Redis Cluster, under keys of one slot', async () => {
        const worker = work(`redis+cluster://127.0.0.1:${port('redis-cluster')}`);
        await runsAtLeast(worker, 2);
        expect(worker.errors).to.equal([]);
        await worker.close();
        const node = new Redis(port('redis-cluster'), '127.0.0.1');
        const names = await node.keys('*');
        expect(names.length).to.be.above(0);
        expect(names.every((name) => name.startsWith('{bull}:oauth-maintenance:'))).to.be.true();
        node.disconnect();
    });

    it('counts its limits on a Redis Cluster', async () => {
        const cluster = new Cluster([{ host: '127.0.0.1', port: port('redis-cluster') }]);
        await once(cluster, 'ready');
        const limits = { redis: cluster, deviceAuthorization: { points: 2, seconds: 60 } };
        const forum = await Forum.create(database.dataSource, { limits });
        const ask = (): Promise<Answer> =>
            forum.form('/oauth/device_authorization', {
                client_id: 'storyden-cli',
                scope: 'openid profile offline_access'
            });
        const statuses = [await ask(), await ask(), await ask()].map(({ status }) => status);
        expect(statuses).to.equal([200, 200, 429]);
        expect(forum.log.join()).to.not.contain('counts for itself');
        await forum.stop();
        cluster.disconnect();
    });

    it('follows a primary that Sentinels know, with a password of any characters, to the next one', async () => {
        const [primary, replica] = [new Redis(servers.urls.redis!), new Redis(servers.urls['redis-2']!)];
        for (const node of [primary, replica]) {
            await node.config('SET', 'requirepass', PASSWORD);
            await node.auth(PASSWORD);
            await node.config('SET', 'masterauth', PASSWORD);
        }
        const watcher = new Redis(servers.urls.sentinel!);
        await watcher.call('SENTINEL', 'MONITOR', 'forum', '127.0.0.1', `${port('redis')}`, '1');
        await watcher.call('SENTINEL', 'SET', 'forum', 'auth-pass', PASSWORD);
        const secret = encodeURIComponent(PASSWORD);
        // This Sentinel has no password of its own, and takes the one that it is sent.
        await watcher.call('ACL', 'SETUSER', 'default', `>${PASSWORD}`);
        const worker = work(`redis+sentinel://:${secret}@127.0.0.1:${port('sentinel')}/forum`, keys());
        await runsAtLeast(worker, 1);

        // What was the primary becomes a replica: it is read-only, and says so at once to whoever writes.
        await watcher.call('SENTINEL', 'REMOVE', 'forum');
        await watcher.call('SENTINEL', 'MONITOR', 'forum', '127.0.0.1', `${port('redis-2')}`, '1');
        await watcher.call('SENTINEL', 'SET', 'forum', 'auth-pass', PASSWORD);
        await primary.replicaof('127.0.0.1', port('redis-2'));
        await runsAtLeast(worker, 1);
        expect(worker.errors.length).to.be.below(10);
        await worker.close();
        await primary.replicaof('NO', 'ONE');
        for (const node of [primary, replica]) {
            await node.config('SET', 'requirepass', '');
        }
        [primary, replica, watcher].forEach((node) => node.disconnect());
    });

    it('rests while Redis refuses what it writes, does not repeat itself, and goes on afterwards', async () => {
        const node = new Redis(servers.urls['redis-2']!);
        const worker = work(servers.urls['redis-2']!, keys());
        await runsAtLeast(worker, 1);
        await node.config('RESETSTAT');
        // Full: it can be read, and refuses everything else.
        await node.config('SET', 'maxmemory', '1');
        await eventually(() => worker.errors.length > 0);
        const began = Date.now();
        await eventually(() => Date.now() - began > 2500);
        // Each message once, and again after a job that came through.
        expect(worker.errors.length).to.be.below(6);
        const [, calls] = /total_commands_processed:(\d+)/.exec(await node.info('stats')) ?? [];
        expect(Number(calls)).to.be.below(200);
        await node.config('SET', 'maxmemory', '0');
        await runsAtLeast(worker, 1);
        await worker.close();
        node.disconnect();
    });
});
