import type { RequestRoute, Server, ServerRoute } from '@hapi/hapi';
import { startInProcess, type InProcessJobs } from '../jobs/in-process';
import { findAccount } from './accounts';
import { forumApi } from './api';
import { keepContext, type Context } from './context';
import { checkDocumentOptions } from './clients/document-options';
import { Database } from './store/database';
import { checkServerSettings } from './store/server-settings';
import { discoveryRoutes, protocolRoutes, resourceMetadataRoutes, sessionRoutes } from './endpoints';
import { eventEmitter } from './events';
import { isolated } from './http/isolated-route';
import { DocumentCache } from './documents/document-cache';
import { fetchDocument } from './documents/guarded-fetch';
import { RateLimits } from './rate-limits/rate-limits';
import type { Options, Settings } from './options/options';
import { readOptions } from './options/read-options';
import { PAGES } from './options/urls';
import { registerBearer, STRATEGY } from './auth/bearer';
import { importKeys } from './tokens/keys';
import { Macs } from './tokens/macs';
import { VerifiedTokenCache } from './tokens/verified-token-cache';

export const NAME = 'hapi-forum-oauth';

/** The nested plugin of the routes outside the prefix. */
const WELL_KNOWN = `${NAME}/well-known`;

/**
 * Registers routes, strategy, events and API with one server.
 *
 * @throws Error for an option that is unknown, missing or malformed, and for what does not fit the server
 */
export async function register(server: Server, options: Options): Promise<void> {
    const settings = readOptions(options);
    checkDocumentOptions(settings);
    const prefix = server.realm.modifiers.route.prefix ?? '';
    const macs = new Macs(settings.secrets);
    const context: Context = {
        settings,
        database: new Database(settings.dataSource),
        keys: await importKeys(settings.signingKeys),
        macs,
        verifiedTokens: new VerifiedTokenCache(),
        scopeRegistry: { permissions: settings.permissions.all, administrator: settings.permissions.administrator },
        documents: new DocumentCache(
            (url) => fetchDocument(url, settings.clientMetadataDocuments || {}),
            settings.clock
        ),
        limits: addLimits(server, settings, macs),
        clock: settings.clock,
        emit: eventEmitter(server, settings.clock),
        findAccount: (accountId) => findAccount(settings.accounts, accountId),
        pages: {},
        endpoint: (path) => settings.origin + prefix + path
    };

    if (settings.dataSource.options.type !== 'sqljs') {
        for (const warning of await checkServerSettings(context.database)) {
            server.log(['oauth', 'database', 'warning'], warning);
        }
    }
    if (!context.keys.hasRs256) {
        server.log(
            ['oauth', 'keys', 'warning'],
            '"signingKeys" has no RS256 key: older client libraries cannot read ID tokens. Append one, see generateSigningKeys()'
        );
    }
    addSessionRoutes(server, settings, sessionRoutes(context));
    server.route(protocolRoutes(context).map(isolated));
    await server.register({
        plugin: {
            name: WELL_KNOWN,
            register: (root: Server) => {
                // A route's path is its plugin's prefix and its own; the documents are at the root of the origin.
                root.realm.modifiers.route.prefix = '';
                root.route([...discoveryRoutes(context), ...resourceMetadataRoutes(context)].map(isolated));
            }
        }
    });
    checkPages(server, settings);
    if (settings.jobs === 'in-process') {
        addJobs(server, context);
    }
    registerBearer(server, context);
    server.expose(forumApi(context));
    keepContext(server, context);
}

/** What was counted in this process goes with the server. */
function addLimits(server: Server, settings: Settings, macs: Macs): RateLimits {
    const limits = new RateLimits(settings, macs, {
        lost: (reason) =>
            server.log(
                ['oauth', 'limits', 'warning'],
                `Redis does not answer (${reason}): until it does, each process counts for itself`
            ),
        back: () => server.log(['oauth', 'limits'], 'Redis answers again')
    });
    server.ext('onPostStop', () => limits.clear());
    return limits;
}

/** Runs the jobs while the server runs. */
function addJobs(server: Server, { clock, emit, settings }: Context): void {
    let jobs: InProcessJobs | undefined;
    server.ext('onPostStart', () => {
        jobs = startInProcess(
            settings.dataSource,
            { clock, ...(settings.registration && { unusedFor: settings.registration.unusedFor }) },
            {
                done: ({ job, duration_ms, counts }) => emit({ type: 'sweep_completed', job, duration_ms, counts }),
                failed: (job, error) => {
                    server.log(['oauth', 'sweep', 'error'], error as Error);
                    emit({ type: 'sweep_failed', job });
                }
            }
        );
    });
    server.ext('onPreStop', () => jobs?.stop());
}

/** hapi looks a route's strategies up when the route is added; its message does not say where the name came from. */
function addSessionRoutes(server: Server, { session }: Settings, routes: ServerRoute[]): void {
    const names = session.strategies.join(', ');
    if (session.strategies.includes(STRATEGY)) {
        throw new Error(`${NAME}: "session.strategy" must be the host's own, but got ${names}: a token is no session`);
    }
    try {
        server.route(routes.map(isolated));
    } catch (error) {
        if ((error as Error).message.startsWith('Unknown authentication strategy')) {
            throw new Error(
                `${NAME}: "session.strategy" must name strategies that the server has before the plugin is registered, but got ${names}`
            );
        }
        throw error;
    }
}

/** The methods of the plugin's routes. */
const METHODS = ['get', 'post', 'patch', 'delete'] as const;

/** A page of the frontend at the path of an endpoint could never be reached, or never post. */
function checkPages(server: Server, { origin, urls }: Settings): void {
    // hapi's types know one virtual host only, hapi itself a list.
    const hosts = [server.realm.modifiers.route.vhost as string | string[] | undefined].flat();
    const isTaken = ({ pathname }: URL): boolean =>
        hosts.some((host) => METHODS.some((method) => isOwn(server.match(method, pathname, host))));
    for (const name of PAGES) {
        const url = new URL(urls[name]);
        if (url.origin === origin && isTaken(url)) {
            throw new Error(
                `${NAME}: "urls.${name}" must be a page of the frontend, but got ${urls[name]}, which is a route of the plugin: register it with a routes.prefix or give the page another path`
            );
        }
    }
}

function isOwn(route: RequestRoute | null): boolean {
    const plugin = route?.realm.plugin;
    return plugin === NAME || plugin === WELL_KNOWN;
}
