// A web process: a forum with the plugin. Prints {"origin"} when it listens. The header x-account names the account that is
// signed in. GET /protected needs an access token with CREATE_POST.
//
// node processes/forum.mjs <database url>
// SIGNING_KEY: the private JWK to sign with. SIGUSR2: prints {"memory"} after a garbage collection, in MB.

import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { connect } from '../lib/database.mjs';
import { Hapi, OAuth } from '../lib/plugin.mjs';
import { ISSUER, PERMISSIONS, signingKey } from '../lib/work.mjs';

const dataSource = await connect(process.argv[2], { extra: { connectionLimit: 20 } });
await dataSource.runMigrations();
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
        issuer: ISSUER,
        dataSource,
        accounts: {
            find: (id) => Promise.resolve({ id, handle: id, name: id, permissions: PERMISSIONS })
        },
        session: { strategy: 'session' },
        signingKeys: [process.env.SIGNING_KEY ? signingKey() : await OAuth.generateSigningKey()],
        // All load comes from one address. The limits count it as ever, and refuse nothing. Older builds know fewer limits.
        limits: {
            refresh: { points: 1e9 },
            deviceAuthorization: { points: 1e9 },
            ...(OAuth.generateSigningKeys && { authorize: { points: 1e9 }, clientCredentials: { points: 1e9 } })
        }
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
    // The first run calls finalizers; the second frees what they held.
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
