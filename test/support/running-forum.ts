import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DataSource } from 'typeorm';
import type { Options } from '../../plugin';
import { Browser, type Site } from './browser';
import { type CreatedClient, Forum, FRIGG, unique } from './forum';

/** Where an application of the tests waits for its code. The forum leaves the port out of the comparison. */
export const CALLBACK = 'http://127.0.0.1:9/callback';

/** A route of the host's that a token with READ_PUBLISHED_THREADS opens. */
export const THREADS = '/threads';

export interface RunningForumOptions {
    /** Of the issuer. */
    path?: string;
    prefix?: string;
    options?: Partial<Options>;
    /** Path of a protected resource that the host publishes (RFC 9728); it is then the audience of access tokens. */
    resource?: string;
}

/** A forum that listens on a loopback port, by the real time, with a sign-in page and a consent page. */
export class RunningForum {
    forum!: Forum;
    issuer!: string;
    origin!: string;
    prefix!: string;
    #listener!: Server;

    static async start(dataSource: DataSource, options: RunningForumOptions = {}): Promise<RunningForum> {
        const running = new RunningForum();
        await running.start(dataSource, options);
        return running;
    }

    async start(
        dataSource: DataSource,
        { path = '', prefix = '/api', options = {}, resource }: RunningForumOptions = {}
    ): Promise<void> {
        // The issuer names the port, so it has to be known before the plugin is registered.
        const listener = createServer();
        await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
        const origin = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
        const issuer = origin + path;
        const signedInAt = new Map<string, number>();
        this.issuer = issuer;
        this.origin = origin;
        this.prefix = prefix;
        this.#listener = listener;
        this.forum = await new Forum().start(
            dataSource,
            {
                issuer,
                clock: () => Date.now(),
                session: {
                    strategy: 'session',
                    authTime: ({ accountId }) => signedInAt.get(accountId as string)!
                },
                ...(resource !== undefined && { audience: origin + resource }),
                ...options
            },
            {
                prefix,
                // hapi closes connections cleanly only where it saw the listener begin.
                server: { listener, autoListen: false, operations: { cleanStop: false } },
                prepare: (server) => {
                    server.route({
                        method: 'POST',
                        path: '/login',
                        handler: ({ payload }, h) => {
                            const { account_id: accountId } = payload as { account_id: string };
                            signedInAt.set(accountId, Math.floor(Date.now() / 1000));
                            return h.response({}).header('set-cookie', `session=${accountId}; HttpOnly; Path=/`);
                        }
                    });
                    if (resource !== undefined) {
                        server.route({
                            method: 'GET',
                            path: `/.well-known/oauth-protected-resource${resource}`,
                            handler: () => ({ resource: origin + resource, authorization_servers: [issuer] })
                        });
                    }
                }
            }
        );
        this.forum.server.route({
            method: 'GET',
            path: THREADS,
            options: { auth: { strategy: 'oauth', access: { scope: ['READ_PUBLISHED_THREADS'] } } },
            handler: ({ auth }) => ({ reader: auth.credentials.accountId })
        });
        await this.forum.server.start();
    }

    async stop(): Promise<void> {
        this.#listener.closeAllConnections();
        await this.forum.stop();
    }

    /** A browser of an account's that is not signed in yet, and that decides whatever it is asked. */
    browser(accountId = FRIGG, decision: 'approve' | 'deny' = 'approve'): Browser {
        const api = this.origin + this.prefix;
        const site: Site = {
            origin: this.origin,
            pages: {
                '/login': async (browser, page) => {
                    await browser.json('POST', `${this.origin}/login`, { account_id: accountId });
                    return new URL(page.searchParams.get('return_to')!, this.origin);
                },
                '/oauth/authorize/consent': async (browser, page) => {
                    const consent = `${api}/oauth/authorize/consent`;
                    const { request_id } = await browser.json('GET', consent + page.search);
                    const { location } = await browser.json('POST', consent, { request_id, decision });
                    return new URL(location);
                },
                '/oauth/consent': async (browser, page) => {
                    await browser.json('POST', `${this.origin}/login`, { account_id: accountId });
                    const consent = `${api}/oauth/device/consent`;
                    const { user_code } = await browser.json('GET', consent + page.search);
                    await browser.json('POST', consent, { user_code, decision });
                    return new URL('/', this.origin);
                }
            }
        };
        return new Browser([site]);
    }

    /** Registers an application of a member's for the code flow that stays signed in. */
    async createApplication(
        type: 'public' | 'confidential',
        fields: Record<string, unknown> = {},
        accountId = FRIGG
    ): Promise<CreatedClient> {
        const browser = this.browser(accountId);
        await browser.json('POST', `${this.origin}/login`, { account_id: accountId });
        return browser.json('POST', `${this.origin}${this.prefix}/auth/oauth/clients`, {
            name: unique('Application '),
            type,
            redirect_uris: ['http://127.0.0.1/callback'],
            allowed_grants: ['authorization_code', 'refresh_token'],
            allowed_scopes: ['openid', 'profile', 'email', 'offline_access', 'READ_PUBLISHED_THREADS', 'CREATE_POST'],
            ...(type === 'public' && { pkce_required: true }),
            ...fields
        }) as Promise<CreatedClient>;
    }
}
