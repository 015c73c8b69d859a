import type { ClientSource, OAuthClient } from '../../entities/index';
import type { Context } from '../context';
import { ManagementError } from '../errors/management-error';
import { createId } from '../ids';
import type { Account } from '../options/options';
import { joinNames, splitNames } from '../scopes/text';
import type { OAuthEvent } from '../events';
import { countOwnedClients } from '../store/client-list';
import {
    deleteClientRow,
    insertClientRow,
    removeClientRow,
    updateClientRow,
    type ClientRowChange
} from '../store/clients';
import { DatabaseUnavailable, DuplicateKey } from '../store/database-errors';
import { hashClientSecret } from '../tokens/secret';
import { checkClientId, createClientId } from './client-id';
import { checkSecretHash, createClientSecret } from './client-secret';
import { describeClient, type ClientDescription } from './describe';
import { checkDetails, checkSuspendedReason } from './detail-rules';
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
    /** The source of the clients that the account creates. */
    source: Extract<ClientSource, 'administrator' | 'member'>;
    /** How many clients the account can have; left out where nothing limits it. */
    mostClients?: number;
    /**
     * The row of a client that the account may change or delete.
     *
     * @param isSure true where the row that was read before is known to have changed
     * @throws ManagementError 404, 409
     */
    findClient(id: string, isSure?: boolean): Promise<OAuthClient>;
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
 * `client_id` that is taken and for too many clients
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
    // The published API of administrators has no pkce_required: every client uses PKCE.
    const { pkce_required: pkceRequired = manager.source === 'administrator' } = input;
    checkGrants({ type, grants, pkceRequired });
    checkRedirectUriCount(grants, redirectUris);
    checkRedirectUris(type, redirectUris, context.settings.redirectSchemes);
    checkScopes(context.scopeRegistry, scopes);
    if (clientId !== undefined) {
        checkClientId(clientId);
    }
    if (givenHash !== undefined) {
        checkSecretHash(type, givenHash);
    }
    checkDetails(input);
    checkSuspendedReason(input.suspended_reason ?? null, input.status === 'suspended');
    await checkOwner(context, manager, accountId, scopes);
    await checkClientCount(context, manager);

    const secret = type === 'confidential' && givenHash === undefined ? createClientSecret() : null;
    const now = context.clock();
    const row: OAuthClient = {
        id: createId(now),
        accountId,
        clientId: clientId ?? createClientId(),
        name: input.name,
        type,
        scopePolicy: input.scope_policy ?? 'explicit',
        source: manager.source,
        verified: input.verified ?? manager.source === 'administrator',
        status: input.status ?? 'active',
        suspendedReason: input.suspended_reason ?? null,
        description: input.description ?? null,
        clientUri: input.client_uri ?? null,
        tosUri: input.tos_uri ?? null,
        policyUri: input.policy_uri ?? null,
        redirectUris: JSON.stringify(redirectUris),
        allowedScopes: joinNames(scopes),
        allowedGrants: joinNames(grants),
        secretHash: secret === null ? (givenHash ?? null) : hashClientSecret(secret),
        previousSecretHash: null,
        previousSecretExpiresAt: null,
        createdAt: now,
        updatedAt: now,
        usedAt: null,
        idleSince: null,
        metadataFetchedAt: null,
        deletedAt: null
    };
    await withUniqueClientId(context, row.clientId, () => insertClientRow(context.database, row));
    await checkClientCount(context, manager, row);
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
): Promise<{ client: ClientDescription; client_secret?: string }> {
    for (let attempts = 1; attempts <= ATTEMPTS; ++attempts) {
        const changed = await tryChange(context, manager, id, change, attempts > 1);
        if (changed) {
            return changed;
        }
        // Another request has changed the client since it was read, so the change must be checked again.
    }
    throw new DatabaseUnavailable('client');
}

/** How often a change is tried while others change the same client. */
const ATTEMPTS = 5;

/** @returns null when another request has changed or deleted the client since it was read */
async function tryChange(
    context: Context,
    manager: Manager,
    id: string,
    change: AdminClientChange,
    isSure: boolean
): Promise<{ client: ClientDescription; client_secret?: string } | null> {
    const row = await manager.findClient(id, isSure);
    const checked = await checkChange(context, manager, row, change);
    if (Object.keys(checked).length === 0) {
        return { client: describeClient(row) };
    }
    const { columns, secret } = withConsequences(manager, row, checked);
    const updatedAt = context.clock();
    const updated = await withUniqueClientId(context, columns.clientId ?? row.clientId, () =>
        updateClientRow(context.database, row, columns, updatedAt)
    );
    // A driver may count only rows that change: one that is as it should be by now needs no other attempt.
    if (!updated && !hasColumns(await manager.findClient(id, true), columns)) {
        return null;
    }
    emitChange(context, manager.account, row, columns);
    return {
        client: describeClient({ ...row, ...columns, updatedAt }),
        ...(secret !== null && { client_secret: secret })
    };
}

function hasColumns(row: OAuthClient, columns: ClientRowChange): boolean {
    return Object.entries(columns).every(([name, value]) => row[name as keyof ClientRowChange] === value);
}

