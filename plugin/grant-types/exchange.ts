import type { Client } from '../store/clients';
import type { Context } from '../context';
import type { Account } from '../options/options';
import { narrowApproved } from '../scopes/resolve';
import { exchangeGrant, type ApprovedGrant } from '../store/grants';
import { insertFirstToken } from '../store/token-family';
import { refreshTokenExpiry } from '../store/token-lifetimes';
import { createRefreshToken } from '../tokens/refresh-token';
import { hashSecret } from '../tokens/secret';
import { signTokens, type TokenResponse } from './token-response';

/** What a person approved, as the code or device code that stands for it says. */
export interface Approval {
    client: Client;
    account: Account;
    grant: ApprovedGrant;
    grantType: string;
    requested: readonly string[];
    /** The protected resource that the tokens are for. */
    resource: string;
    nonce?: string | null;
}

/**
 * Exchanges an approval for tokens: what was approved, less what client or account have lost since. The tokens are signed
 * before the grant is exchanged, so that a failure leaves the code as it was.
 *
 * @returns null when the grant was exchanged or revoked meanwhile
 */
export async function exchange(context: Context, approval: Approval): Promise<TokenResponse | null> {
    const { client, account, grant, nonce = null } = approval;
    const scope = narrowApproved(context.scopeRegistry, client, approval.requested, grant.scope, account.permissions);
    const { authTime } = grant;
    const response = await signTokens(context, {
        client,
        account,
        grantId: grant.id,
        resource: approval.resource,
        scope,
        authTime,
        nonce
    });
    const isRefreshable = scope.includes('offline_access') && client.grants.includes('refresh_token');
    const refreshToken = isRefreshable
        ? createRefreshToken(grant.familyKey, { grantId: grant.id, generation: 0 })
        : undefined;
    if (!(await store(context, grant, scope, refreshToken))) {
        return null;
    }
    context.emit({
        type: 'token_issued',
        grant_type: approval.grantType,
        account_id: account.id,
        oauth_client_id: client.id,
        client_id: client.clientId,
        scope: response.scope,
        grant_id: grant.id
    });
    return { ...response, ...(refreshToken !== undefined && { refresh_token: refreshToken }) };
}

/** One UPDATE decides which request exchanges the grant, and whether it was revoked before. */
async function store(
    { clock, database, settings }: Context,
    grant: ApprovedGrant,
    scope: readonly string[],
    refreshToken: string | undefined
): Promise<boolean> {
    const now = clock();
    const { lifetimes } = settings;
    const times = { now, expiresAt: now + lifetimes.accessToken * 1000 };
    if (refreshToken === undefined) {
        return exchangeGrant(database, grant.id, times);
    }
    const token = {
        hash: hashSecret(refreshToken),
        scope,
        expiresAt: refreshTokenExpiry(lifetimes, grant.createdAt, now)
    };
    return database.transaction(async (queries) => {
        const exchanged = await exchangeGrant(queries, grant.id, times);
        if (exchanged) {
            await insertFirstToken(queries, grant, token, now);
        }
        return exchanged;
    });
}
