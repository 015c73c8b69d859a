import type { Context } from '../context';
import { isTrusted } from '../clients/document-standing';
import { isLoopback } from '../loopback';
import type { ClientSource } from '../../entities';
import { findClientRow, type Client } from '../store/clients';
import { findSurely } from '../store/database';

/** What a person can judge a request by, beside its name and scopes. */
export interface ConsentDetails {
    client_source: ClientSource;
    /** True for an application that the forum vouches for. */
    verified: boolean;
    /** True where every redirect URI is on the person's own computer, where any program could be asking. */
    loopback_only: boolean;
    /** The host of a `client_id` that is a URL. */
    client_host?: string;
    /** Where the browser is sent. Not for devices. */
    redirect_host?: string;
    /** The protected resource that the tokens are for, where the forum has such. */
    resource?: string;
    resource_name?: string;
    client_uri?: string;
    tos_uri?: string;
    policy_uri?: string;
}

/** @param redirectUri null for a device */
export async function consentDetails(
    { database, settings }: Context,
    client: Client,
    { redirectUri, resource }: { redirectUri: string | null; resource: string | null }
): Promise<ConsentDetails> {
    const row = await findSurely(database, (queries) => findClientRow(queries, client.id));
    const hosts = client.redirectUris.map((uri) => new URL(uri));
    const known = settings.resources.find(({ identifier }) => identifier === (resource ?? settings.audience));
    return {
        client_source: client.source,
        verified: client.verified || isTrusted(settings, client.clientId),
        loopback_only: hosts.length > 0 && hosts.every(({ hostname }) => isLoopback(hostname)),
        ...(client.clientId.startsWith('https://') && { client_host: new URL(client.clientId).host }),
        // A private-use scheme has no host: it is an application on the same device.
        ...(redirectUri !== null && { redirect_host: new URL(redirectUri).host || new URL(redirectUri).protocol }),
        ...(known && { resource: known.identifier, ...(known.name !== undefined && { resource_name: known.name }) }),
        ...(row?.clientUri && { client_uri: row.clientUri }),
        ...(row?.tosUri && { tos_uri: row.tosUri }),
        ...(row?.policyUri && { policy_uri: row.policyUri })
    };
}
