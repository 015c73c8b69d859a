import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { redis } from './redis.mjs';

/** A Redis Cluster of one node, with all slots. */
export const redisCluster = {
    ...redis,
    arguments: (folder, port) => [
        ...redis.arguments(folder, port),
        '--cluster-enabled',
        'yes',
        '--cluster-announce-ip',
        '127.0.0.1',
        '--cluster-port',
        // The usual one is the port and 10000, which need not exist.
        `${port > 40_000 ? port - 10_000 : port + 10_000}`
    ],

    async isReady(folder, port, pid) {
        if (!(await redis.isReady(folder, port, pid))) {
            return false;
        }
        const node = new Redis(port, '127.0.0.1');
        try {
            if ((await node.cluster('INFO')).includes('cluster_slots_assigned:0')) {
                await node.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
            }
            return (await node.cluster('INFO')).includes('cluster_state:ok');
        } finally {
            node.disconnect();
        }
    }
};

/** A Sentinel that watches nothing until it is told what. */
export const sentinel = {
    ...redis,
    configure: (folder) => writeFileSync(join(folder, 'sentinel.conf'), 'protected-mode no\n'),
    arguments: (folder, port) => [
        join(folder, 'sentinel.conf'),
        '--port',
        `${port}`,
        '--bind',
        '127.0.0.1',
        '--dir',
        folder,
        '--sentinel'
    ]
};
