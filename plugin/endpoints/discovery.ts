import type { ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { knownResources } from '../resources';
import { documentRoute } from './document-route';
import { GRANT_TYPES_SUPPORTED } from './token';

/** Seconds. */
const MAX_AGE = 3600;

/**
 * The metadata documents. They are outside the route prefix, where RFC 8414 §3 and OpenID Connect Discovery §4 put
 * them.
 */
export function discoveryRoutes(context: Context): ServerRoute[] {
    const path = new URL(context.settings.issuer).pathname.replace(/\/$/, '');
    const paths = new Set([
        `/.well-known/oauth-authorization-server${path}`,
        `/.well-known/openid-configuration${path}`,
        `${path}/.well-known/openid-configuration`
    ]);
    const document = metadata(context);
    return [...paths].map((wellKnown) => documentRoute(wellKnown, MAX_AGE, document));
}

/** How a confidential client authenticates (RFC 6749 §2.3.1). */
const WITH_SECRET = ['client_secret_basic', 'client_secret_post'];

/** What the server supports (RFC 8414 §2, OpenID Connect Discovery §3). */
function metadata({ endpoint, keys, settings }: Context): Record<string, unknown> {
    return {
        issuer: settings.issuer,
        authorization_endpoint: endpoint('/oauth/authorize'),
        token_endpoint: endpoint('/oauth/token'),
        device_authorization_endpoint: endpoint('/oauth/device_authorization'),
        userinfo_endpoint: endpoint('/oauth/userinfo'),
        revocation_endpoint: endpoint('/oauth/revoke'),
        introspection_endpoint: endpoint('/oauth/introspect'),
        jwks_uri: endpoint('/oauth/jwks'),
        scopes_supported: settings.advertisedScopes,
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
        id_token_signing_alg_values_supported: keys.algorithms,
        ...(settings.registration && { registration_endpoint: endpoint('/oauth/register') }),
        ...(settings.clientMetadataDocuments && { client_id_metadata_document_supported: true }),
        ...(settings.resources.length > 0 && { protected_resources: knownResources(settings) })
    };
}
