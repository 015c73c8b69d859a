import type { Lifecycle, ServerRoute } from '@hapi/hapi';
import { protocolErrors } from '../http/error-responses';
import { setHeaders } from '../http/headers';
import { PROTOCOL_ROUTE } from '../http/protocol-route';

/**
 * A route with a public document that does not change while the server runs.
 *
 * @param maxAge for how long it may be cached, seconds
 */
export function documentRoute(path: string, maxAge: number, document: object): ServerRoute {
    return {
        method: 'GET',
        path,
        options: {
            ...PROTOCOL_ROUTE,
            ext: { onPreResponse: [{ method: protocolErrors }, { method: cacheFor(maxAge) }] }
        },
        handler: () => document
    };
}

function cacheFor(seconds: number): Lifecycle.Method {
    const headers = { 'cache-control': `public, max-age=${seconds}` };
    return (request, h) => {
        if (!('isBoom' in request.response)) {
            setHeaders(request, headers);
        }
        return h.continue;
    };
}
