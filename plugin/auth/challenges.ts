import { Boom } from '@hapi/boom';
import type { Lifecycle, Request } from '@hapi/hapi';
import { setHeaders } from '../http/headers';
import { isScopeToken } from '../scopes/text';

/** The 401 for a request without a bearer token. hapi goes on to the route's next strategy. */
export function missingToken(): Boom {
    return Object.assign(unauthorized('Missing access token', 'Bearer'), { isMissing: true });
}

/** The 401 for a token that is malformed, expired, revoked, another issuer's, or no access token (RFC 6750 §3.1). */
export function invalidToken(): Boom {
    return unauthorized(
        'Invalid access token',
        'Bearer error="invalid_token", error_description="The access token is invalid or has expired"'
    );
}

function unauthorized(message: string, challenge: string): Boom {
    const error = new Boom(message, { statusCode: 401 });
    error.output.headers['WWW-Authenticate'] = challenge;
    return error;
}

/**
 * `onPreResponse` of the whole server, for the host's own routes: where hapi refuses a token because of its scope, names
 * the scopes that the route needs (RFC 6750 §3.1).
 *
 * @param strategy the name of the strategy that accepts access tokens
 */
export function challengeInsufficientScope(strategy: string): Lifecycle.Method {
    return (request, h) => {
        const needed = request.auth.strategy === strategy ? neededScopes(request) : null;
        if (needed) {
            const scope = needed.length === 0 ? '' : `, scope="${needed.join(' ')}"`;
            setHeaders(request, { 'WWW-Authenticate': `Bearer error="insufficient_scope"${scope}` });
        }
        return h.continue;
    };
}

/** What hapi reports about a scope that was too small. */
interface ScopeRequirement {
    required?: string[];
    selection?: string[];
}

/** The scopes that a route needs; null where the response is anything but hapi's refusal for lack of scope. */
function neededScopes({ auth, response }: Request): string[] | null {
    if (!auth.isAuthenticated || !('isBoom' in response) || response.output.statusCode !== 403) {
        return null;
    }
    const { need } = (response.data ?? {}) as { need?: ScopeRequirement[] };
    if (!Array.isArray(need)) {
        return null;
    }
    const names = need.flatMap(({ required = [], selection = [] }) => [...required, ...selection]);
    // A scope that the host takes from the request can contain anything, a quotation mark included.
    return [...new Set(names.filter(isScopeToken))];
}
