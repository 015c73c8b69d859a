import type { Context } from './context';
import { OAuthError } from './errors/oauth-error';
import type { Account } from './options/options';
import { holds } from './scopes/registry';

/** Whether an account may approve applications. */
export function mayAuthorize({ settings, scopeRegistry }: Context, account: Account): boolean {
    return holds(scopeRegistry, account.permissions, settings.permissions.authorizeClients);
}

/**
 * Checks that an account may approve applications (`permissions.authorizeClients`).
 *
 * @throws OAuthError `access_denied`
 */
export function requireMayAuthorize(context: Context, account: Account): void {
    if (!mayAuthorize(context, account)) {
        throw OAuthError.accessDenied('The account may not approve applications');
    }
}
