import type { Context } from '../context';
import type { Client } from '../store/clients';

/**
 * What a client asks for, and `offline_access` with it where the client says that it uses refresh tokens and the forum gives such
 * clients one without being asked: many of them never ask.
 */
export function withRefreshPolicy(
    { settings }: Pick<Context, 'settings'>,
    client: Client,
    requested: readonly string[]
): string[] {
    const options =
        client.source === 'self_registered'
            ? settings.registration
            : client.source === 'metadata_document'
              ? settings.clientMetadataDocuments
              : false;
    const isAdded =
        options !== false &&
        options.refreshPolicy === 'always' &&
        client.grants.includes('refresh_token') &&
        client.allowed.includes('offline_access');
    return isAdded ? [...new Set([...requested, 'offline_access'])] : [...requested];
}
