import type { OAuthClient } from '../../entities/index';
import type { Context } from '../context';
import { ManagementError, notFound } from '../errors/management-error';
import { createId } from '../ids';
import type { Account } from '../options/options';
import { joinNames, splitNames } from '../scopes/text';
import { deleteClientRow, insertClientRow, updateClientRow, type ClientRowChange } from '../store/clients';
import { DuplicateKey } from '../store/database-errors';
import { hashClientSecret } from '../tokens/secret';
import { checkClientId, createClientId } from './client-id';
import { checkSecretHash, createClientSecret } from './client-secret';
import { describeClient, type ClientDescription } from './describe';
import type { AdminClientChange, AdminNewClient } from './fields';
import { isFirstPartyClientId } from './first-party-client';
import { checkGrants } from './grant-rules';
import { checkName } from './name-rules';
import { checkRedirectUriCount, checkRedirectUris } from './redirect-uri';
import { checkHeld, checkScopes } from './scope-rules';

/** Who manages a client: where members and administrators differ. */
export interface Manager {
    /** The account that acts. */
    account: Account;
    /**
     * The row of a client that the account may change or delete.
     *
     * @throws ManagementError 404, 409
     */
    findClient(id: string): Promise<OAuthClient>;
    /**
     * The account whose permissions limit the scopes of a client; null where nothing limits them.
     *
     * @param accountId the owner that the client has or gets
     * @throws ManagementError 400
     */
    findOwner(accountId: string | null): Promise<Account | null>;
}

/**
 * Creates a client.
 *
 * @returns the client, with the secret if one was generated; only its hash is kept
 * @throws ManagementError 400 for a malformed field, 403 for a permission that the owner does not hold, 409 for a
 * `client_id` that is taken
 */
export async function createManagedClient(
    context: Context,
    manager: Manager,
    input: AdminNewClient
): Promise<{ client: ClientDescription; client_secret?: string }> {
    const { account_id: accountId = null, client_id: clientId, client_secret_hash: givenHash, type } = input;
    const grants = distinct(input.allowed_grants);
    const scopes = distinct(input.allowed_scopes);
    const redirectUris = distinct(input.redirect_uris ?? []);
    checkName(input.name, context.settings);
    checkGrants({ type, grants, pkceRequired: input.pkce_required });
    checkRedirectUriCount(grants, redirectUris);
    checkRedirectUris(type, redirectUris);
    checkScopes(context.scopeRegistry, scopes);
    if (clientId !== undefined) {
        checkClientId(clientId);
    }
    if (givenHash !== undefined) {
        checkSecretHash(type, givenHash);
    }
    await checkOwner(context, manager, accountId, scopes);

    const secret = type === 'confidential' && givenHash === undefined ? createClientSecret() : null;
    const now = context.clock();
    const row: OAuthClient = {
        id: createId(now),
        accountId,
        clientId: clientId ?? createClientId(),
        name: input.name,
        type,
        scopePolicy: input.scope_policy ?? 'explicit',
        firstParty: false,
        redirectUris: JSON.stringify(redirectUris),
        allowedScopes: joinNames(scopes),
        allowedGrants: joinNames(grants),
        secretHash: secret === null ? (givenHash ?? null) : hashClientSecret(secret),
        previousSecretHash: null,
        previousSecretExpiresAt: null,
        createdAt: now,
        updatedAt: now,
        deletedAt: null
    };
    await withUniqueClientId(context, row.clientId, () => insertClientRow(context.database, row));
    emitClientEvent(context, 'client_created', manager.account, row);
    return { client: describeClient(row), ...(secret !== null && { client_secret: secret }) };
}

/**
 * Changes a client. New scopes apply to future grants and refreshes, not to access tokens that were issued before.
 *
 * @throws ManagementError as `createManagedClient`, and as `manager.findClient`
 */
export async function changeManagedClient(
    context: Context,
    manager: Manager,
    id: string,
    change: AdminClientChange
): Promise<ClientDescription> {
    const row = await manager.findClient(id);
    const columns = await checkChange(context, manager, row, change);
    if (Object.keys(columns).length === 0) {
        return describeClient(row);
    }
    const updatedAt = context.clock();
    const updated = await withUniqueClientId(context, columns.clientId ?? row.clientId, () =>
        updateClientRow(context.database, row, columns, updatedAt)
    );
    if (!updated) {
        // Another request has changed or deleted the client since it was read, so the change must be checked again.
        return changeManagedClient(context, manager, id, change);
    }
    emitClientEvent(context, 'client_updated', manager.account, row);
    return describeClient({ ...row, ...columns, updatedAt });
}

