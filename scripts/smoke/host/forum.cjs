'use strict';

const Boom = require('@hapi/boom');
const Hapi = require('@hapi/hapi');

const ACCOUNT = {
    id: 'cc5lnd2s1s4652adtu50',
    handle: 'frigg',
    name: 'Frigg',
    permissions: ['CREATE_POST', 'READ_PUBLISHED_THREADS', 'USE_OAUTH_CLIENTS']
};

/** The smallest forum that can register the plugin: one account, whose session is a header, and a route for applications. */
exports.createForum = async function createForum(OAuth, { dataSource, redis }) {
    const server = Hapi.server();
    server.auth.scheme('header', () => ({
        authenticate: ({ headers }, h) =>
            headers['x-account']
                ? h.authenticated({ credentials: { accountId: headers['x-account'] } })
                : h.unauthenticated(Boom.unauthorized(null, 'header'))
    }));
    server.auth.strategy('session', 'header');

    await server.register({
        plugin: OAuth,
        routes: { prefix: '/api' },
        options: {
            issuer: 'https://forum.example',
            dataSource,
            accounts: { find: async (id) => (id === ACCOUNT.id ? ACCOUNT : null) },
            session: { strategy: 'session' },
            signingKeys: [await OAuth.generateSigningKey()],
            ...(redis && { limits: { redis } })
        }
    });

    for (const [method, permission] of [
        ['GET', 'READ_PUBLISHED_THREADS'],
        ['DELETE', 'MANAGE_POSTS']
    ]) {
        server.route({
            method,
            path: '/threads',
            options: { auth: { strategies: ['session', 'oauth'], access: { scope: [permission] } } },
            handler: ({ auth }) => ({ account: auth.credentials.accountId, client: auth.credentials.clientId })
        });
    }
    return server;
};

exports.ACCOUNT = ACCOUNT;
