import type { Context } from './context';
import { ManagementError } from './errors/management-error';
import { OAuthError } from './errors/oauth-error';
import type { Account } from './options/options';
import { holds } from './scopes/registry';

/** Whether an account may approve applications (`permissions.authorizeClients`). */
export function mayAuthorize({ settings, scopeRegistry }: Context, account: Account): boolean {
    return holds(scopeRegistry, account.permissions, settings.permissions.authorizeClients);
}

/**
 * Checks that an account may approve applications.
 *
 * @throws OAuthError `access_denied`
 */
export function requireMayAuthorize(context: Context, account: Account): void {
    if (!mayAuthorize(context, account)) {
        throw OAuthError.accessDenied('The account may not approve applications');
    }
}

/** Whether an account may create and change applications of its own (`permissions.manageClients`). */
export function mayManageClients({ settings, scopeRegistry }: Context, account: Account): boolean {
    const { manageClients } = settings.permissions;
    return manageClients === undefined || holds(scopeRegistry, account.permissions, manageClients);
}

/**
 * Checks that an account may create and change applications of its own.
 *
 * @throws ManagementError 403
 */
export function requireMayManageClients(context: Context, account: Account): void {
    if (!mayManageClients(context, account)) {
        throw new ManagementError(
            'forbidden',
            'The account may not create or change applications.',
            'Ask an administrator for the permission.',
            { permission: context.settings.permissions.manageClients }
        );
    }
}

/** Whether an account may have personal access keys and use them (`permissions.useAccessKeys`). */
export function mayUseAccessKeys({ settings, scopeRegistry }: Context, account: Account): boolean {
    return holds(scopeRegistry, account.permissions, settings.permissions.useAccessKeys);
}

/**
 * Checks that an account may have personal access keys.
 *
 * @throws ManagementError 403
 */
export function requireMayUseAccessKeys(context: Context, account: Account): void {
    if (!mayUseAccessKeys(context, account)) {
        throw new ManagementError(
            'forbidden',
            'The account may not use personal access keys.',
            'Ask an administrator for the permission.',
            { permission: context.settings.permissions.useAccessKeys }
        );
    }
}

/** Whether an account is an administrator (`permissions.administrator`). */
export function isAdministrator({ scopeRegistry }: Context, account: Account): boolean {
    return holds(scopeRegistry, account.permissions, scopeRegistry.administrator);
}

/**
 * Checks that an account is an administrator.
 *
 * @throws ManagementError 403
 */
export function requireAdministrator(context: Context, account: Account): void {
    if (!isAdministrator(context, account)) {
        throw new ManagementError(
            'forbidden',
            'The account is not an administrator.',
            'Sign in with an administrator account.',
            { permission: context.scopeRegistry.administrator }
        );
    }
}
