import type { OAuthClient } from '../../entities';
import type { ClientMetadata } from './metadata';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import { createId } from '../ids';
import { joinNames, splitNames } from '../scopes/text';
import { findRowByClientId, insertClientRow, reviveClientRow, updateClientRow } from '../store/clients';
import { findSurely } from '../store/database';
import { DuplicateKey } from '../store/database-errors';
import { isTrusted } from './document-standing';
import { makeRoom } from './make-room';
import { readDocument } from './metadata-document';
import type { DocumentCache } from '../documents/document-cache';
import { FetchError } from '../documents/fetch-error';

/** How long a stored document stands in for one that cannot be fetched, milliseconds. */
const STANDS_IN = 7 * 24 * 60 * 60 * 1000;

/** Where the reason of a refusal is told. */
export type DocumentLog = (url: string, reason: string) => void;

/**
 * Brings the client of a document up to date: fetches the document where it is not fresh, and stores what it says.
 *
 * @param accountId who brings it
 * @throws OAuthError `invalid_client` where there is no acceptable document, 429
 */
export async function bringDocumentClient(
    context: Context,
    documents: DocumentCache,
    { url, accountId, log }: { url: string; accountId: string; log: DocumentLog }
): Promise<void> {
    const { settings, database, clock } = context;
    const options = settings.clientMetadataDocuments;
    if (!options) {
        return;
    }
    const stored = await findSurely(database, (queries) => findRowByClientId(queries, url));
    const live = stored?.deletedAt === null ? stored : null;
    try {
        const pinned = Object.hasOwn(options.pinned, url) ? options.pinned[url] : undefined;
        if (!live && !pinned) {
            documents.countUnknown(accountId);
        }
        const { value, isNew } = pinned
            ? { value: pinned as Record<string, unknown>, isNew: !live }
            : await documents.find(url);
        const metadata = readDocument(settings, url, value);
        if (isNew || !live) {
            await store(context, url, metadata, stored);
        }
    } catch (error) {
        const isFinal = error instanceof FetchError && error.isFinal;
        if (error instanceof FetchError) {
            log(url, error.reason);
        } else if (!(error instanceof OAuthError)) {
            throw error;
        }
        const standsIn = live?.metadataFetchedAt != null && live.metadataFetchedAt > clock() - STANDS_IN;
        if (!isFinal && standsIn) {
            return;
        }
        throw error instanceof FetchError
            ? OAuthError.invalidClient('The document of the application cannot be used')
            : error;
    }
}

async function store(
    context: Context,
    url: string,
    metadata: ClientMetadata,
    stored: OAuthClient | null
): Promise<void> {
    const { clock, database, emit } = context;
    const now = clock();
    const trusted = isTrusted(context.settings, url);
    const described = {
        name: metadata.name ?? new URL(url).host,
        redirectUris: JSON.stringify(metadata.redirectUris),
        allowedGrants: joinNames(metadata.grants),
        clientUri: metadata.clientUri,
        tosUri: metadata.tosUri,
        policyUri: metadata.policyUri,
        metadataFetchedAt: now
    };
    if (stored?.deletedAt === null) {
        const isAnother = describesAnother(stored, described);
        const verified = trusted || (stored.verified && !isAnother);
        await updateClientRow(database, stored, { ...described, verified }, now);
        if (isAnother) {
            emit({ type: 'client_metadata_changed', oauth_client_id: stored.id, client_id: url });
        }
        return;
    }
    const options = context.settings.clientMetadataDocuments || { maxClients: 0, scopes: [] };
    // Nobody is refused where there is none.
    await makeRoom(context, { source: 'metadata_document', most: options.maxClients, before: now });
    const row: OAuthClient = {
        id: stored?.id ?? createId(now),
        accountId: null,
        clientId: url,
        type: 'public',
        scopePolicy: 'explicit',
        source: 'metadata_document',
        verified: trusted,
        status: 'active',
        suspendedReason: null,
        description: null,
        allowedScopes: joinNames(options.scopes),
        secretHash: null,
        previousSecretHash: null,
        previousSecretExpiresAt: null,
        createdAt: now,
        updatedAt: now,
        usedAt: null,
        idleSince: null,
        deletedAt: null,
        ...described
    };
    try {
        await (stored ? reviveClientRow(database, row) : insertClientRow(database, row));
    } catch (error) {
        // Another process was first.
        if (!(error instanceof DuplicateKey)) {
            throw error;
        }
        return;
    }
    emit({ type: 'client_discovered', oauth_client_id: row.id, client_id: url });
}

/** Whether people would judge the client anew: it has another name or URI, or a new place that it sends them to. */
function describesAnother(
    stored: OAuthClient,
    described: Pick<OAuthClient, 'name' | 'redirectUris' | 'allowedGrants' | 'clientUri'>
): boolean {
    const known = JSON.parse(stored.redirectUris) as string[];
    const added = (JSON.parse(described.redirectUris) as string[]).some((uri) => !known.includes(uri));
    const grants = splitNames(stored.allowedGrants);
    return (
        added ||
        stored.name !== described.name ||
        stored.clientUri !== described.clientUri ||
        splitNames(described.allowedGrants).some((name) => !grants.includes(name))
    );
}
