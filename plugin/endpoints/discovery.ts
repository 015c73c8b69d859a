import type { Lifecycle, ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { STANDARD_SCOPES } from '../scopes/registry';
import { setHeaders } from '../http/headers';
import { PROTOCOL_ROUTE } from '../http/protocol-route';
import { protocolErrors } from '../http/error-responses';
import { GRANT_TYPES_SUPPORTED } from './token';

/** How a confidential client authenticates (RFC 6749 §2.3.1). */
const WITH_SECRET = ['client_secret_basic', 'client_secret_post'];

/** The provider's metadata (RFC 8414 §2, OpenID Connect Discovery §3): exactly what works. */
function metadata({ endpoint, keys, settings, scopeRegistry }: Context): Record<string, unknown> {
    return {
        issuer: settings.issuer,
        authorization_endpoint: endpoint('/oauth/authorize'),
        token_endpoint: endpoint('/oauth/token'),
        device_authorization_endpoint: endpoint('/oauth/device_authorization'),
        userinfo_endpoint: endpoint('/oauth/userinfo'),
        revocation_endpoint: endpoint('/oauth/revoke'),
        introspection_endpoint: endpoint('/oauth/introspect'),
        jwks_uri: endpoint('/oauth/jwks'),
        scopes_supported: [...STANDARD_SCOPES, ...scopeRegistry.permissions],
        grant_types_supported: GRANT_TYPES_SUPPORTED,
        response_types_supported: ['code'],
        response_modes_supported: ['query'],
        code_challenge_methods_supported: ['S256'],
        token_endpoint_auth_methods_supported: ['none', ...WITH_SECRET],
        revocation_endpoint_auth_methods_supported: ['none', ...WITH_SECRET],
        introspection_endpoint_auth_methods_supported: WITH_SECRET,
        authorization_response_iss_parameter_supported: true,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: keys.algorithms
    };
}

const cacheFor = (seconds: number): Lifecycle.Method => {
    const headers = { 'cache-control': `public, max-age=${seconds}` };
    return (request, h) => {
        if (!('isBoom' in request.response)) {
            setHeaders(request, headers);
        }
        return h.continue;
    };
};

const publicRoute = (path: string, maxAge: number, answer: object): ServerRoute => ({
    method: 'GET',
    path,
    options: { ...PROTOCOL_ROUTE, ext: { onPreResponse: [{ method: protocolErrors }, { method: cacheFor(maxAge) }] } },
    handler: () => answer
});

/** The JWK Set, below the prefix. */
export function jwksRoutes({ keys }: Context): ServerRoute[] {
    return [publicRoute('/oauth/jwks', 300, keys.published)];
}

/** The metadata documents, outside the prefix, where RFC 8414 §3 and OpenID Connect Discovery §4 look for them. */
export function wellKnownRoutes(context: Context): ServerRoute[] {
    const path = new URL(context.settings.issuer).pathname.replace(/\/$/, '');
    const paths = new Set([
        `/.well-known/oauth-authorization-server${path}`,
        `/.well-known/openid-configuration${path}`,
        `${path}/.well-known/openid-configuration`
    ]);
    const document = metadata(context);
    return [...paths].map((wellKnown) => publicRoute(wellKnown, 3600, document));
}
