import type { ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import type { Resource } from '../options/options';
import { resourceMetadataUrl } from '../resources';
import { documentRoute } from './document-route';

/** Seconds. */
const MAX_AGE = 3600;

/** The metadata documents of the protected resources on the issuer's origin (RFC 9728 §3). */
export function resourceMetadataRoutes({ settings }: Context): ServerRoute[] {
    return settings.resources
        .filter(({ identifier }) => new URL(identifier).origin === settings.origin)
        .map((resource) =>
            documentRoute(
                new URL(resourceMetadataUrl(resource.identifier)).pathname,
                MAX_AGE,
                describeResource(settings.issuer, resource)
            )
        );
}

/** What a protected resource says of itself (RFC 9728 §2). */
export function describeResource(
    issuer: string,
    { identifier, scopes, name, documentation, policyUri, tosUri }: Resource
): Record<string, unknown> {
    return {
        resource: identifier,
        authorization_servers: [issuer],
        ...(scopes && { scopes_supported: scopes }),
        bearer_methods_supported: ['header'],
        ...(name !== undefined && { resource_name: name }),
        ...(documentation !== undefined && { resource_documentation: documentation }),
        ...(policyUri !== undefined && { resource_policy_uri: policyUri }),
        ...(tosUri !== undefined && { resource_tos_uri: tosUri })
    };
}
