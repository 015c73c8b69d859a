import type { Context } from '../context';
import { notFound } from '../errors/management-error';
import { ID_PATTERN } from '../ids';
import { revokeGrant } from '../revoke-grant';
import {
    findGrantOfToken,
    findGrantsRevokedAt,
    revokeGrantRows,
    type EndReason,
    type GrantFilter
} from '../store/grants';
import { findSurely } from '../store/database';

/**
 * Revokes the grant that one of the account's refresh tokens belongs to. A grant that was revoked before stays as it is.
 *
 * @param tokenId any row of the token family
 * @throws ManagementError 404
 */
export async function revokeToken(context: Context, accountId: string, tokenId: string): Promise<void> {
    const grant = ID_PATTERN.test(tokenId)
        ? await findSurely(context.database, (queries) => findGrantOfToken(queries, tokenId, accountId))
        : null;
    if (!grant) {
        throw notFound('token');
    }
    await revokeGrant(context, grant, 'revoked_by_account');
}

/**
 * Revokes the grant that anybody's refresh token belongs to.
 *
 * @param tokenId any row of the token family
 * @throws ManagementError 404
 */
export async function revokeAnyToken(context: Context, tokenId: string): Promise<void> {
    const grant = ID_PATTERN.test(tokenId)
        ? await findSurely(context.database, (queries) => findGrantOfToken(queries, tokenId))
        : null;
    if (!grant) {
        throw notFound('token');
    }
    await revokeGrant(context, grant, 'revoked_by_administrator');
}

/** More events of one grant each than an account has grants to a client, by the default of its cap. */
const MAX_EVENTS = 1000;

/**
 * Revokes all of an account's grants to one client, approvals that are not exchanged yet included. The host is told of each.
 *
 * @param oauthClientId the client's `id`
 */
export async function revokeClientTokens(context: Context, accountId: string, oauthClientId: string): Promise<void> {
    const { clock, database, emit } = context;
    const pair = { accountId, oauthClientId };
    const time = clock();
    const reason: EndReason = 'revoked_by_account';
    if (!ID_PATTERN.test(oauthClientId) || (await revokeGrantRows(database, pair, reason, time)) === 0) {
        return;
    }
    for (const { id } of await findGrantsRevokedAt(database, pair, { time, limit: MAX_EVENTS })) {
        emit({
            type: 'grant_revoked',
            reason,
            account_id: accountId,
            oauth_client_id: oauthClientId,
            grant_id: id
        });
    }
}

/**
 * Revokes all grants of an account, of a client, or of an account to a client, for an administrator. The host is told of
 * all of them at once: there may be very many.
 */
export async function revokeAllGrants(context: Context, filter: Omit<GrantFilter, 'standing'>): Promise<void> {
    const { clock, database, emit } = context;
    const { accountId, oauthClientId } = filter;
    const reason: EndReason = 'revoked_by_administrator';
    const count = await revokeGrantRows(database, { accountId, oauthClientId }, reason, clock());
    if (count > 0) {
        emit({
            type: 'grants_revoked',
            reason,
            count,
            ...(accountId !== undefined && { account_id: accountId }),
            ...(oauthClientId !== undefined && { oauth_client_id: oauthClientId })
        });
    }
}
