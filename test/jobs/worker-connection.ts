import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { Cluster, Redis } from 'ioredis';
import { startWorker } from '../../jobs';
import { connectFor } from '../../jobs/worker/redis';
import { eventually, keys, openRedis, WatchedWorker } from '../support/maintenance';
import { redisUrl } from '../support/servers';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const OFTEN = { 'expire-device-codes': 1, 'prune-refresh-chains': 1, 'remove-unused': 1 };

describe('the connection of a worker', () => {
    const database = useDatabase(lab);

    it('runs each job again and again, whatever time limit the host’s client has for its commands', async () => {
        for (const connection of [
            new Redis(redisUrl(), { commandTimeout: 200 }),
            { ...optionsOf(), commandTimeout: 200 }
        ]) {
            const { dataSource } = database;
            const worker = new WatchedWorker({ dataSource, connection, prefix: keys(), every: OFTEN });
            await eventually(() => worker.of('expire-device-codes').length >= 3);
            expect(worker.errors).to.equal([]);
            await worker.close();
            if (connection instanceof Redis) {
                connection.disconnect();
            }
        }
    });

    it('puts the prefix of the host’s client before its own keys', async () => {
        const redis = openRedis();
        const keyPrefix = `${keys()}:`;
        const worker = new WatchedWorker({
            dataSource: database.dataSource,
            connection: new Redis(redisUrl(), { keyPrefix, lazyConnect: true, enableOfflineQueue: false }),
            every: OFTEN
        });
        await eventually(() => worker.of('expire-device-codes').length >= 1);
        expect((await redis.keys(`${keyPrefix}bull:oauth-maintenance:*`)).length).to.be.above(0);
        await worker.close();
        redis.disconnect();
    });

    it('has a hash tag in the prefix on Redis Cluster, or is refused', () => {
        const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true });
        const { prefix, redis } = connectFor(cluster);
        redis.disconnect();
        expect(prefix).to.equal('{bull}');
        expect(connectFor(cluster, '{forum}:jobs').prefix).to.equal('{forum}:jobs');
        expect(() => connectFor(cluster, 'forum')).to.throw(RangeError, /hash tag on Redis Cluster, such as \{forum\}/);
        cluster.disconnect();
    });

    it('is not opened for options that cannot be used', async () => {
        const redis = openRedis();
        const connections = async (): Promise<number> =>
            String(await redis.client('LIST'))
                .split('\n')
                .filter(Boolean).length;
        const before = await connections();
        const { dataSource } = database;
        for (const wrong of [{ batchSize: 0 }, { retention: -1 }, { every: { 'expire-device-codes': 0 } }]) {
            expect(() => startWorker({ dataSource, connection: redisUrl(), ...wrong })).to.throw(RangeError);
        }
        expect(await connections()).to.equal(before);
        redis.disconnect();
    });

    it('warns the process of errors where the host does not listen, once for each', async () => {
        const warnings: string[] = [];
        const listen = ({ message }: Error): void => void warnings.push(message);
        process.on('warning', listen);
        const worker = startWorker({ dataSource: database.dataSource, connection: 'redis://127.0.0.1:1' });
        await eventually(() => warnings.some((message) => message.includes('ECONNREFUSED')));
        await new Promise((resolve) => setTimeout(resolve, 500));
        await worker.close();
        process.off('warning', listen);
        const refused = warnings.filter(
            (message) => message.startsWith('oauth-maintenance: ') && /127\.0\.0\.1:1/.test(message)
        );
        expect(refused).to.have.length(1);
    });
});

function optionsOf(): { host: string; port: number } {
    const { hostname, port } = new URL(redisUrl());
    return { host: hostname, port: Number(port) };
}
