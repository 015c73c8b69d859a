import { Boom } from '@hapi/boom';
import type { Lifecycle, Request, RouteOptionsCors } from '@hapi/hapi';
import { isStandardScope } from '../scopes/registry';
import { isScopeToken } from '../scopes/text';
import { strategiesOf, type ResourceStrategy } from './resource-strategy';

/** The 401 for a request without a bearer token. hapi goes on to the route's next strategy. */
export function missingToken(strategy: ResourceStrategy): Boom {
    return Object.assign(unauthorized('Missing access token', challenge(strategy)), { isMissing: true });
}

/** The 401 for a token that is malformed, expired, revoked, for another resource, or no access token (RFC 6750 §3.1). */
export function invalidToken(strategy: ResourceStrategy): Boom {
    const error = {
        error: 'invalid_token',
        error_description: 'The access token is invalid or has expired'
    };
    return unauthorized('Invalid access token', challenge(strategy, error));
}

function unauthorized(message: string, value: string): Boom {
    const error = new Boom(message, { statusCode: 401 });
    error.output.headers['WWW-Authenticate'] = value;
    return error;
}

/** A challenge (RFC 6750 §3, RFC 9728 §5.1). */
function challenge({ metadata, challengeScope }: ResourceStrategy, parameters: Record<string, string> = {}): string {
    const scope = challengeScope.filter(isScopeToken).join(' ');
    return bearer({
        ...parameters,
        ...(metadata !== null && { resource_metadata: metadata }),
        ...(scope !== '' && { scope })
    });
}

function bearer(parameters: Record<string, string>): string {
    const written = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
    return ['Bearer', written.join(', ')].filter(Boolean).join(' ');
}

/**
 * `onPreResponse` of the whole server, for the host's own routes: where hapi refuses a token because of its scope, names
 * the scopes that the route needs (RFC 6750 §3.1). With protected resources, it also puts Bearer first where hapi joins several
 * challenges, because some clients read no other, and shows it to pages of other origins that the route lets in.
 */
export function completeChallenges(): Lifecycle.Method {
    return (request, h) => {
        const strategies = strategiesOf(request);
        const { response } = request;
        if (!('isBoom' in response) || strategies.size === 0) {
            return h.continue;
        }
        const { headers, statusCode } = response.output;
        const used = strategies.get(request.auth.strategy);
        const needed = statusCode === 403 && used ? neededScopes(request, used) : null;
        if (used && needed) {
            headers['WWW-Authenticate'] = bearer({
                error: 'insufficient_scope',
                ...(used.metadata !== null && { resource_metadata: used.metadata }),
                ...(needed.length > 0 && { scope: needed.join(' ') })
            });
        }
        const text = headers['WWW-Authenticate'];
        const withMetadata = [...strategies.values()].filter(({ metadata }) => metadata !== null);
        if (typeof text === 'string' && withMetadata.length > 0) {
            headers['WWW-Authenticate'] = withMetadata.map((each) => challenge(each)).reduceRight(putFirst, text);
            if (request.route.settings.cors && !exposes(request.route.settings.cors)) {
                headers['access-control-expose-headers'] = 'WWW-Authenticate';
            }
        }
        return h.continue;
    };
}

/** Whether a route lets pages of other origins read the challenge by itself. */
function exposes(cors: boolean | RouteOptionsCors): boolean {
    const names = cors === true || cors === false ? [] : (cors.exposedHeaders ?? []);
    return names.some((name) => name.toLowerCase() === 'www-authenticate');
}

/** Moves one challenge of several to the front. */
function putFirst(text: string, own: string): string {
    return text.includes(`, ${own}`) ? `${own}, ${text.replace(`, ${own}`, '')}` : text;
}

/** What hapi reports about a scope that was too small. */
interface ScopeRequirement {
    required?: string[];
    selection?: string[];
}

/** The scopes that a route needs; null where the response is anything but hapi's refusal for lack of scope. */
function neededScopes({ auth, response }: Request, { metadata }: ResourceStrategy): string[] | null {
    if (!auth.isAuthenticated || !('isBoom' in response)) {
        return null;
    }
    const { need } = (response.data ?? {}) as { need?: ScopeRequirement[] };
    if (!Array.isArray(need)) {
        return null;
    }
    if (metadata === null) {
        const names = need.flatMap(({ required = [], selection = [] }) => [...required, ...selection]);
        // A scope that the host takes from the request can contain anything, a quotation mark included.
        return [...new Set(names.filter(isScopeToken))];
    }
    // What a client should ask for: one way in, and what it has already. A client that asks for less would lose it.
    const [{ required = [], selection = [] } = {}] = need;
    const held = (auth.credentials.scope ?? []).filter((name) => !isStandardScope(name));
    return [...new Set([...required, ...selection.slice(0, 1), ...held].filter(isScopeToken))];
}
