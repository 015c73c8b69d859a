import type { Context } from '../context';
import { notFound } from '../errors/management-error';
import { ID_PATTERN } from '../ids';
import { revokeGrant } from '../revoke-grant';
import { findGrantOfToken, findLiveGrants } from '../store/grants';

/**
 * Ends the grant that one of the account's refresh tokens belongs to. A grant that has ended already stays as it is.
 *
 * @param tokenId any row of the token family
 * @throws ManagementError 404
 */
export async function revokeToken(context: Context, accountId: string, tokenId: string): Promise<void> {
    const grant = ID_PATTERN.test(tokenId) ? await findGrantOfToken(context.database, tokenId, accountId) : null;
    if (!grant) {
        throw notFound('token');
    }
    await revokeGrant(context, grant, 'revoked_by_account');
}

/**
 * Ends the grant that anybody's refresh token belongs to.
 *
 * @param tokenId any row of the token family
 * @throws ManagementError 404
 */
export async function revokeAnyToken(context: Context, tokenId: string): Promise<void> {
    const grant = ID_PATTERN.test(tokenId) ? await findGrantOfToken(context.database, tokenId) : null;
    if (!grant) {
        throw notFound('token');
    }
    await revokeGrant(context, grant, 'revoked_by_administrator');
}

/** Ends all grants of an account to one client. */
export async function revokeClientTokens(context: Context, accountId: string, oauthClientId: string): Promise<void> {
    const grants = ID_PATTERN.test(oauthClientId)
        ? await findLiveGrants(context.database, accountId, oauthClientId)
        : [];
    for (const grant of grants) {
        await revokeGrant(context, grant, 'revoked_by_account');
    }
}