/**
 * What follows from a change. Nobody vouches for what a member has changed since. A new owner gets none of the old owner's
 * secrets: a confidential client gets another, unless the change brings its hash.
 *
 * @returns the columns to write, and the new secret
 */
function withConsequences(
    { source }: Manager,
    row: OAuthClient,
    checked: ClientRowChange
): { columns: ClientRowChange; secret: string | null } {
    const columns = { ...checked };
    const known = JSON.parse(row.redirectUris) as string[];
    const added = (JSON.parse(columns.redirectUris ?? '[]') as string[]).some((uri) => !known.includes(uri));
    const isNewOwner = columns.accountId !== undefined && columns.accountId !== row.accountId;
    const isAnother =
        (columns.name ?? row.name) !== row.name ||
        (columns.clientUri !== undefined && columns.clientUri !== row.clientUri) ||
        added;
    if (isNewOwner || (source !== 'administrator' && isAnother)) {
        columns.verified ??= false;
    }
    if (columns.status === 'active') {
        columns.suspendedReason = null;
    }
    const needsSecret = isNewOwner && row.type === 'confidential' && columns.secretHash === undefined;
    const secret = needsSecret ? createClientSecret() : null;
    if (secret !== null) {
        columns.secretHash = hashClientSecret(secret);
    }
    if (columns.secretHash !== undefined) {
        columns.previousSecretHash = null;
        columns.previousSecretExpiresAt = null;
    }
    return { columns, secret };
}

/** Tells the host of a change, and of what it is in particular. */
function emitChange(context: Context, account: Account, row: OAuthClient, columns: ClientRowChange): void {
    emitClientEvent(context, 'client_updated', account, row);
    if (columns.secretHash !== undefined) {
        emitClientEvent(context, 'client_secret_rotated', account, row);
    }
    if (columns.status !== undefined && columns.status !== row.status) {
        const type = columns.status === 'suspended' ? 'client_suspended' : 'client_reactivated';
        emitClientEvent(context, type, account, row);
    }
    if (columns.verified !== undefined && columns.verified !== row.verified) {
        emitClientEvent(context, columns.verified ? 'client_verified' : 'client_unverified', account, row);
    }
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
        checkRedirectUris(row.type, redirectUris, context.settings.redirectSchemes);
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
    if (change.client_secret_hash !== undefined) {
        checkSecretHash(row.type, change.client_secret_hash);
        columns.secretHash = change.client_secret_hash;
    }
    checkDetails(change);
    Object.assign(columns, detailColumns(change));
    if (change.verified !== undefined) {
        columns.verified = change.verified;
    }
    if (change.status !== undefined) {
        columns.status = change.status;
    }
    if (change.suspended_reason !== undefined) {
        checkSuspendedReason(change.suspended_reason, (change.status ?? row.status) === 'suspended');
        columns.suspendedReason = change.suspended_reason;
    }
    if (change.allowed_scopes || change.account_id !== undefined) {
        await checkOwner(context, manager, columns.accountId === undefined ? row.accountId : columns.accountId, scopes);
    }
    return columns;
}

/** The columns of the details that a change has. */
function detailColumns(change: AdminClientChange): ClientRowChange {
    return {
        ...(change.description !== undefined && { description: change.description }),
        ...(change.client_uri !== undefined && { clientUri: change.client_uri }),
        ...(change.tos_uri !== undefined && { tosUri: change.tos_uri }),
        ...(change.policy_uri !== undefined && { policyUri: change.policy_uri })
    };
}

/**
 * Checks that an account does not have too many clients (`caps.clientsPerAccount`). Of clients that are created at the same
 * time, those over the cap are removed again.
 *
 * @param created the row that was just written; without it, whether there is room for one
 * @throws ManagementError 409
 */
async function checkClientCount(
    { database }: Context,
    { account, mostClients }: Manager,
    created?: OAuthClient
): Promise<void> {
    if (mostClients === undefined) {
        return;
    }
    const count = await countOwnedClients(database, account.id, created);
    if (count + (created ? 0 : 1) <= mostClients) {
        return;
    }
    if (created) {
        await removeClientRow(database, created.id);
    }
    throw new ManagementError(
        'conflict',
        `An account can have at most ${mostClients} applications.`,
        'Delete one that is not used any more.',
        { rule: 'clientsPerAccount', limit: mostClients }
    );
}

/**
 * Deletes a client with its pending authorizations and codes, and revokes all its grants.
 *
 * @throws ManagementError as `manager.findClient`
 */
export async function deleteManagedClient(context: Context, manager: Manager, id: string): Promise<void> {
    for (let attempts = 1; attempts <= ATTEMPTS; ++attempts) {
        const row = await manager.findClient(id, attempts > 1);
        if (await deleteClientRow(context.database, row, context.clock())) {
            emitClientEvent(context, 'client_deleted', manager.account, row);
            return;
        }
        // It was suspended, deleted or given away since it was read, which reading it again tells.
    }
    throw new DatabaseUnavailable('client');
}

type ClientEventType = Extract<OAuthEvent, { client_id: string; oauth_client_id: string }>['type'] & `client_${string}`;

/** @param account the account that acted */
export function emitClientEvent(context: Context, type: ClientEventType, account: Account, row: OAuthClient): void {
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
