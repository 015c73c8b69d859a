import type { OAuthClient } from '../../entities';
import type { ClientMetadata } from './metadata';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import { createId } from '../ids';
import { joinNames, splitNames } from '../scopes/text';
import { findRowByClientId, insertClientRow, reviveClientRow, updateClientRow } from '../store/clients';
import { findSurely, type Queries } from '../store/database';
import { DatabaseUnavailable, DuplicateKey } from '../store/database-errors';
import type { Settings } from '../options/options';
import { isLetIn } from './document-standing';
import { makeRoom } from './make-room';
import { readDocument } from './metadata-document';
import type { DocumentCache } from '../documents/document-cache';
import { FetchError } from '../documents/fetch-error';

/** How long a stored document stands in for one that cannot be fetched, milliseconds. */
const STANDS_IN = 7 * 24 * 60 * 60 * 1000;

/** What the column of a name holds, characters. */
const MAX_NAME = 200;

/** Where the reason of a refusal is told. */
export type DocumentLog = (url: string, reason: string) => void;

/** How often a document is stored while others change the same client. */
const ATTEMPTS = 5;

/**
 * Brings the client of a document up to date: fetches the document where it is not fresh, and stores what it says.
 *
 * @param accountId who brings it
 * @throws OAuthError `invalid_client` where there is no acceptable document, `unauthorized_client` where the options do not let
 * it in, 429
 */
export async function bringDocumentClient(
    context: Context,
    documents: DocumentCache,
    { url, accountId, log }: { url: string; accountId: string; log: DocumentLog }
): Promise<void> {
    if (!(await isLetIn(context, { clientId: url, source: 'metadata_document' }))) {
        throw OAuthError.unauthorizedClient('The forum does not let this application in');
    }
    if (await bringPinnedClient(context, url)) {
        return;
    }
    const live = await findLive(context, url);
    if (live?.status === 'suspended') {
        return;
    }
    try {
        if (!live) {
            documents.countUnknown(accountId, url);
        }
        const { value, fetchedAt } = await documents.find(url);
        // Another process may have fetched a newer one.
        if (live?.metadataFetchedAt == null || fetchedAt > live.metadataFetchedAt) {
            await store(context, url, { metadata: read(context, documents, url, value), fetchedAt });
        }
    } catch (error) {
        if (error instanceof FetchError) {
            log(url, error.reason);
        } else if (!(error instanceof OAuthError)) {
            throw error;
        }
        const standsIn = live?.metadataFetchedAt != null && live.metadataFetchedAt > context.clock() - STANDS_IN;
        if (standsIn && !documents.isRefused(url)) {
            return;
        }
        throw error instanceof FetchError
            ? OAuthError.invalidClient('The document of the application cannot be used')
            : error;
    }
}

/**
 * Stores a document that the options pin, where it is not stored as it is.
 *
 * @returns false where the options pin none for this URL
 */
export async function bringPinnedClient(context: Context, url: string): Promise<boolean> {
    const pinned = pinnedDocument(context.settings, url);
    if (!pinned) {
        return false;
    }
    await store(context, url, { metadata: readDocument(context.settings, url, pinned), fetchedAt: null });
    return true;
}

function pinnedDocument(
    { clientMetadataDocuments: options }: Settings,
    url: string
): Record<string, unknown> | undefined {
    return options && Object.hasOwn(options.pinned, url) ? (options.pinned[url] as Record<string, unknown>) : undefined;
}

function read(context: Context, documents: DocumentCache, url: string, value: Record<string, unknown>): ClientMetadata {
    try {
        return readDocument(context.settings, url, value);
    } catch (error) {
        if (error instanceof FetchError) {
            documents.refuse(url, error);
        }
        throw error;
    }
}

async function findLive(context: Context, url: string): Promise<OAuthClient | null> {
    const stored = await findSurely(context.database, (queries) => findRowByClientId(queries, url));
    return stored?.deletedAt === null ? stored : null;
}

/** What a document says of its client. */
interface Described {
    metadata: ClientMetadata;
    /** Epoch milliseconds; null for a document that the options pin. */
    fetchedAt: number | null;
}

/** @throws DatabaseUnavailable where others change the client again and again */
async function store(context: Context, url: string, described: Described): Promise<void> {
    for (let attempts = 1; attempts <= ATTEMPTS; ++attempts) {
        const { database } = context;
        const find = (queries: Queries): Promise<OAuthClient | null> => findRowByClientId(queries, url);
        const stored = attempts === 1 ? await findSurely(database, find) : await find(database.sure);
        const columns = columnsOf(url, described);
        const isWritten =
            stored?.deletedAt === null
                ? await change(context, stored, columns)
                : await add(context, url, { stored, columns });
        if (isWritten) {
            return;
        }
    }
    throw new DatabaseUnavailable('client');
}

function columnsOf(url: string, { metadata, fetchedAt }: Described) {
    return {
        name: metadata.name ?? shortHost(new URL(url).host),
        redirectUris: JSON.stringify(metadata.redirectUris),
        allowedGrants: joinNames(metadata.grants),
        clientUri: metadata.clientUri,
        tosUri: metadata.tosUri,
        policyUri: metadata.policyUri,
        metadataFetchedAt: fetchedAt
    };
}

type Columns = ReturnType<typeof columnsOf>;

/** The end of a host says more than its beginning. */
function shortHost(host: string): string {
    return host.length <= MAX_NAME ? host : `…${host.slice(1 - MAX_NAME)}`;
}

/** @returns false where another request has changed the client meanwhile */
async function change(context: Context, stored: OAuthClient, columns: Columns): Promise<boolean> {
    const names = Object.keys(columns) as (keyof Columns)[];
    const { metadataFetchedAt: fetchedAt } = columns;
    const isOlder = fetchedAt !== null && stored.metadataFetchedAt !== null && fetchedAt <= stored.metadataFetchedAt;
    if (isOlder || names.every((name) => columns[name] === stored[name])) {
        return true;
    }
    const isAnother = describesAnother(stored, columns);
    const changed = await updateClientRow(
        context.database,
        stored,
        { ...columns, ...(isAnother && { verified: false }) },
        context.clock()
    );
    if (changed && isAnother) {
        const ids = { oauth_client_id: stored.id, client_id: stored.clientId };
        if (stored.verified) {
            context.emit({ type: 'client_unverified', ...ids });
        }
        context.emit({ type: 'client_metadata_changed', ...ids });
    }
    return changed;
}

/** @returns false where another request was first */
async function add(
    context: Context,
    url: string,
    { stored, columns }: { stored: OAuthClient | null; columns: Columns }
): Promise<boolean> {
    const { clock, database, emit, settings } = context;
    const now = clock();
    const options = settings.clientMetadataDocuments || { maxClients: 0, scopes: [] };
    // Nobody is refused where there is none.
    await makeRoom(context, { source: 'metadata_document', most: options.maxClients, before: now });
    const row: OAuthClient = {
        id: stored?.id ?? createId(now),
        accountId: null,
        clientId: url,
        type: 'public',
        scopePolicy: 'explicit',
        source: 'metadata_document',
        verified: false,
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
        ...columns
    };
    if (stored) {
        if (!(await reviveClientRow(database, stored, row))) {
            return false;
        }
    } else {
        try {
            await insertClientRow(database, row);
        } catch (error) {
            if (!(error instanceof DuplicateKey)) {
                throw error;
            }
            return false;
        }
    }
    emit({ type: 'client_discovered', oauth_client_id: row.id, client_id: url });
    return true;
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
