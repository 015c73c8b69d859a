import type { Context } from './context';
import { revokeGrantRow, type EndReason, type GrantReference } from './store/grants';

/**
 * Revokes a grant and tells the host. From the moment that this returns, no refresh token of the grant works.
 *
 * @returns true when it was this call that revoked it
 */
export async function revokeGrant(
    { clock, database, emit }: Context,
    grant: GrantReference,
    reason: EndReason
): Promise<boolean> {
    if (!(await revokeGrantRow(database, grant.id, reason, clock()))) {
        return false;
    }
    emit({
        type: 'grant_revoked',
        reason,
        account_id: grant.accountId,
        oauth_client_id: grant.oauthClientId,
        grant_id: grant.id
    });
    return true;
}
