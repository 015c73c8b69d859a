import type { RouteOptions, RouteOptionsPayload, ServerRoute } from '@hapi/hapi';

/*
 * A route takes over every default of the host's `server.options.routes` that it does not set itself. So it sets all that
 * could change what it is sent, or what it responds with.
 */

/** hapi takes every body as one of a type that it allows. What the type really is, is checked by what reads the body. */
const ANY_TYPE = 'application/octet-stream';

/** Every body that is meant for the plugin is far smaller. */
const MAX_BYTES = 64 * 1024;

/** Bodies are read by `body.ts`, not by hapi, which would take a form in any of several types. */
const PAYLOAD: RouteOptionsPayload = {
    parse: false,
    output: 'data',
    maxBytes: MAX_BYTES,
    allow: ANY_TYPE,
    override: ANY_TYPE,
    multipart: false,
    failAction: 'error'
};

/** A status whose responses the host has a schema for would keep it. These are all that the plugin's routes have. */
const ANY_RESPONSE = Object.fromEntries(
    [200, 201, 204, 302, 303, 304, 400, 401, 403, 404, 409, 413, 415, 429, 500, 503].map((status) => [status, true])
);

/** A route as the plugin means it, whatever the defaults of the host's server are, and beside whatever other plugins. */
export function isolated(route: ServerRoute): ServerRoute {
    const options = route.options as RouteOptions;
    const hasBody = route.method !== 'GET';
    return {
        ...route,
        options: {
            ...options,
            // Other plugins, and extensions of the host, read `request.state` at every route.
            state: { parse: true, failAction: 'ignore' },
            validate: {
                headers: true,
                query: true,
                state: true,
                ...(route.path.includes('{') && { params: true }),
                ...(hasBody && { payload: true })
            },
            // hapi would honour `Range` on every page, and report a malformed one in an error shape of its own. Responses are
            // not checked against a schema of the host's.
            response: { ranges: false, schema: true, status: ANY_RESPONSE, failAction: 'ignore', emptyStatusCode: 204 },
            ...(hasBody && { payload: PAYLOAD }),
            // The plugin has protection of its own against forged requests (`same-site.ts`, `csrf.ts`).
            plugins: { ...options.plugins, crumb: false }
        }
    };
}
