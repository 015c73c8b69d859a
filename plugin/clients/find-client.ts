import type { Context } from '../context';
import { findClientByClientId, type Client } from '../store/clients';
import { CLIENT_ID_PATTERN } from './client-id';
import { ensureFirstPartyClient } from './first-party-client';

/** The client with this `client_id`; null where there is none, it was deleted, or it is built in no longer. */
export async function findClient(context: Context, clientId: string): Promise<Client | null> {
    if (!CLIENT_ID_PATTERN.test(clientId)) {
        return null;
    }
    return ensureFirstPartyClient(context, clientId, await findClientByClientId(context.database, clientId));
}
