import type { Context } from '../context';
import type { Settings } from '../options/options';
import type { Client } from '../store/clients';

/** Whether a client with a metadata document counts as verified by the options. */
export function isTrusted({ clientMetadataDocuments: options }: Settings, url: string): boolean {
    return options !== false && (options.trusted.includes(url) || Object.hasOwn(options.pinned, url));
}

/** A client with a metadata document as the options have it now: suspended where they do not let it in, verified where they do. */
export async function asConfigured({ settings }: Pick<Context, 'settings'>, client: Client): Promise<Client> {
    if (client.source !== 'metadata_document') {
        return client;
    }
    const { clientMetadataDocuments: options } = settings;
    if (!options || (options.allow && !(await options.allow(client.clientId)))) {
        return { ...client, status: 'suspended' };
    }
    return isTrusted(settings, client.clientId) ? { ...client, verified: true } : client;
}
