// A TypeScript host. Read as CommonJS, or as what a bundler takes.

import * as Hapi from '@hapi/hapi';
import * as OAuth from 'hapi-forum-oauth';
import { pages, type PagesOptions } from 'hapi-forum-oauth/pages';
import { startWorker, type MaintenanceWorker } from 'hapi-forum-oauth/worker';
import { DataSource } from 'typeorm';
// @ts-expect-error: it would be undefined.
import Default from 'hapi-forum-oauth';

export async function forum(): Promise<Hapi.Server> {
    const dataSource = new DataSource({
        type: 'mysql',
        url: 'mysql://localhost/forum',
        entities: [...OAuth.entities],
        migrations: [...OAuth.migrations]
    });

    const server = Hapi.server();
    await server.register({
        plugin: OAuth,
        routes: { prefix: '/api' },
        options: {
            issuer: 'https://forum.example',
            dataSource,
            accounts: {
                find: async (id: string) => ({ id, handle: 'odin', name: 'Odin', permissions: ['CREATE_POST'] })
            },
            session: { strategy: ['session'] },
            signingKeys: [await OAuth.generateSigningKey()],
            lifetimes: { accessToken: 300 },
            limits: { address: (request) => String(request.headers['x-real-ip']), refresh: { points: 100 } }
        }
    });

    const options: PagesOptions = { strings: { forum: 'Asgard' }, paths: { admin: false } };
    await server.register({ plugin: pages, options });

    server.events.on('oauth', (event: OAuth.TimedOAuthEvent) => console.log(event.at, event.type));
    server.route({
        method: 'GET',
        path: '/api/applications',
        options: { auth: { strategies: ['session', 'oauth'] } },
        handler: ({ auth }) => server.plugins['hapi-forum-oauth'].clients.list(auth.credentials.accountId!)
    });

    const worker: MaintenanceWorker = startWorker({
        dataSource,
        connection: 'redis://localhost',
        onSweep: (report: OAuth.SweepReport) => console.log(report.job)
    });
    server.ext('onPostStop', () => worker.close());
    return server;
}

export type Nothing = typeof Default;
