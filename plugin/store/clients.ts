import { OAuthClient, type ClientSource, type ClientStatus } from '../../entities/index';
import type { ScopeRule } from '../scopes/resolve';
import { splitNames } from '../scopes/text';
import type { Database, Queries } from './database';
import { revokeGrantRows } from './grants';

/** A client (RFC 6749 §2) as a request needs it. Times are epoch milliseconds. */
export interface Client extends ScopeRule {
    /** The primary key, which other rows refer to. */
    id: string;
    /** The client identifier (RFC 6749 §2.2). */
    clientId: string;
    name: string;
    /** The owner; null where the client has none. */
    accountId: string | null;
    type: 'public' | 'confidential';
    policy: 'explicit' | 'inherit';
    source: ClientSource;
    /** True for an application that the forum vouches for. */
    verified: boolean;
    status: ClientStatus;
    redirectUris: string[];
    /** The scopes that the client may ask for. */
    allowed: string[];
    /** The grant types that the client may use. */
    grants: string[];
    secretHash: string | null;
    previousSecretHash: string | null;
    previousSecretExpiresAt: number | null;
}

/** What a query selects of `oauth_clients c` for `clientFromRow`. */
export const CLIENT_COLUMNS = `c.id AS c_id, c.client_id AS c_client_id, c.name AS c_name, c.account_id AS c_account_id,
    c.type AS c_type, c.scope_policy AS c_scope_policy, c.source AS c_source, c.verified AS c_verified,
    c.status AS c_status,
    c.redirect_uris AS c_redirect_uris, c.allowed_scopes AS c_allowed_scopes, c.allowed_grants AS c_allowed_grants,
    c.secret_hash AS c_secret_hash, c.previous_secret_hash AS c_previous_secret_hash,
    c.previous_secret_expires_at AS c_previous_secret_expires_at`;

export interface ClientColumns {
    c_id: string;
    c_client_id: string;
    c_name: string;
    c_account_id: string | null;
    c_type: Client['type'];
    c_scope_policy: Client['policy'];
    c_source: ClientSource;
    c_verified: number;
    c_status: ClientStatus;
    c_redirect_uris: string;
    c_allowed_scopes: string;
    c_allowed_grants: string;
    c_secret_hash: string | null;
    c_previous_secret_hash: string | null;
    c_previous_secret_expires_at: number | string | null;
}

export function clientFromRow(row: ClientColumns): Client {
    return {
        id: row.c_id,
        clientId: row.c_client_id,
        name: row.c_name,
        accountId: row.c_account_id,
        type: row.c_type,
        policy: row.c_scope_policy,
        source: row.c_source,
        verified: Boolean(row.c_verified),
        status: row.c_status,
        redirectUris: JSON.parse(row.c_redirect_uris) as string[],
        allowed: splitNames(row.c_allowed_scopes),
        grants: splitNames(row.c_allowed_grants),
        secretHash: row.c_secret_hash,
        previousSecretHash: row.c_previous_secret_hash,
        previousSecretExpiresAt: optionalTime(row.c_previous_secret_expires_at)
    };
}

/** The client with a `client_id`; null where there is none or it was deleted. */
export async function findClientByClientId(queries: Queries, clientId: string): Promise<Client | null> {
    const [row] = await queries.query<ClientColumns>(
        `SELECT ${CLIENT_COLUMNS} FROM oauth_clients c WHERE c.client_id = ? AND c.deleted_at IS NULL`,
        [clientId]
    );
    return row ? clientFromRow(row) : null;
}

/** The client with both ids; null where there is none. */
export async function findClientByIds(queries: Queries, id: string, clientId: string): Promise<Client | null> {
    const [row] = await queries.query<ClientColumns>(
        `SELECT ${CLIENT_COLUMNS} FROM oauth_clients c WHERE c.id = ? AND c.client_id = ?`,
        [id, clientId]
    );
    return row ? clientFromRow(row) : null;
}

/** The `client_id`s of a list that have a row, deleted clients included. */
export async function findKnownClientIds(queries: Queries, clientIds: readonly string[]): Promise<Set<string>> {
    if (clientIds.length === 0) {
        return new Set();
    }
    const rows = await queries.query<{ client_id: string }>(
        `SELECT client_id FROM oauth_clients WHERE client_id IN (${placeholders(clientIds)})`,
        clientIds
    );
    return new Set(rows.map((row) => row.client_id));
}

/** What a query selects of `oauth_clients c` for `wholeClientRow`. */
export const WHOLE_CLIENT_COLUMNS = `${CLIENT_COLUMNS}, c.suspended_reason AS c_suspended_reason,
    c.description AS c_description, c.client_uri AS c_client_uri, c.tos_uri AS c_tos_uri,
    c.policy_uri AS c_policy_uri, c.used_at AS c_used_at, c.idle_since AS c_idle_since,
    c.metadata_fetched_at AS c_metadata_fetched_at, c.created_at AS c_created_at, c.updated_at AS c_updated_at,
    c.deleted_at AS c_deleted_at`;

