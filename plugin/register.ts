import type { Server, ServerRoute } from '@hapi/hapi';
import { findAccount } from './accounts';
import { forumApi } from './api';
import type { Context } from './context';
import { Database } from './database';
import { eventEmitter } from './events';
import { readOptions, type Options, type Settings } from './options';
import { authorizeRoutes } from './routes/authorize';
import { deviceRoutes } from './routes/device';
import { jwksRoutes, wellKnownRoutes } from './routes/discovery';
import { introspectRoutes } from './routes/introspect';
import { memberRoutes } from './routes/member';
import { revokeRoutes } from './routes/revoke';
import { tokenRoutes } from './routes/token';
import { userinfoRoutes } from './routes/userinfo';
import { registerBearer, STRATEGY } from './strategies/bearer';
import { importKeys } from './tokens/keys';

export const NAME = 'hapi-forum-oauth';

/**
 * Registers routes, strategy, events and API with one server.
 *
 * @throws Error for an option that is unknown, missing or malformed, and for what does not fit the server
 */
export async function register(server: Server, options: Options): Promise<void> {
    const settings = readOptions(options);
    const prefix = server.realm.modifiers.route.prefix ?? '';
    const context: Context = {
        settings,
        database: new Database(settings.dataSource),
        keys: await importKeys(settings.signingKeys),
        vocabulary: { permissions: settings.permissions.all, administrator: settings.permissions.administrator },
        clock: settings.clock,
        emit: eventEmitter(server, settings.clock),
        findAccount: (accountId) => findAccount(settings.accounts, accountId),
        endpoint: (path) => settings.origin + prefix + path
    };

    addSessionRoutes(server, settings, [
        ...authorizeRoutes(context),
        ...deviceRoutes(context),
        ...memberRoutes(context)
    ]);
    server.route([
        ...tokenRoutes(context),
        ...userinfoRoutes(context),
        ...revokeRoutes(context),
        ...introspectRoutes(context),
        ...jwksRoutes(context)
    ]);
    await server.register({
        plugin: {
            name: `${NAME}/well-known`,
            register: (root: Server) => {
                // A route's path is its plugin's prefix and its own; the documents are at the root of the origin.
                root.realm.modifiers.route.prefix = '';
                root.route(wellKnownRoutes(context));
            }
        }
    });
    checkPages(server, settings);
    registerBearer(server, context);
    server.expose(forumApi(context));
}

/** hapi looks a route's strategies up when the route is added; its message does not say where the name came from. */
function addSessionRoutes(server: Server, { session }: Settings, routes: ServerRoute[]): void {
    const names = session.strategies.join(', ');
    if (session.strategies.includes(STRATEGY)) {
        throw new Error(`${NAME}: "session.strategy" must be the host's own, but got ${names}: a token is no session`);
    }
    try {
        server.route(routes);
    } catch (error) {
        if ((error as Error).message.startsWith('Unknown authentication strategy')) {
            throw new Error(
                `${NAME}: "session.strategy" must name strategies that the server has before the plugin is registered, but got ${names}`
            );
        }
        throw error;
    }
}

/** A page of the frontend at the path of an endpoint could never be reached. */
function checkPages(server: Server, { origin, urls }: Settings): void {
    for (const [name, address] of Object.entries(urls)) {
        const url = new URL(address);
        const route = url.origin === origin ? server.match('get', url.pathname) : null;
        if (route?.realm.plugin?.startsWith(NAME)) {
            throw new Error(
                `${NAME}: "urls.${name}" must be a page of the frontend, but got ${address}, which is a route of the plugin: register it with a routes.prefix or give the page another path`
            );
        }
    }
}
