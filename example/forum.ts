import { randomBytes } from 'node:crypto';
import * as Hapi from '@hapi/hapi';
import { Redis } from 'ioredis';
import type { JWK } from 'jose';
import type { DataSource } from 'typeorm';
import { startWorker, type MaintenanceWorker } from '../jobs';
import * as OAuth from '../plugin';
import { pages } from '../plugin/pages';
import { Accounts } from './accounts';
import { apiRoutes } from './api';
import { openDatabase } from './database';
import { kept } from './kept';
import { addMcp, MCP_PATH, MCP_SCOPES } from './mcp';
import { NAME, pageRoutes } from './pages';
import { registerSession } from './session';
import type { Settings } from './settings';
import { Threads } from './threads';

export interface Forum {
    /** The accounts as they are at the start. */
    accounts: { handle: string; permissions: string[] }[];
    /** Where its data is, for people. */
    database: string;
    /** Closes the listener, then what is behind it. */
    stop(): Promise<void>;
}

/**
 * Starts a forum with the plugin in it.
 *
 * @param documents for tests: where the hosts of metadata documents are, and who certifies them
 */
export async function startForum(
    settings: Settings,
    documents: Pick<OAuth.ClientMetadataDocumentsOptions, 'resolve' | 'ca' | 'refreshPolicy'> = {}
): Promise<Forum> {
    const database = await openDatabase(settings.databaseUrl);
    const redis = settings.redisUrl === undefined ? undefined : new Redis(settings.redisUrl);
    // The plugin says what it means for the limits, the worker what it means for the cleanup jobs.
    redis?.on('error', () => undefined);
    try {
        const { dataSource } = database;
        const accounts = new Accounts(dataSource);
        await accounts.seed();

        // Everybody knows the passwords: this forum is not for the network.
        const server = Hapi.server({ port: settings.port, host: 'localhost', address: '127.0.0.1' });
        await registerSession(server, {
            accounts,
            password: await kept('session-password', () => randomBytes(32).toString('base64url')),
            secure: settings.issuer.startsWith('https:')
        });

        server.events.on('log', ({ data }, { limits }) => {
            if (limits) {
                console.log('Limits:', data);
            }
        });
        const threads = new Threads(dataSource);
        const mcp = new URL(settings.issuer).origin + MCP_PATH;
        await server.register({
            plugin: OAuth,
            routes: { prefix: '/api' },
            options: {
                issuer: settings.issuer,
                dataSource,
                accounts,
                session: {
                    strategy: 'session',
                    authTime: (credentials) => credentials.signedInAt as number
                },
                signingKeys: settings.signingKeys ?? (await keptSigningKeys()),
                lifetimes: settings.lifetimes,
                // AI agents connect to /mcp with nothing but its address.
                resources: [
                    { identifier: settings.issuer, name: NAME },
                    { identifier: mcp, name: `${NAME}, for agents`, scopes: MCP_SCOPES }
                ],
                clientMetadataDocuments: { scopes: MCP_SCOPES, ...documents },
                registration: { scopes: MCP_SCOPES },
                // With Redis all processes of a forum count together, without it each for itself.
                limits: { redis },
                // Without Redis, this process removes expired codes and old refresh tokens by itself.
                ...(settings.redisUrl === undefined && { jobs: 'in-process' })
            }
        });
        // Consent, settings and administration, ready made.
        await server.register({ plugin: pages, options: { strings: { forum: NAME } } });
        server.events.on('oauth', ({ type, at, ...details }: OAuth.TimedOAuthEvent) => {
            if (type !== 'sweep_completed') {
                console.log(at, type, JSON.stringify(details));
            }
        });

        server.route([...apiRoutes(threads, accounts), ...pageRoutes(accounts)]);
        addMcp(server, { threads, resource: mcp });
        await server.start();
        const worker = settings.redisUrl === undefined ? undefined : startSweeps(dataSource, settings.redisUrl);
        return {
            accounts: (await accounts.all()).map(({ handle, role }) => ({ handle, permissions: role.permissions })),
            database: database.description,
            stop: async () => {
                await server.stop();
                await worker?.close();
                redis?.disconnect();
                await database.close();
            }
        };
    } catch (error) {
        redis?.disconnect();
        await database.dataSource.destroy();
        throw error;
    }
}

/** With Redis, a worker runs the cleanup, here in the forum's own process; `forum-oauth-worker` is one in a process of its own. */
function startSweeps(dataSource: DataSource, redisUrl: string): MaintenanceWorker {
    return startWorker({
        dataSource,
        connection: redisUrl,
        onError: ({ message }) => console.error(`Maintenance: ${message}`)
    });
}

/** A forum in earnest takes its keys from where it takes its other secrets from, and never makes them by itself. */
async function keptSigningKeys(): Promise<JWK[]> {
    return JSON.parse(
        await kept('signing-keys.json', async () => JSON.stringify(await OAuth.generateSigningKeys()))
    ) as JWK[];
}