export interface WholeClientColumns extends ClientColumns {
    c_suspended_reason: string | null;
    c_description: string | null;
    c_client_uri: string | null;
    c_tos_uri: string | null;
    c_policy_uri: string | null;
    c_used_at: number | string | null;
    c_idle_since: number | string | null;
    c_metadata_fetched_at: number | string | null;
    c_created_at: number | string;
    c_updated_at: number | string;
    c_deleted_at: number | string | null;
}

export function wholeClientRow(row: WholeClientColumns): OAuthClient {
    return {
        id: row.c_id,
        accountId: row.c_account_id,
        clientId: row.c_client_id,
        name: row.c_name,
        type: row.c_type,
        scopePolicy: row.c_scope_policy,
        source: row.c_source,
        verified: Boolean(row.c_verified),
        status: row.c_status,
        suspendedReason: row.c_suspended_reason,
        description: row.c_description,
        clientUri: row.c_client_uri,
        tosUri: row.c_tos_uri,
        policyUri: row.c_policy_uri,
        redirectUris: row.c_redirect_uris,
        allowedScopes: row.c_allowed_scopes,
        allowedGrants: row.c_allowed_grants,
        secretHash: row.c_secret_hash,
        previousSecretHash: row.c_previous_secret_hash,
        previousSecretExpiresAt: optionalTime(row.c_previous_secret_expires_at),
        usedAt: optionalTime(row.c_used_at),
        idleSince: optionalTime(row.c_idle_since),
        metadataFetchedAt: optionalTime(row.c_metadata_fetched_at),
        createdAt: Number(row.c_created_at),
        updatedAt: Number(row.c_updated_at),
        deletedAt: optionalTime(row.c_deleted_at)
    };
}

/** The row of a client by its `id`; null where there is none or it was deleted. */
export async function findClientRow(queries: Queries, id: string): Promise<OAuthClient | null> {
    const [row] = await queries.query<WholeClientColumns>(
        `SELECT ${WHOLE_CLIENT_COLUMNS} FROM oauth_clients c WHERE c.id = ? AND c.deleted_at IS NULL`,
        [id]
    );
    return row ? wholeClientRow(row) : null;
}

/** The rows of clients by their `id`s, deleted ones included. */
export async function findClientRows(queries: Queries, ids: readonly string[]): Promise<Map<string, OAuthClient>> {
    const distinct = [...new Set(ids)];
    if (distinct.length === 0) {
        return new Map();
    }
    const rows = await queries.query<WholeClientColumns>(
        `SELECT ${WHOLE_CLIENT_COLUMNS} FROM oauth_clients c WHERE c.id IN (${placeholders(distinct)})`,
        distinct
    );
    return new Map(rows.map((row) => [row.c_id, wholeClientRow(row)]));
}

/** The row with a `client_id`, deleted or not; null where there is none. */
export async function findRowByClientId(queries: Queries, clientId: string): Promise<OAuthClient | null> {
    const [row] = await queries.query<WholeClientColumns>(
        `SELECT ${WHOLE_CLIENT_COLUMNS} FROM oauth_clients c WHERE c.client_id = ?`,
        [clientId]
    );
    return row ? wholeClientRow(row) : null;
}

/**
 * Writes a deleted client anew, under the `id` that it had.
 *
 * @returns false where another request has done so since it was read
 */
export async function reviveClientRow(database: Database, read: OAuthClient, row: OAuthClient): Promise<boolean> {
    const where = { id: read.id, deletedAt: read.deletedAt! };
    const { affected } = await database.with(OAuthClient, (repository) => repository.update(where, row));
    return (affected ?? 0) > 0;
}

/** @throws DuplicateKey when the `client_id` is taken, by a deleted client too */
export function insertClientRow(queries: Queries, row: OAuthClient): Promise<void> {
    return queries.insert(OAuthClient, row);
}

/** The columns that a change may write, by their names in the entity. */
const CHANGEABLE = {
    accountId: 'account_id',
    clientId: 'client_id',
    name: 'name',
    scopePolicy: 'scope_policy',
    redirectUris: 'redirect_uris',
    allowedScopes: 'allowed_scopes',
    allowedGrants: 'allowed_grants',
    secretHash: 'secret_hash',
    previousSecretHash: 'previous_secret_hash',
    previousSecretExpiresAt: 'previous_secret_expires_at',
    verified: 'verified',
    status: 'status',
    suspendedReason: 'suspended_reason',
    description: 'description',
    clientUri: 'client_uri',
    tosUri: 'tos_uri',
    policyUri: 'policy_uri',
    metadataFetchedAt: 'metadata_fetched_at'
} as const;

export type ClientRowChange = Partial<Pick<OAuthClient, keyof typeof CHANGEABLE>>;

/**
 * Changes a client's row, unless what the change was checked against has changed since the row was read: its owner, status,
 * name, grant types, scopes, redirect URIs and website. A new owner does not get what the client was issued for the owner before.
 *
 * @param read the row that the change was checked against
 * @param now epoch milliseconds
 * @returns false when the row is another one by now, or deleted
 * @throws DuplicateKey when the new `client_id` is taken
 */
