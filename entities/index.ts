import { OAuthAccessKey } from './access-key';
import { OAuthAuthorizationCode } from './authorization-code';
import { OAuthAuthorizationRequest } from './authorization-request';
import { OAuthClient } from './client';
import { OAuthDeviceAuthorization } from './device-authorization';
import { OAuthGrant } from './grant';
import { OAuthLoginDetour } from './login-detour';
import { OAuthRefreshToken } from './refresh-token';
import { OAuthUserCodeFailure } from './user-code-failure';

export {
    OAuthAccessKey,
    OAuthAuthorizationCode,
    OAuthAuthorizationRequest,
    OAuthClient,
    OAuthDeviceAuthorization,
    OAuthGrant,
    OAuthLoginDetour,
    OAuthRefreshToken,
    OAuthUserCodeFailure
};
export { CLIENT_SOURCES, CLIENT_STATUSES, type ClientSource, type ClientStatus } from './client';

/** Every entity, for the `entities` of the host's DataSource. */
export const entities = [
    OAuthClient,
    OAuthGrant,
    OAuthRefreshToken,
    OAuthDeviceAuthorization,
    OAuthAuthorizationRequest,
    OAuthAuthorizationCode,
    OAuthUserCodeFailure,
    OAuthLoginDetour,
    OAuthAccessKey
];
