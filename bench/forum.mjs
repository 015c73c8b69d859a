// A web process: a forum with the plugin, which listens and prints {"origin": …}.
//
// node forum.mjs <database url>
// With SIGNING_KEY, a private JWK, it signs with that one. On SIGUSR2 it prints its memory after a collection, in MB.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import Hapi from '@hapi/hapi';
import OAuth from './dist/plugin/index.js';
import { connect } from './database.mjs';

const PERMISSIONS = ['CREATE_POST', 'READ_PUBLISHED_THREADS', 'CREATE_REACTION', 'READ_PROFILE', 'USE_OAUTH_CLIENTS'];

const dataSource = await connect(process.argv[2], { extra: { connectionLimit: 20 } });
const server = Hapi.server({ host: '127.0.0.1', port: 0 });
server.auth.scheme('member', () => ({
    authenticate: (request, h) =>
        h.authenticated({ credentials: { accountId: request.headers['x-account'] ?? 'account1' } })
}));
server.auth.strategy('session', 'member');
await server.register({
    plugin: OAuth,
    routes: { prefix: '/api' },
    options: {
        issuer: 'https://forum.example',
        dataSource,
        accounts: {
            find: (id) => Promise.resolve({ id, handle: id, name: id, permissions: PERMISSIONS })
        },
        session: { strategy: 'session' },
        signingKeys: [process.env.SIGNING_KEY ? JSON.parse(process.env.SIGNING_KEY) : await OAuth.generateSigningKey()]
    }
});
await server.start();
console.log(JSON.stringify({ origin: server.info.uri }));
process.on('SIGUSR2', () => {
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
    const { rss, heapUsed } = process.memoryUsage();
    console.log(JSON.stringify({ memory: { rss: rss / 2 ** 20, heapUsed: heapUsed / 2 ** 20 } }));
});
process.once('SIGTERM', async () => {
    await server.stop({ timeout: 1000 });
    await dataSource.destroy();
});
