import type { Settings } from '../options/options';
import { isDocumentUrl } from './document-url';
import { readDocument } from './metadata-document';

/**
 * Checks which metadata documents the options name.
 *
 * @throws Error for a URL that no document can have, and for a pinned document that would be refused if it were fetched
 */
export function checkDocumentOptions(settings: Settings): void {
    const { pinned, trusted } = settings.clientMetadataDocuments || { pinned: {}, trusted: [] };
    for (const url of trusted) {
        if (!isDocumentUrl(url, settings)) {
            throw new Error(
                `hapi-forum-oauth: "clientMetadataDocuments.trusted" must have URLs of metadata documents, but got ${url}`
            );
        }
    }
    for (const [url, document] of Object.entries(pinned)) {
        const option = `"clientMetadataDocuments.pinned" of ${url}`;
        if (!isDocumentUrl(url, settings)) {
            throw new Error(`hapi-forum-oauth: ${option} must be for the URL of a metadata document`);
        }
        try {
            readDocument(settings, url, document as Record<string, unknown>);
        } catch (error) {
            throw new Error(`hapi-forum-oauth: ${option} cannot be used: ${(error as Error).message}`, {
                cause: error
            });
        }
    }
}
