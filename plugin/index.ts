import type { Plugin } from '@hapi/hapi';
import type { ForumOAuth } from './api';
import type { Options } from './options/options';
import { NAME, register } from './register';

/** OAuth 2.0 and OpenID Connect provider for a forum on hapi. */
export const plugin: Plugin<Options> = {
    name: NAME,
    requirements: { hapi: '>=21.0.0' },
    register
};

export { entities } from '../entities';
export { migrations } from '../migrations';
export { expireDeviceCodes, type ExpiredCounts } from '../jobs/expire-device-codes';
export { removeUnused, type UnusedCounts } from '../jobs/remove-unused';
export { pruneRefreshChains, type PrunedCounts } from '../jobs/prune-refresh-chains';
export { measureBacklog, type Backlog } from '../jobs/backlog';
export type { JobName, SweepReport } from '../jobs/jobs';
export type { SweepOptions } from '../jobs/cleanup/options';
export { ALGORITHMS, generateSigningKey, generateSigningKeys, type Algorithm } from './tokens/keys';
export { FORUM_PERMISSIONS } from './options/forum-permissions';
export { ManagementError, type ManagementErrorCode } from './errors/management-error';
export { OAuthError, type OAuthErrorCode } from './errors/oauth-error';
export type {
    AccessKeysOptions,
    Account,
    Accounts,
    Caps,
    ClientMetadataDocumentsOptions,
    FirstPartyClient,
    Lifetimes,
    Limit,
    LimitsOptions,
    LimitsRedis,
    Options,
    RefreshPolicy,
    RegistrationOptions,
    Resource,
    Secret,
    SessionCredentials
} from './options/options';
export type { ForumOAuth } from './api';
export type { AccessKeyCredentials } from './auth/access-key';
export type { OAuthCredentials } from './auth/bearer';
export type { AccessTokenClaims } from './tokens/access-token-claims';
export type { OAuthEvent, TimedOAuthEvent } from './events';
export type { EndReason } from './store/grants';
export type { ClientDescription } from './clients/describe';
export type { AdminClientChange, AdminNewClient, ClientChange, NewClient } from './clients/fields';
export type { ClientFilter } from './store/client-list';
export type { DeviceAuthorizationDescription } from './store/device-authorization-list';
export type { NewAccessKey } from './flows/access-keys';
export type { AccessKeyDescription, AdminAccessKeyDescription } from './store/access-keys';
export type { Token, TokenStatus } from './store/token-list';
export type { AuthorizationConsent, AuthorizationDecision } from './flows/authorization-consent';
export type { DeviceConsent, DeviceDecision } from './flows/device-consent';
export type { Decision } from './flows/decision';
export type { Page } from './store/paging';

/**
 * For the compiler: where `import OAuth from` would be undefined, which is in TypeScript that becomes CommonJS, it is an
 * error. `import * as OAuth from` works everywhere.
 */
export declare const __esModule: true;

declare module '@hapi/hapi' {
    interface PluginProperties {
        'hapi-forum-oauth': ForumOAuth;
    }

    /** Of a route that an access token may open; other strategies of the route may leave them out. */
    interface AuthCredentials {
        accountId?: string;
        /** Null for a personal access key. */
        clientId?: string | null;
        /** Of a personal access key. */
        accessKeyId?: string;
        permissions?: string[];
    }
}
