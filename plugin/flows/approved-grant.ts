import type { Context } from '../context';
import { createId } from '../ids';
import type { Account } from '../options/options';
import { revokeGrant } from '../revoke-grant';
import type { Client } from '../store/clients';
import { findGrantsOverCap, type NewGrant } from '../store/grants';
import { noteUse } from '../store/self-made-clients';
import { createFamilyKey } from '../tokens/refresh-token';

/** The grant that an approval makes. Nothing is stored yet. */
export function approvedGrant(
    { clock }: Context,
    approval: {
        client: Client;
        account: Account;
        scope: readonly string[];
        /** When the person signed in, epoch seconds. */
        authTime: number | null;
        /** Null for the default one. */
        resource: string | null;
        /** Until when it can be exchanged, epoch milliseconds. */
        expiresAt: number;
    }
): NewGrant {
    return {
        id: createId(clock()),
        accountId: approval.account.id,
        oauthClientId: approval.client.id,
        scope: approval.scope,
        familyKey: createFamilyKey(),
        authTime: approval.authTime,
        resource: approval.resource,
        expiresAt: approval.expiresAt
    };
}

/**
 * What follows an approval: a client that made itself known is in use, and of what the account has given it too often
 * (`caps.grantsPerAccountAndClient`), what was used longest ago is revoked.
 */
export async function settleApproval(context: Context, account: Account, client: Client): Promise<void> {
    if (client.source === 'self_registered' || client.source === 'metadata_document') {
        await noteUse(context.database, client.id, context.clock());
    }
    const pair = { accountId: account.id, oauthClientId: client.id };
    const most = context.settings.caps.grantsPerAccountAndClient;
    for (const grant of await findGrantsOverCap(context.database, pair, most)) {
        await revokeGrant(context, grant, 'too_many');
    }
}
