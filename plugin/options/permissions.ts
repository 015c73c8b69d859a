import Joi from 'joi';
import { STANDARD_SCOPES } from '../scopes/registry';
import { FORUM_PERMISSIONS } from './forum-permissions';

/** The names of the forum's permissions. */
export interface PermissionOptions {
    /** Every permission name that the forum knows. Default: `FORUM_PERMISSIONS`. */
    all?: string[];
    /** The permission that stands for all. Default `ADMINISTRATOR`. */
    administrator?: string;
    /** What an account needs in order to approve an application. Default `USE_OAUTH_CLIENTS`. */
    authorizeClients?: string;
    /** What an account needs in order to create and edit applications of its own. Default: nothing. */
    manageClients?: string;
    /** What an account needs in order to create a personal access key, and each time it uses one. Default `USE_PERSONAL_ACCESS_KEYS`. */
    useAccessKeys?: string;
}

export interface PermissionSettings {
    /** Includes `administrator`. */
    all: readonly string[];
    administrator: string;
    authorizeClients: string;
    manageClients?: string;
    useAccessKeys: string;
}

/** A scope token (RFC 6749 §3.3) other than the standard scopes. */
const permission = Joi.string()
    .max(128)
    .pattern(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'a name without spaces, quotes and backslashes')
    .invalid(...STANDARD_SCOPES);

export const permissions = Joi.object({
    all: Joi.array().items(permission).min(1).unique().default(FORUM_PERMISSIONS),
    administrator: permission.default('ADMINISTRATOR'),
    authorizeClients: permission.default('USE_OAUTH_CLIENTS'),
    manageClients: permission,
    useAccessKeys: permission.default('USE_PERSONAL_ACCESS_KEYS')
})
    .custom((given: PermissionSettings): PermissionSettings => ({
        ...given,
        all: [...new Set([...given.all, given.administrator])]
    }))
    .default();
