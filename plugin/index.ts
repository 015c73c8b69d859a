import type { Plugin } from '@hapi/hapi';
import type { ForumOAuth } from './api';
import type { Options } from './options';
import { NAME, register } from './register';

/** OAuth 2.0 and OpenID Connect provider for a forum on hapi. */
export const plugin: Plugin<Options> = {
    name: NAME,
    requirements: { hapi: '>=21.0.0' },
    register
};

export { pages, type PagePaths, type PagesOptions, type PermissionText } from './pages';
export { entities } from '../entities';
export { migrations } from '../migrations';
export { startWorker, type MaintenanceWorker, type WorkerOptions } from '../jobs/worker';
export { expireDeviceCodes, type ExpiredCounts } from '../jobs/expire-device-codes';
export { pruneRefreshChains, type PrunedCounts } from '../jobs/prune-refresh-chains';
export { measureBacklog, type Backlog } from '../jobs/backlog';
export type { JobName, SweepReport } from '../jobs/jobs';
export type { SweepOptions } from '../jobs/sweep';
export { ALGORITHMS, generateSigningKey, type Algorithm } from './tokens/keys';
export { FORUM_PERMISSIONS } from './permissions';
export { ManagementError, OAuthError, type ManagementErrorCode, type OAuthErrorCode } from './errors';
export type {
    Account,
    Accounts,
    FirstPartyClient,
    Lifetimes,
    Limit,
    LimitsOptions,
    LimitsRedis,
    Options,
    SessionCredentials
} from './options';
export type { ForumOAuth } from './api';
export type { OAuthCredentials } from './strategies/bearer';
export type { AccessTokenClaims } from './tokens/access-token';
export type { EndReason, OAuthEvent, TimedOAuthEvent } from './events';
export type { ClientDescription } from './clients/describe';
export type { ClientChange, NewClient } from './clients/own';
export type { AdminClientChange, AdminNewClient, ClientFilter } from './clients/administer';
export type { DeviceAuthorizationDescription } from './tokens/device-authorization-list';
export type { Token, TokenStatus } from './tokens/list';
export type { AuthorizationConsent, AuthorizationDecision } from './grants/authorization-consent';
export type { DeviceConsent } from './grants/device-consent';

declare module '@hapi/hapi' {
    interface PluginProperties {
        'hapi-forum-oauth': ForumOAuth;
    }

    /** Of a route that an access token may open; other strategies of the route may leave them out. */
    interface AuthCredentials {
        accountId?: string;
        clientId?: string;
        permissions?: string[];
    }
}