export function updateClientRow(
    database: Database,
    read: OAuthClient,
    change: ClientRowChange,
    now: number
): Promise<boolean> {
    if (change.accountId === undefined || change.accountId === read.accountId) {
        return writeClientRow(database, read, change, now);
    }
    return database.transaction(async (queries) => {
        const updated = await writeClientRow(queries, read, change, now);
        if (updated) {
            await revokeGrantRows(queries, { oauthClientId: read.id, standing: true }, 'owner_changed', now);
        }
        return updated;
    });
}

async function writeClientRow(
    queries: Queries,
    read: OAuthClient,
    change: ClientRowChange,
    now: number
): Promise<boolean> {
    const names = Object.keys(change) as (keyof typeof CHANGEABLE)[];
    const updated = await queries.execute(
        `UPDATE oauth_clients SET ${names.map((name) => `${CHANGEABLE[name]} = ?, `).join('')}updated_at = ?
        WHERE ${isOf(read)} AND deleted_at IS NULL AND status = ?
            AND name = ? AND allowed_grants = ? AND allowed_scopes = ? AND redirect_uris = ?
            AND COALESCE(client_uri, '') = ?`,
        [
            ...names.map((name) => change[name]),
            now,
            ...ownerOf(read),
            read.status,
            read.name,
            read.allowedGrants,
            read.allowedScopes,
            read.redirectUris,
            read.clientUri ?? ''
        ]
    );
    return updated > 0;
}

/** A client with the owner that a change was checked for. */
type OwnedRow = Pick<OAuthClient, 'id' | 'accountId' | 'status'>;

/** SQL: the row is this client's, and it has the owner that it had. Its parameters are `ownerOf`. */
function isOf({ accountId }: OwnedRow): string {
    return `id = ? AND account_id ${accountId === null ? 'IS NULL' : '= ?'}`;
}

function ownerOf({ id, accountId }: OwnedRow): string[] {
    return accountId === null ? [id] : [id, accountId];
}

/** Renames a client of any owner. */
export async function renameClient(queries: Queries, id: string, name: string, now: number): Promise<void> {
    await queries.execute('UPDATE oauth_clients SET name = ?, updated_at = ? WHERE id = ?', [name, now, id]);
}

/**
 * Gives a client a new secret. The secret before it is kept until `previousExpiresAt`, or dropped at once where that is
 * null; an older one is dropped in any case.
 *
 * @param secretHash lower-case hex SHA-256
 * @param now epoch milliseconds, as is `previousExpiresAt`
 * @returns false when the client was deleted, or has another owner or status
 */
export async function replaceClientSecret(
    queries: Queries,
    read: OwnedRow,
    secretHash: string,
    previousExpiresAt: number | null,
    now: number
): Promise<boolean> {
    // The order of the assignments matters: MySQL reads what it has just set.
    const replaced = await queries.execute(
        `UPDATE oauth_clients SET previous_secret_hash = ${previousExpiresAt === null ? 'NULL' : 'secret_hash'},
            previous_secret_expires_at = ?, secret_hash = ?, updated_at = ? WHERE ${isOf(read)} AND status = ? AND deleted_at IS NULL`,
        [previousExpiresAt, secretHash, now, ...ownerOf(read), read.status]
    );
    return replaced > 0;
}

/** Removes a client that was created a moment ago, and that nothing names yet. */
export async function removeClientRow(queries: Queries, id: string): Promise<void> {
    await queries.execute('DELETE FROM oauth_clients WHERE id = ?', [id]);
}

/** Tables whose rows wait for a client and are deleted with it. */
const PENDING = ['oauth_device_authorizations', 'oauth_authorization_requests', 'oauth_authorization_codes'];

/**
 * Deletes a client: it can no longer authenticate, its grants are revoked, what was pending is gone. Its row stays for
 * as long as the lists of revoked grants name it.
 *
 * @param now epoch milliseconds
 * @returns false when there is no such client, or it has another owner or status, or was deleted before
 */
export function deleteClientRow(database: Database, read: OwnedRow, now: number): Promise<boolean> {
    return database.transaction(async (queries) => {
        const deleted = await queries.execute(
            `UPDATE oauth_clients SET deleted_at = ?, updated_at = ?, secret_hash = NULL, previous_secret_hash = NULL,
                previous_secret_expires_at = NULL WHERE ${isOf(read)} AND status = ? AND deleted_at IS NULL`,
            [now, now, ...ownerOf(read), read.status]
        );
        if (deleted === 0) {
            return false;
        }
        await revokeGrantRows(queries, { oauthClientId: read.id }, 'client_deleted', now);
        for (const table of PENDING) {
            await queries.execute(`DELETE FROM ${table} WHERE oauth_client_id = ?`, [read.id]);
        }
        return true;
    });
}

function placeholders(values: readonly unknown[]): string {
    return values.map(() => '?').join(', ');
}

function optionalTime(value: number | string | null): number | null {
    return value === null ? null : Number(value);
}
