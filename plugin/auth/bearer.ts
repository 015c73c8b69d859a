import { Boom } from '@hapi/boom';
import type { Lifecycle, Request, Server, ServerAuthSchemeObject } from '@hapi/hapi';
import type { Context } from '../context';
import { isUnavailable } from '../store/database-errors';
import { RETRY_AFTER } from '../http/error-responses';
import { narrowScope } from '../scopes/resolve';
import { isScopeToken } from '../scopes/text';
import { expand, isStandardScope, type ScopeRegistry } from '../scopes/registry';
import { findVerifiedToken, verifyAccessToken } from '../tokens/access-token';
import type { AccessTokenClaims, VerifiedToken } from '../tokens/access-token-claims';
import { setHeaders } from '../http/headers';

/** `request.auth.credentials` on a route that an access token opened. */
export interface OAuthCredentials {
    accountId: string;
    clientId: string;
    /** Standard scopes and permissions, the wildcard spelled out; hapi's `access.scope` looks here. */
    scope: string[];
    /** The permissions among them. */
    permissions: string[];
}

export const STRATEGY = 'oauth';

/** What stands before a bearer token (RFC 6750 §2.1). */
const BEARER = /^bearer(?: +|$)/i;

/** The scheme behind the `oauth` strategy: access tokens of this issuer and audience (RFC 6750, RFC 9068). */
export function bearerScheme(context: Context): ServerAuthSchemeObject {
    const { settings, scopeRegistry } = context;
    return {
        authenticate: (request, h) => {
            const header = (request.headers.authorization as string | undefined) ?? '';
            const scheme = BEARER.exec(header)?.[0];
            if (scheme === undefined) {
                return h.unauthenticated(challenge('Bearer', true));
            }
            const token = header.slice(scheme.length);
            const answer = (access: Access | null): Lifecycle.ReturnValue =>
                access ? h.authenticated(access) : h.unauthenticated(invalidToken());
            // Most requests bring a token that was seen before: nothing of theirs has to wait.
            const proven = settings.bearer.permissions === 'token' ? findVerifiedToken(context, token) : undefined;
            return proven === undefined
                ? findAccess(context, token).then(answer)
                : answer(proven && accessOf(scopeRegistry, proven));
        }
    };
}

/** What hapi is told of a request with a valid token. */
interface Access {
    credentials: { [Name in keyof OAuthCredentials]: OAuthCredentials[Name] };
    artifacts: AccessTokenClaims;
}

async function findAccess(context: Context, token: string): Promise<Access | null> {
    const verified = await verifyAccessToken(context, token);
    const scope = verified && (await currentScope(context, verified));
    return scope && accessOf(context.scopeRegistry, { claims: verified.claims, scope });
}

function accessOf(registry: ScopeRegistry, { claims, scope }: VerifiedToken): Access {
    const expanded = expand(registry, scope);
    return {
        credentials: {
            accountId: claims.sub,
            clientId: claims.client_id,
            scope: expanded,
            permissions: expanded.filter((name) => !isStandardScope(name))
        },
        artifacts: claims
    };
}

/** The 401 for a token that is malformed, expired, another issuer's, or no access token at all (RFC 6750 §3.1). */
export function invalidToken(): Boom {
    return challenge('Bearer error="invalid_token", error_description="The access token is invalid or has expired"');
}

/** A 401 with its challenge. A missing token leaves the word to the route's next strategy. */
function challenge(value: string, isMissing = false): Boom {
    const error = new Boom(isMissing ? 'Missing access token' : 'Invalid access token', { statusCode: 401 });
    error.output.headers['WWW-Authenticate'] = value;
    return Object.assign(error, isMissing && { isMissing });
}

/** For a host's route, whose errors are hapi's own. */
function unavailable(): Boom {
    const error = new Boom('The account cannot be looked up at the moment', { statusCode: 503 });
    error.output.headers['Retry-After'] = String(RETRY_AFTER);
    return error;
}

/**
 * What the token is worth: with `bearer.permissions` `token` what it says, with `current` no more than its account may
 * do now. Null when the account may not act.
 */
async function currentScope(context: Context, { claims, scope }: VerifiedToken): Promise<string[] | null> {
    if (context.settings.bearer.permissions === 'token') {
        return scope;
    }
    const account = await context.findAccount(claims.sub).catch((error: unknown) => {
        throw isUnavailable(error) ? unavailable() : error;
    });
    return (
        account && narrowScope(context.scopeRegistry, { policy: 'inherit', allowed: [] }, scope, account.permissions)
    );
}

interface ScopeRequirement {
    selection?: string[];
    required?: string[];
}

/** `onPreResponse` of the whole server: says which scope a token lacked for the host's route (RFC 6750 §3.1). */
const insufficientScope: Lifecycle.Method = (request, h) => {
    const needed = neededScope(request);
    if (needed !== null) {
        const scope = needed === '' ? '' : `, scope="${needed}"`;
        setHeaders(request, { 'WWW-Authenticate': `Bearer error="insufficient_scope"${scope}` });
    }
    return h.continue;
};

function neededScope({ auth, response }: Request): string | null {
    if (!('isBoom' in response) || response.output.statusCode !== 403 || auth.strategy !== STRATEGY) {
        return null;
    }
    // What hapi says of a failed `access.scope`.
    const { need } = (response.data ?? {}) as { need?: ScopeRequirement[] };
    if (!auth.isAuthenticated || !Array.isArray(need)) {
        return null;
    }
    const names = need.flatMap(({ required = [], selection = [] }) => [...required, ...selection]);
    // A scope that the host takes from the request can be anything.
    return [...new Set(names.filter(isScopeToken))].join(' ');
}

/** Adds the scheme and the strategy `oauth` to the host's server. */
export function registerBearer(server: Server, context: Context): void {
    server.auth.scheme(STRATEGY, () => bearerScheme(context));
    server.auth.strategy(STRATEGY, STRATEGY);
    server.ext('onPreResponse', insufficientScope);
}
