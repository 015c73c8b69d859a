import type { Context } from '../context';
import type { Settings } from '../options/options';
import type { Client } from '../store/clients';

/** Whether a client with a metadata document counts as verified by the options. */
export function isTrusted({ clientMetadataDocuments: options }: Settings, clientId: string): boolean {
    return options !== false && (options.trusted.includes(clientId) || Object.hasOwn(options.pinned, clientId));
}

/** Whether the options let a client in, which is a question for those with a metadata document only. */
export async function isLetIn(
    { settings }: Pick<Context, 'settings'>,
    { clientId, source }: Pick<Client, 'clientId' | 'source'>
): Promise<boolean> {
    if (source !== 'metadata_document') {
        return true;
    }
    const { clientMetadataDocuments: options } = settings;
    return options !== false && (!options.allow || (await options.allow(clientId)));
}

/**
 * A client as the options have it now. One that made itself known may ask for no more than they name; with a metadata document,
 * it is suspended where they do not let it in, and verified where they trust it.
 */
export async function asConfigured(context: Pick<Context, 'settings'>, client: Client): Promise<Client> {
    const { settings } = context;
    const options =
        client.source === 'metadata_document'
            ? settings.clientMetadataDocuments
            : client.source === 'self_registered' && settings.registration;
    const allowed = options ? client.allowed.filter((name) => options.scopes.includes(name)) : client.allowed;
    if (client.source !== 'metadata_document') {
        return { ...client, allowed };
    }
    return {
        ...client,
        allowed,
        status: (await isLetIn(context, client)) ? client.status : 'suspended',
        verified: client.verified || isTrusted(settings, client.clientId)
    };
}
