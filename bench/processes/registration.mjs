// How long it takes to register the plugin with a server: the median of twenty. Prints {"milliseconds"}.

import { DataSource, Hapi, OAuth } from '../lib/plugin.mjs';
import { ISSUER, signingKey } from '../lib/work.mjs';

const dataSource = new DataSource({ type: 'sqljs', entities: OAuth.entities, migrations: OAuth.migrations });
await dataSource.initialize();
const times = [];
for (let count = 0; count < 20; ++count) {
    const server = Hapi.server();
    server.auth.scheme('member', () => ({ authenticate: (_request, h) => h.unauthenticated(new Error('none')) }));
    server.auth.strategy('session', 'member');
    const began = performance.now();
    await server.register({
        plugin: OAuth,
        routes: { prefix: '/api' },
        options: {
            issuer: ISSUER,
            dataSource,
            accounts: { find: () => Promise.resolve(null) },
            session: { strategy: 'session' },
            signingKeys: [signingKey()]
        }
    });
    times.push(performance.now() - began);
}
times.sort((one, other) => one - other);
console.log(JSON.stringify({ milliseconds: times[10] }));
await dataSource.destroy();
