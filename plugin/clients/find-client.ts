import type { Context } from '../context';
import { findClientByClientId, type Client } from '../store/clients';
import { CLIENT_ID_PATTERN } from './client-id';
import { ensureFirstPartyClient, isFirstPartyClientId } from './first-party-client';
import { findSurely } from '../store/database';

/** The client with this `client_id`; null where there is none, it was deleted, or it is built in no longer. */
export async function findClient(context: Context, clientId: string): Promise<Client | null> {
    if (!CLIENT_ID_PATTERN.test(clientId)) {
        return null;
    }
    const { database, settings } = context;
    // A built-in client is made where it is missing, so nothing is lost by not finding it.
    const found = isFirstPartyClientId(settings, clientId)
        ? await findClientByClientId(database, clientId)
        : await findSurely(database, (queries) => findClientByClientId(queries, clientId));
    return ensureFirstPartyClient(context, clientId, found);
}
