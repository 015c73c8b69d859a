import * as Hapi from '@hapi/hapi';
import * as OAuth from 'hapi-forum-oauth';
import { pages } from 'hapi-forum-oauth/pages';
import { DataSource } from 'typeorm';

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

    await server.register({ plugin: pages, options: { strings: { forum: 'Asgard' }, paths: { admin: false } } });
    return server;
}
