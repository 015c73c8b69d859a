import { createHash } from 'node:crypto';
import type { OAuthClient } from '../../entities/index';
import type { Context } from '../context';
import { encodeId } from '../ids';
import type { FirstPartyClient, Settings } from '../options/options';
import { joinNames } from '../scopes/text';
import { findClientByIds, findKnownClientIds, insertClientRow, renameClient, type Client } from '../store/clients';
import { DuplicateKey } from '../store/database-errors';
import { DEVICE_CODE_GRANT } from './grant-rules';
import { findSurely } from '../store/database';
import { asConfigured } from './document-standing';

/** The scopes that a built-in client must ask for. It may ask for no others. */
export const FIRST_PARTY_SCOPES = ['openid', 'profile', 'offline_access'];

/** True for a `client_id` of the option `firstPartyClients`. */
export function isFirstPartyClientId({ firstPartyClients }: Settings, clientId: string): boolean {
    return firstPartyClients.some((builtIn) => builtIn.clientId === clientId);
}

/**
 * Compares what the table has for a `client_id` with the option `firstPartyClients`. A built-in client gets its row when
 * it is first used, so an empty database needs no set-up.
 *
 * @returns the client; null where there is none, or it is built in no longer
 */
export async function ensureFirstPartyClient(
    context: Context,
    clientId: string,
    found: Client | null
): Promise<Client | null> {
    const { clock, database, settings } = context;
    const builtIn = settings.firstPartyClients.find((client) => client.clientId === clientId);
    if (!builtIn) {
        return found?.source === 'first_party' ? null : found && asConfigured(context, found);
    }
    if (found && found.source !== 'first_party') {
        throw new Error(`The client_id ${clientId} of "firstPartyClients" belongs to a registered client`);
    }
    if (found?.name === builtIn.name) {
        return found;
    }
    if (found) {
        await renameClient(database, found.id, builtIn.name, clock());
        return { ...found, name: builtIn.name };
    }
    try {
        await insertClientRow(database, firstPartyRow(builtIn, clock()));
    } catch (error) {
        // Another process, or another request of this one, was first.
        if (!(error instanceof DuplicateKey)) {
            throw error;
        }
    }
    const id = firstPartyId(clientId);
    const inserted = await findSurely(database, (queries) => findClientByIds(queries, id, clientId));
    if (!inserted) {
        throw new Error(`The client_id ${clientId} of "firstPartyClients" belonged to a registered client`);
    }
    return inserted;
}

/** Writes the rows of the built-in clients that have not been used yet, so that a list shows them. */
export async function ensureAllFirstPartyClients(context: Context): Promise<void> {
    const clientIds = context.settings.firstPartyClients.map(({ clientId }) => clientId);
    const known = await findKnownClientIds(context.database, clientIds);
    for (const clientId of clientIds.filter((id) => !known.has(id))) {
        await ensureFirstPartyClient(context, clientId, null);
    }
}

/** Any process may write the row at any time, so its id is derived from the `client_id`. */
function firstPartyId(clientId: string): string {
    return encodeId(createHash('sha256').update(`built-in client ${clientId}`).digest().subarray(0, 12));
}

function firstPartyRow({ clientId, name }: FirstPartyClient, now: number): OAuthClient {
    return {
        id: firstPartyId(clientId),
        accountId: null,
        clientId,
        name,
        type: 'public',
        scopePolicy: 'inherit',
        source: 'first_party',
        verified: true,
        status: 'active',
        suspendedReason: null,
        description: null,
        clientUri: null,
        tosUri: null,
        policyUri: null,
        redirectUris: '[]',
        allowedScopes: joinNames(FIRST_PARTY_SCOPES),
        allowedGrants: joinNames([DEVICE_CODE_GRANT, 'refresh_token']),
        secretHash: null,
        previousSecretHash: null,
        previousSecretExpiresAt: null,
        createdAt: now,
        updatedAt: now,
        usedAt: null,
        idleSince: null,
        metadataFetchedAt: null,
        deletedAt: null
    };
}
