// A web process: a forum with the plugin, which listens and prints {"origin": …}.
//
// node forum.mjs <database url>
// With SIGNING_KEY, a private JWK, it signs with that one. On SIGUSR2 it prints its memory after a collection, in MB. GET
// /protected needs an access token with CREATE_POST.

import { setTimeout } from 'node:timers/promises';
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
        signingKeys: [process.env.SIGNING_KEY ? JSON.parse(process.env.SIGNING_KEY) : await OAuth.generateSigningKey()],
        // All load comes from one address: it is counted as ever, and refused nothing.
        limits: { refresh: { points: 1e9 }, deviceAuthorization: { points: 1e9 } }
    }
});
server.route({
    method: 'GET',
    path: '/protected',
    handler: () => ({ ok: true }),
    options: { auth: { strategy: 'oauth', access: { scope: ['CREATE_POST'] } } }
});
let reported = 0;
server.events.on({ name: 'request', channels: 'error' }, (request, { error }) => {
    if (++reported <= 3) {
        console.error(request.path, error);
    }
});
await server.start();
console.log(JSON.stringify({ origin: server.info.uri }));
process.on('SIGUSR2', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc');
    // What the first makes unreachable by finalizers, the second frees.
    collect();
    await setTimeout(50);
    collect();
    const { rss, heapUsed, external } = process.memoryUsage();
    const memory = { rss: rss / 2 ** 20, heapUsed: heapUsed / 2 ** 20, external: external / 2 ** 20 };
    console.log(JSON.stringify({ memory }));
});
process.once('SIGTERM', async () => {
    await server.stop({ timeout: 1000 });
    await dataSource.destroy();
});
