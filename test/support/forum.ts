import { randomBytes } from 'node:crypto';
import * as Boom from '@hapi/boom';
import * as Hapi from '@hapi/hapi';
import type { ServerInjectResponse } from '@hapi/hapi';
import type { JWK } from 'jose';
import type { DataSource } from 'typeorm';
import * as OAuth from '../../plugin';
import type { Account, Options, TimedOAuthEvent } from '../../plugin';

import type { Shared } from './database';
export { openDatabase, type OpenDatabase } from './database';

export const ISSUER = 'https://forum.example';

/** The time at which every test begins. */
export const START = Date.parse('2026-11-21T12:00:00.250Z');

export const ACCOUNTS: Account[] = [
    {
        id: 'odin0000000000000000',
        handle: 'odin',
        name: 'Odin',
        permissions: ['ADMINISTRATOR'],
        email: { address: 'odin@forum.example', verified: true }
    },
    {
        id: 'frigg000000000000000',
        handle: 'frigg',
        name: 'Frigg',
        permissions: ['CREATE_POST', 'READ_PUBLISHED_THREADS', 'CREATE_REACTION', 'READ_PROFILE', 'USE_OAUTH_CLIENTS'],
        email: { address: 'frigg@forum.example', verified: false }
    },
    { id: 'loki0000000000000000', handle: 'loki', name: 'Loki', permissions: ['READ_PUBLISHED_THREADS'] }
];

export const ODIN = 'odin0000000000000000';
export const FRIGG = 'frigg000000000000000';
export const LOKI = 'loki0000000000000000';

export const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
export const CLI = { client_id: 'storyden-cli', scope: 'openid profile offline_access' };

/** Made once for all tests: an RSA key takes a while. */
let key: Promise<JWK> | undefined;
export function signingKey(): Promise<JWK> {
    key ??= OAuth.generateSigningKey();
    return key;
}

/** What the host's server has of its own. */
export interface Host {
    /** Of the plugin's routes. Default: `/api`. */
    prefix?: string;
    vhost?: string | string[];
    server?: Hapi.ServerOptions;
    /** Runs before the plugin is registered. */
    prepare?: (server: Hapi.Server) => void | Promise<void>;
}

/** A host forum with the plugin under `/api`, accounts that tests may change, and a clock that they set. */
export class Forum implements Shared {
    /** Epoch milliseconds; `pass` moves it. */
    now = START;
    readonly accounts = new Map<string, Account>(ACCOUNTS.map((account) => [account.id, structuredClone(account)]));
    readonly events: TimedOAuthEvent[] = [];
    /** All that the server logged, as text. */
    readonly log: string[] = [];
    /** How often the plugin asked for an account. */
    finds = 0;

    server!: Hapi.Server;
    dataSource!: DataSource;
    readonly #users: { stop(): Promise<void> }[] = [];

    /**
     * Registers the plugin. Starts no listener; `inject` needs none.
     *
     * @param options replace those that the tests usually have
     */
    async start(dataSource: DataSource, options: Partial<Options> = {}, host: Host = {}): Promise<this> {
        const { prefix = '/api', vhost, prepare } = host;
        const server = Hapi.server({ debug: false, ...host.server });
        this.server = server;
        this.dataSource = dataSource;
        this.#listen();
        sessionStrategy(server);
        await prepare?.(server);
        await server.register({
            plugin: OAuth,
            ...((prefix !== '' || vhost) && { routes: { prefix: prefix || undefined!, vhost } }),
            options: {
                issuer: ISSUER,
                dataSource,
                accounts: {
                    find: (id) => {
                        this.finds += 1;
                        return Promise.resolve(structuredClone(this.accounts.get(id) ?? null));
                    }
                },
                session: { strategy: 'session' },
                signingKeys: [await signingKey()],
                clock: () => this.now,
                // The tests of a file share a forum, a client address and few accounts, and their clock stands still.
                limits: { authorize: false, clientCredentials: false },
                caps: { clientsPerAccount: 1_000_000, pendingDevicesPerAddress: 1_000_000 },
                ...options
            }
        });
        server.events.on('oauth', (event: TimedOAuthEvent) => this.events.push(event));
        await server.initialize();
        return this;
    }

    static create(
        dataSource: DataSource,
        options: Partial<Options> = {},
        prefix = '/api',
        host: Host = {}
    ): Promise<Forum> {
        return new Forum().start(dataSource, options, { prefix, ...host });
    }

    /** Creates another forum on the same database, as a second process would be. It stops with this one. */
    async another(options: Partial<Options> = {}, host: Host = {}): Promise<Forum> {
        const other = await new Forum().start(this.dataSource, options, host);
        this.stopFirst(other);
        return other;
    }

    stopFirst(user: { stop(): Promise<void> }): void {
        this.#users.push(user);
    }

