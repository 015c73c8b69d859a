'use strict';

const assert = require('node:assert/strict');
const Hapi = require('@hapi/hapi');
const { pages } = require('hapi-forum-oauth/pages');
const { DataSource } = require('typeorm');

const loadsTemplates = () => Object.keys(require.cache).some((file) => file.includes('/handlebars/'));

/** The smallest forum that can register the plugin: one account, a header for a session, an embedded database. */
async function forum(OAuth) {
    const dataSource = new DataSource({ type: 'sqljs', entities: OAuth.entities, migrations: OAuth.migrations });
    await dataSource.initialize();
    await dataSource.runMigrations();

    const server = Hapi.server();
    server.auth.scheme('header', () => ({
        authenticate: ({ headers }, h) =>
            headers['x-account']
                ? h.authenticated({ credentials: { accountId: headers['x-account'] } })
                : h.unauthenticated(new Error('Sign in'))
    }));
    server.auth.strategy('session', 'header');

    const odin = { id: 'cc5lnd2s1s4652adtu50', handle: 'odin', name: 'Odin', permissions: ['ADMINISTRATOR'] };
    await server.register({
        plugin: OAuth,
        routes: { prefix: '/api' },
        options: {
            issuer: 'https://forum.example',
            dataSource,
            accounts: { find: async (id) => (id === odin.id ? odin : null) },
            session: { strategy: 'session' },
            signingKeys: [await OAuth.generateSigningKey()]
        }
    });
    assert.ok(!loadsTemplates(), 'A host without the pages loads no template engine.');
    await server.register({ plugin: pages });
    assert.ok(loadsTemplates());
    await server.initialize();

    return { server, dataSource };
}

/** Asks a freshly installed plugin for its discovery document and for a device code. */
module.exports = async function smoke(OAuth) {
    const { server, dataSource } = await forum(OAuth);

    const discovery = await server.inject('/.well-known/oauth-authorization-server');
    assert.equal(discovery.statusCode, 200, discovery.payload);
    const metadata = JSON.parse(discovery.payload);
    assert.equal(metadata.issuer, 'https://forum.example');
    const endpoint = new URL(metadata.device_authorization_endpoint);
    assert.equal(endpoint.pathname, '/api/oauth/device_authorization');

    const device = await server.inject({
        method: 'POST',
        url: endpoint.pathname,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: `${new URLSearchParams({ client_id: 'storyden-cli', scope: 'openid profile offline_access' })}`
    });
    assert.equal(device.statusCode, 200, device.payload);
    assert.match(JSON.parse(device.payload).user_code, /^[0-9A-Z]{4}-[0-9A-Z]{4}$/);

    const page = await server.inject({ url: '/settings/my-apps', headers: { 'x-account': 'cc5lnd2s1s4652adtu50' } });
    assert.equal(page.statusCode, 200, page.payload);
    const [, styles] = /<link rel="stylesheet" href="([^"]+)"/.exec(page.payload);
    assert.equal((await server.inject(styles)).statusCode, 200);

    await server.stop();
    await dataSource.destroy();
};
