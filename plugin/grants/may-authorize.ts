import type { Context } from '../context';
import { OAuthError } from '../errors';
import type { Account } from '../options';
import { holds } from '../scopes/vocabulary';

/**
 * Checks that an account may approve applications (`permissions.authorizeClients`).
 *
 * @throws OAuthError `access_denied`
 */
export function requireMayAuthorize({ settings, vocabulary }: Context, account: Account): void {
    if (!holds(vocabulary, account.permissions, settings.permissions.authorizeClients)) {
        throw new OAuthError('access_denied', 'The account may not approve applications');
    }
}
