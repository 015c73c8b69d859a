import { randomBytes } from 'node:crypto';
import { connect, createDatabase } from '../lib/database.mjs';
import { Hapi, OAuth } from '../lib/plugin.mjs';
import { PERMISSIONS, SCOPE } from '../lib/work.mjs';
import { send } from './send.mjs';

export const REDIRECT_URI = 'https://app.example/callback';

/** A forum that a client library reads the discovery document of, with a member who approves what is asked. */
export class Forum {
    constructor(server, dataSource) {
        this.server = server;
        this.dataSource = dataSource;
        this.issuer = server.info.uri;
    }

    /** @param database the URL of a database server */
    static async start(database) {
        const dataSource = await connect(await createDatabase(database));
        const server = Hapi.server({ host: '127.0.0.1', port: 0 });
        await server.initialize();
        server.auth.scheme('member', () => ({
            authenticate: (request, h) =>
                request.headers['x-account']
                    ? h.authenticated({ credentials: { accountId: request.headers['x-account'] } })
                    : h.unauthenticated(new Error('Not signed in'))
        }));
        server.auth.strategy('session', 'member');
        // The port is known only once the server listens, and the plugin needs the issuer.
        await server.start();
        await server.register({
            plugin: OAuth,
            routes: { prefix: '/api' },
            options: {
                issuer: server.info.uri,
                dataSource,
                accounts: { find: async (id) => ({ id, handle: id, name: id, permissions: PERMISSIONS }) },
                session: { strategy: 'session' },
                signingKeys: await OAuth.generateSigningKeys()
            }
        });
        server.route({
            method: 'GET',
            path: '/protected',
            handler: () => ({ ok: true }),
            options: { auth: { strategy: 'oauth', access: { scope: ['CREATE_POST'] } } }
        });
        return new Forum(server, dataSource);
    }

    async stop() {
        await this.server.stop({ timeout: 1000 });
        await this.dataSource.destroy();
    }

    /** Creates a confidential client; returns its id and secret. */
    async createClient() {
        const { client, client_secret: secret } = await this.#json('POST', '/api/auth/oauth/clients', 'developer', {
            name: `Library ${randomBytes(4).toString('hex')}`,
            type: 'confidential',
            allowed_grants: ['authorization_code', 'refresh_token'],
            allowed_scopes: SCOPE,
            redirect_uris: [REDIRECT_URI],
            pkce_required: true
        });
        return { id: client.client_id, secret };
    }

    /** Opens an authorization URL as the member, and approves. @returns the URL that the browser is sent to */
    async approve(url) {
        const { status, location, text } = await send('GET', url, { headers: { 'x-account': 'member' } });
        if (status !== 303) {
            throw new Error(`The authorization endpoint answered ${status} ${text}`);
        }
        const id = new URL(location).searchParams.get('request_id');
        await this.#json('GET', `/api/oauth/authorize/consent?request_id=${id}`, 'member');
        const body = { request_id: id, decision: 'approve' };
        return (await this.#json('POST', '/api/oauth/authorize/consent', 'member', body)).location;
    }

    /** The status of a request with an access token. */
    async open(accessToken) {
        const headers = { authorization: `Bearer ${accessToken}` };
        return (await send('GET', `${this.issuer}/protected`, { headers })).status;
    }

    /** What the token endpoint says of a refresh token: `error`, or undefined. */
    async refreshError({ id, secret }, token) {
        const body = new URLSearchParams({
            grant_type: 'refresh_token',
            refresh_token: token,
            client_id: id,
            client_secret: secret
        });
        return (await send('POST', `${this.issuer}/api/oauth/token`, { body })).body.error;
    }

    async #json(method, path, account, body) {
        const response = await send(method, this.issuer + path, {
            headers: { 'content-type': 'application/json', 'x-account': account },
            ...(body && { body: JSON.stringify(body) })
        });
        if (response.status !== 200) {
            throw new Error(`${method} ${path} answered ${response.status} ${response.text}`);
        }
        return response.body;
    }
}
