import type { Client } from '../store/clients';
import type { Context } from '../context';
import type { Account } from '../options/options';
import { narrowApproved } from '../scopes/resolve';
import type { Queries } from '../store/database';
import { newGrant } from './new-grant';
import { signTokens, type TokenResponse } from './token-response';

/** What a person approved, and the code that stands for it. */
export interface Approval {
    client: Client;
    account: Account;
    grantType: string;
    requested: readonly string[];
    approved: readonly string[];
    /** Epoch seconds. */
    authTime: number | null;
    nonce?: string | null;
    /**
     * Spends the code, first in the transaction that makes the grant.
     *
     * @param grantId the grant that the exchange makes, where there is a refresh token
     * @returns false when another request has spent it
     */
    spend(queries: Queries, grantId: string | null): Promise<boolean>;
}

/**
 * Exchanges an approval for tokens: what was approved, less what client or account have lost since. The tokens are
 * signed before the code is spent, so that a failure leaves the code as it was.
 *
 * @returns null when another request has spent the code
 */
export async function exchange(context: Context, approval: Approval): Promise<TokenResponse | null> {
    const { client, account, authTime, nonce = null } = approval;
    const scope = narrowApproved(
        context.scopeRegistry,
        client,
        approval.requested,
        approval.approved,
        account.permissions
    );
    const response = await signTokens(context, { client, account, scope, authTime, nonce });
    const refreshable = scope.includes('offline_access') && client.grants.includes('refresh_token');
    const grant = refreshable ? newGrant(context, { client, accountId: account.id, scope, authTime }) : null;

    const spent = await context.database.transaction(async (queries) => {
        const first = await approval.spend(queries, grant?.grantId ?? null);
        if (first) {
            await grant?.insert(queries);
        }
        return first;
    });
    if (!spent) {
        return null;
    }
    context.emit({
        type: 'token_issued',
        grant_type: approval.grantType,
        account_id: account.id,
        oauth_client_id: client.id,
        client_id: client.clientId,
        scope: response.scope,
        ...(grant && { grant_id: grant.grantId })
    });
    return { ...response, ...(grant && { refresh_token: grant.refreshToken }) };
}