/**
 * Checks a change of a client.
 *
 * @returns the columns to write
 */
async function checkChange(
    context: Context,
    manager: Manager,
    row: OAuthClient,
    change: AdminClientChange
): Promise<ClientRowChange> {
    const columns: ClientRowChange = {};
    const grants = change.allowed_grants ? distinct(change.allowed_grants) : splitNames(row.allowedGrants);
    const scopes = change.allowed_scopes ? distinct(change.allowed_scopes) : splitNames(row.allowedScopes);
    const redirectUris = change.redirect_uris
        ? distinct(change.redirect_uris)
        : (JSON.parse(row.redirectUris) as string[]);
    if (change.name !== undefined) {
        checkName(change.name, context.settings);
        columns.name = change.name;
    }
    if (change.allowed_grants) {
        // A change has no pkce_required: every client uses PKCE.
        checkGrants({ type: row.type, grants, pkceRequired: true });
        columns.allowedGrants = joinNames(grants);
    }
    if (change.allowed_grants || change.redirect_uris) {
        checkRedirectUriCount(grants, redirectUris);
    }
    if (change.redirect_uris) {
        checkRedirectUris(row.type, redirectUris);
        columns.redirectUris = JSON.stringify(redirectUris);
    }
    if (change.client_id !== undefined) {
        checkClientId(change.client_id);
        columns.clientId = change.client_id;
    }
    if (change.scope_policy !== undefined) {
        columns.scopePolicy = change.scope_policy;
    }
    if (change.allowed_scopes) {
        checkScopes(context.scopeRegistry, scopes);
        columns.allowedScopes = joinNames(scopes);
    }
    if (change.account_id !== undefined) {
        columns.accountId = change.account_id;
    }
    if (change.allowed_scopes || change.account_id !== undefined) {
        await checkOwner(context, manager, columns.accountId === undefined ? row.accountId : columns.accountId, scopes);
    }
    return columns;
}

/**
 * Deletes a client with its pending authorizations and codes, and revokes all its grants.
 *
 * @throws ManagementError as `manager.findClient`
 */
export async function deleteManagedClient(context: Context, manager: Manager, id: string): Promise<void> {
    const row = await manager.findClient(id);
    if (!(await deleteClientRow(context.database, row.id, context.clock()))) {
        throw notFound('client');
    }
    emitClientEvent(context, 'client_deleted', manager.account, row);
}

/** @param account the account that acted */
export function emitClientEvent(
    context: Context,
    type: 'client_created' | 'client_updated' | 'client_deleted' | 'client_secret_rotated',
    account: Account,
    row: OAuthClient
): void {
    context.emit({ type, account_id: account.id, oauth_client_id: row.id, client_id: row.clientId });
}

/** A client may be allowed what its owner holds; one without an owner may be allowed anything. */
async function checkOwner(
    context: Context,
    manager: Manager,
    accountId: string | null,
    scopes: readonly string[]
): Promise<void> {
    const owner = await manager.findOwner(accountId);
    if (owner !== null) {
        checkHeld(context.scopeRegistry, owner, scopes);
    }
}

/**
 * Runs a write that fails where a `client_id` is taken: by a client, by a deleted client whose row is still there, or by
 * a built-in client.
 *
 * @throws ManagementError 409
 */
async function withUniqueClientId<Result>(
    context: Context,
    clientId: string,
    write: () => Promise<Result>
): Promise<Result> {
    const taken = new ManagementError('conflict', 'The client_id is taken.', 'Choose another one.', {
        field: 'client_id'
    });
    if (isFirstPartyClientId(context.settings, clientId)) {
        throw taken;
    }
    try {
        return await write();
    } catch (error) {
        throw error instanceof DuplicateKey ? taken : error;
    }
}

function distinct(values: readonly string[]): string[] {
    return [...new Set(values)];
}
