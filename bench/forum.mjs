// A web process: a forum with the plugin, which listens and prints {"origin": …}.
//
// node forum.mjs <database url>

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
        signingKeys: [await OAuth.generateSigningKey()]
    }
});
await server.start();
console.log(JSON.stringify({ origin: server.info.uri }));
process.once('SIGTERM', async () => {
    await server.stop({ timeout: 1000 });
    await dataSource.destroy();
});
