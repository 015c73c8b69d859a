import { Redis } from 'ioredis';

/** A Redis server that keeps nothing. */
export const redis = {
    program: 'redis-server',
    packages: { debian: 'redis-server', other: 'Redis' },

    arguments: (folder, port) => [
        '--bind',
        '127.0.0.1',
        '--port',
        `${port}`,
        '--dir',
        folder,
        '--save',
        '',
        '--appendonly',
        'no'
    ],

    url: (port) => `redis://127.0.0.1:${port}`,

    /** Whether it is this server, and not a stranger with the same port, that answers. */
    async isReady(_folder, port, pid) {
        const client = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => null });
        client.on('error', () => {});
        try {
            await client.connect();
            return (await client.info('server')).includes(`process_id:${pid}\r\n`);
        } finally {
            client.disconnect();
        }
    }
};
