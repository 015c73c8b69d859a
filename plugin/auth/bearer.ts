import { Boom } from '@hapi/boom';
import type { Lifecycle, Request, ResponseToolkit, Server, ServerAuthSchemeObject } from '@hapi/hapi';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import { RETRY_AFTER } from '../http/error-responses';
import { expand, isStandardScope, type ScopeRegistry } from '../scopes/registry';
import { narrowScope } from '../scopes/resolve';
import { isUnavailable } from '../store/database-errors';
import { ACCESS_KEY_PREFIX } from '../tokens/access-key';
import { findVerifiedToken, verifyAccessToken } from '../tokens/access-token';
import type { AccessTokenClaims, VerifiedToken } from '../tokens/access-token-claims';
import { knownResources } from '../resources';
import { findKeyAccess } from './access-key';
import { completeChallenges, invalidToken, missingToken } from './challenges';
import { isForLater, readStrategyOptions, type ResourceStrategy } from './resource-strategy';

/** `request.auth.credentials` on a route that an access token opened. */
export interface OAuthCredentials {
    accountId: string;
    clientId: string;
    /** Standard scopes and permissions, the administrator permission expanded to all; hapi's `access.scope` reads it. */
    scope: string[];
    /** The permissions in `scope`. */
    permissions: string[];
}

export const STRATEGY = 'oauth';

/** What precedes a bearer token in the `Authorization` header (RFC 6750 §2.1). */
const BEARER = /^bearer(?: +|$)/i;

/** Adds the scheme and the strategy `oauth` to the host's server. */
export function registerBearer(server: Server, context: Context): void {
    server.auth.scheme(STRATEGY, (_server, options) => bearerScheme(context, readStrategyOptions(context, options)));
    server.auth.strategy(STRATEGY, STRATEGY, {
        challengeScope: context.settings.bearer.challengeScope,
        accessKeys: context.settings.accessKeys !== false
    });
    server.ext('onPreResponse', completeChallenges());
}

/**
 * The scheme of the `oauth` strategy and of those that a host adds for its other resources: access tokens of this issuer for
 * one resource (RFC 6750, RFC 9068).
 */
function bearerScheme(context: Context, strategy: ResourceStrategy): ServerAuthSchemeObject {
    const { settings, scopeRegistry } = context;
    const trustToken = settings.bearer.permissions === 'token';
    const refuse = (request: Request, h: ResponseToolkit, token: VerifiedToken | null): Lifecycle.ReturnValue =>
        h.unauthenticated(
            // A strategy that comes later may take it.
            token && isForLater(request, strategy, ({ resource }) => resource === token.claims.aud)
                ? missingToken(strategy)
                : invalidToken(strategy)
        );
    const byAccessKey = async (
        request: Request,
        h: ResponseToolkit,
        key: string
    ): Promise<Lifecycle.ReturnValueTypes> => {
        if (!strategy.accessKeys) {
            const isMissing = isForLater(request, strategy, ({ accessKeys }) => accessKeys);
            return h.unauthenticated(isMissing ? missingToken(strategy) : invalidToken(strategy));
        }
        const credentials = await findKeyAccess(context, request, key).catch(throwAsHost);
        return credentials ? h.authenticated({ credentials }) : h.unauthenticated(invalidToken(strategy));
    };
    return {
        api: strategy,
        authenticate: (request, h) => {
            const token = bearerToken(request.headers.authorization as string | undefined);
            if (token === null) {
                return h.unauthenticated(missingToken(strategy));
            }
            if (context.settings.accessKeys && token.startsWith(ACCESS_KEY_PREFIX)) {
                return byAccessKey(request, h, token);
            }
            // Most requests carry a token that was verified before. In this mode they need no promise.
            const known = trustToken ? findVerifiedToken(context, token) : undefined;
            if (known !== undefined) {
                return known?.claims.aud === strategy.resource
                    ? h.authenticated(accessOf(scopeRegistry, known))
                    : refuse(request, h, known);
            }
            return findAccess(context, strategy, token).then(({ verified, access }) =>
                access ? h.authenticated(access) : refuse(request, h, verified)
            );
        }
    };
}

function bearerToken(header = ''): string | null {
    const prefix = BEARER.exec(header)?.[0];
    return prefix === undefined ? null : header.slice(prefix.length);
}

/** What hapi is told about a request with a valid token. */
interface Access {
    credentials: { [Name in keyof OAuthCredentials]: OAuthCredentials[Name] };
    artifacts: AccessTokenClaims;
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

/**
 * Verifies a token, and with `bearer.permissions: 'current'` its account as well.
 *
 * @returns a valid token of whatever resource, and the access that it gives to the strategy's; null where it gives none
 */
async function findAccess(
    context: Context,
    { resource }: ResourceStrategy,
    token: string
): Promise<{ verified: VerifiedToken | null; access: Access | null }> {
    const verified = await verifyAccessToken(context, token, knownResources(context.settings));
    const scope = verified?.claims.aud === resource ? await currentScope(context, verified) : null;
    return {
        verified,
        access: scope && verified && accessOf(context.scopeRegistry, { claims: verified.claims, scope })
    };
}

/**
 * The scope of a token at this moment. With `bearer.permissions: 'current'` it shrinks to what the account may do now,
 * and is null where the account may not act.
 */
async function currentScope(context: Context, { claims, scope }: VerifiedToken): Promise<string[] | null> {
    if (context.settings.bearer.permissions === 'token') {
        return scope;
    }
    const account = await context.findAccount(claims.sub).catch(throwAsHost);
    return (
        account && narrowScope(context.scopeRegistry, { policy: 'inherit', allowed: [] }, scope, account.permissions)
    );
}

/** Throws an error in hapi's own shape, which those of a host's routes have. */
function throwAsHost(error: unknown): never {
    if (error instanceof OAuthError) {
        throw refusal(error.output.statusCode, error.message, error.output.headers['retry-after']);
    }
    throw isUnavailable(error) ? refusal(503, 'The account cannot be looked up at the moment', RETRY_AFTER) : error;
}

function refusal(statusCode: number, message: string, retryAfter: unknown): Boom {
    const error = new Boom(message, { statusCode });
    error.output.headers['Retry-After'] = String(retryAfter);
    return error;
}