    #listen(): void {
        const record = (event: unknown): void => {
            this.log.push(JSON.stringify(event, withErrors));
        };
        this.server.events.on('log', record);
        this.server.events.on({ name: 'request', channels: ['app', 'error', 'internal'] }, (_request, event) =>
            record(event)
        );
    }

    async stop(): Promise<void> {
        await Promise.all(this.#users.map((user) => user.stop()));
        await this.server.stop();
    }

    /** Lets time pass, in seconds. */
    pass(seconds: number): void {
        this.now += seconds * 1000;
    }

    account(id: string): Account {
        return this.accounts.get(id)!;
    }

    /** A member for one test, by default with frigg's permissions. Returns the id. */
    addAccount(permissions: string[] = this.account(FRIGG).permissions): string {
        const id = unique('member');
        this.accounts.set(id, { id, handle: id, name: 'A member', permissions: [...permissions] });
        return id;
    }

    /** POST of a form to a protocol endpoint below the prefix. */
    async form(
        path: string,
        fields: Record<string, string> | [string, string][] | string,
        headers: Record<string, string> = {}
    ): Promise<Answer> {
        return read(
            await this.server.inject({
                method: 'POST',
                url: `/api${path}`,
                headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
                payload: typeof fields === 'string' ? fields : new URLSearchParams(fields).toString()
            })
        );
    }

    token(fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
        return this.form('/oauth/token', fields, headers);
    }

    refresh(refreshToken: string, fields: Record<string, string> = {}): Promise<Answer> {
        return this.token({
            grant_type: 'refresh_token',
            client_id: CLI.client_id,
            refresh_token: refreshToken,
            ...fields
        });
    }

    /** A request of a browser, signed in or not. */
    async as(
        accountId: string | null,
        method: string,
        path: string,
        body?: unknown,
        headers: Record<string, string> = {}
    ): Promise<Answer> {
        return read(
            await this.server.inject({
                method,
                url: path.startsWith('/.well-known') ? path : `/api${path}`,
                headers: {
                    ...(accountId !== null && { cookie: `session=${accountId}` }),
                    ...(body !== undefined && { 'content-type': 'application/json' }),
                    ...headers
                },
                ...(body !== undefined && { payload: JSON.stringify(body) })
            })
        );
    }

    /** Asks for a device code, by default as the built-in CLI. */
    async device(fields: Record<string, string> = CLI): Promise<{ device_code: string; user_code: string }> {
        const { status, body } = await this.form('/oauth/device_authorization', fields);
        if (status !== 200) {
            throw new Error(`No device code: ${JSON.stringify(body)}`);
        }
        return body as { device_code: string; user_code: string };
    }

    /** Reads a user code and decides it. */
    async decide(accountId: string, userCode: string, decision: 'approve' | 'deny' = 'approve'): Promise<Answer> {
        await this.as(accountId, 'GET', `/oauth/device/consent?user_code=${userCode}`);
        return this.as(accountId, 'POST', '/oauth/device/consent', { user_code: userCode, decision });
    }

    /** The whole device flow, to tokens. */
    async signIn(accountId = FRIGG, fields: Record<string, string> = CLI): Promise<Tokens> {
        const device = await this.device(fields);
        await this.decide(accountId, device.user_code);
        const { status, body } = await this.token({
            grant_type: DEVICE_CODE,
            client_id: fields.client_id!,
            device_code: device.device_code
        });
        if (status !== 200) {
            throw new Error(`No tokens: ${JSON.stringify(body)}`);
        }
        return body;
    }

    /** Creates an application of a member. */
    async createClient(accountId: string, fields: Record<string, unknown> = {}): Promise<CreatedClient> {
        const { status, body } = await this.as(accountId, 'POST', '/auth/oauth/clients', {
            name: 'A bot',
            type: 'confidential',
            allowed_grants: ['client_credentials'],
            allowed_scopes: ['READ_PUBLISHED_THREADS'],
            ...fields
        });
        if (status !== 200) {
            throw new Error(`No client: ${JSON.stringify(body)}`);
        }
        return body;
    }
}

export interface Tokens {
    access_token: string;
    token_type: string;
    expires_in: number;
    scope: string;
    id_token: string;
    refresh_token: string;
}

export interface CreatedClient {
    client: OAuth.ClientDescription;
    client_secret: string;
}

export interface Answer {
    status: number;
    headers: Record<string, string | undefined>;
    // A test says what it expects of a body; the compiler cannot.
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    body: any;
    text: string;
}

function read({ statusCode, headers, payload }: ServerInjectResponse): Answer {
    const json = String(headers['content-type'] ?? '').startsWith('application/json');
    return {
        status: statusCode,
        headers: headers as Record<string, string | undefined>,
        body: json && payload !== '' ? (JSON.parse(payload) as unknown) : undefined,
        text: payload
    };
}

export function basic(clientId: string, secret: string): Record<string, string> {
    const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`;
    return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** The claims of a JWT, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
    return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
}

/** A session is a cookie with the account's id; like a host's, the strategy redirects where it may. */
function sessionStrategy(server: Hapi.Server): void {
    server.auth.scheme('forum-session', () => ({
        authenticate: (request, h) => {
            const accountId = (request.state as Record<string, string | undefined>).session;
            if (accountId !== undefined) {
                return h.authenticated({ credentials: { accountId, authTime: 1_795_000_000 } });
            }
            return request.auth.mode === 'required'
                ? h.response().redirect('/login').takeover()
                : h.unauthenticated(Boom.unauthorized(null, 'cookie'));
        }
    }));
    server.auth.strategy('session', 'forum-session');
}

function withErrors(_key: string, value: unknown): unknown {
    if (!(value instanceof Error)) {
        return value;
    }
    return { ...value, message: value.message, stack: value.stack, cause: value.cause };
}

/** A random name that collides with nothing. */
export function unique(prefix: string): string {
    return prefix + randomBytes(6).toString('hex');
}
