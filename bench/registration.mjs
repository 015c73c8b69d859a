// How long a registration with a server takes: the median of twenty, in one process. Prints {"milliseconds"}.

import Hapi from '@hapi/hapi';
import { DataSource } from 'typeorm';
import OAuth from './dist/plugin/index.js';
import { ISSUER, signingKey } from './peers/work.mjs';

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
