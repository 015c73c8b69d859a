import type { ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { accessKeyRoutes } from './access-keys';
import { adminClientRoutes } from './admin-clients';
import { adminDeviceAuthorizationRoutes } from './admin-device-authorizations';
import { adminRefreshTokenRoutes } from './admin-refresh-tokens';
import { authorizationRoutes } from './authorization';
import { authorizationConsentRoutes } from './authorization-consent';
import { deviceAuthorizationRoute } from './device-authorization';
import { deviceConsentRoutes } from './device-consent';
import { introspectionRoute } from './introspection';
import { jwksRoute } from './jwks';
import { memberClientRoutes } from './member-clients';
import { memberTokenRoutes } from './member-tokens';
import { registrationRoutes } from './registration';
import { revocationRoute } from './revocation';
import { tokenRoute } from './token';
import { userinfoRoutes } from './userinfo';

export { discoveryRoutes } from './discovery';
export { resourceMetadataRoutes } from './resource-metadata';

/** The endpoints that look for the forum's own session. */
export function sessionRoutes(context: Context): ServerRoute[] {
    return [
        ...authorizationRoutes(context),
        ...authorizationConsentRoutes(context),
        ...deviceConsentRoutes(context),
        ...memberClientRoutes(context),
        ...memberTokenRoutes(context),
        ...adminClientRoutes(context),
        ...adminDeviceAuthorizationRoutes(context),
        ...adminRefreshTokenRoutes(context),
        ...accessKeyRoutes(context)
    ];
}

/** The endpoints that read no cookie. */
export function protocolRoutes(context: Context): ServerRoute[] {
    return [
        deviceAuthorizationRoute(context),
        tokenRoute(context),
        ...userinfoRoutes(context),
        revocationRoute(context),
        introspectionRoute(context),
        jwksRoute(context),
        ...registrationRoutes(context)
    ];
}
