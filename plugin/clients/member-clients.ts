import type { OAuthClient } from '../../entities/index';
import type { Context } from '../context';
import { invalidField, ManagementError, notFound } from '../errors/management-error';
import { ID_PATTERN } from '../ids';
import type { Account } from '../options/options';
import { requireMayManageClients } from '../policy';
import { findOwnedClientRow, listOwnedClientRows } from '../store/client-list';
import { replaceClientSecret } from '../store/clients';
import { pageOf, type Page } from '../store/paging';
import { hashClientSecret } from '../tokens/secret';
import { createClientSecret } from './client-secret';
import { describeClient, type ClientDescription } from './describe';
import type { ClientChange, ClientDetails, NewClient } from './fields';
import { changeManagedClient, createManagedClient, deleteManagedClient, emitClientEvent, type Manager } from './manage';
import { findSurely, type Queries } from '../store/database';
import { DatabaseUnavailable } from '../store/database-errors';

/** How long an old secret may go on working beside a new one, seconds. */
export const MAX_OVERLAP = 7 * 24 * 60 * 60;

/** A member manages the clients that they own, and gives them no permission that they do not hold themselves. */
function asMember(context: Context, account: Account): Manager {
    return {
        account,
        source: 'member',
        mostClients: context.settings.caps.clientsPerAccount,
        findClient: (id, isSure) => findOwned(context, account.id, id, isSure),
        findOwner: () => Promise.resolve(account)
    };
}

/**
 * One page of the applications that an account created, newest first; never built-in or inheriting ones.
 *
 * @param page from 1
 */
export async function listClients(
    { database }: Context,
    accountId: string,
    page: number
): Promise<Page & { clients: ClientDescription[] }> {
    const { rows, total } = await listOwnedClientRows(database, accountId, page);
    return { ...pageOf(page, rows.length, total), clients: rows.map(describeClient) };
}

/**
 * Creates an application. A confidential one gets a secret, which is returned this once.
 *
 * @throws ManagementError 400 for a malformed field, 403 for a permission that the account does not hold, 409 for too
 * many applications
 */
export async function createClient(
    context: Context,
    account: Account,
    input: NewClient
): Promise<{ client: ClientDescription; client_secret?: string }> {
    requireMayManageClients(context, account);
    // Field by field: a host may pass on more than a member may set.
    return createManagedClient(context, asMember(context, account), {
        account_id: account.id,
        name: input.name,
        type: input.type,
        allowed_grants: input.allowed_grants,
        allowed_scopes: input.allowed_scopes,
        redirect_uris: input.redirect_uris,
        pkce_required: input.pkce_required,
        ...details(input)
    });
}

/** @throws ManagementError 404 */
export async function getClient(context: Context, accountId: string, id: string): Promise<ClientDescription> {
    return describeClient(await findOwned(context, accountId, id));
}

/**
 * Changes an application. New scopes apply to future grants and refreshes, not to access tokens that were issued before.
 *
 * @throws ManagementError 400 for a malformed field, 403 for a permission that the account does not hold, 404
 */
export async function updateClient(
    context: Context,
    account: Account,
    id: string,
    input: ClientChange
): Promise<ClientDescription> {
    requireMayManageClients(context, account);
    const { name, redirect_uris, allowed_scopes } = input;
    const change = { name, redirect_uris, allowed_scopes, ...details(input) };
    return (await changeManagedClient(context, asMember(context, account), id, change)).client;
}

/** What people judge an application by, and nothing else of what was sent. */
function details<Fields extends ClientChange | NewClient>({
    client_uri,
    tos_uri,
    policy_uri,
    description
}: Fields): Pick<Fields, keyof ClientDetails> {
    return { client_uri, tos_uri, policy_uri, description };
}

/**
 * Deletes an application with its pending authorizations and codes, and revokes all its grants.
 *
 * @throws ManagementError 404, 409 while it is suspended
 */
export function deleteClient(context: Context, account: Account, id: string): Promise<void> {
    const manager = asMember(context, account);
    return deleteManagedClient(
        context,
        { ...manager, findClient: async (each, isSure) => requireNotSuspended(await manager.findClient(each, isSure)) },
        id
    );
}

/** A suspended application is not rid of its suspension by its owner. @throws ManagementError 409 */
function requireNotSuspended(row: OAuthClient): OAuthClient {
    if (row.status === 'suspended') {
        throw new ManagementError(
            'conflict',
            'An administrator has suspended the application.',
            'Ask an administrator to reactivate it.',
            { status: row.status }
        );
    }
    return row;
}

/**
 * Gives a confidential application a new secret. The one that it had goes on working for the overlap; an older one stops
 * working at once.
 *
 * @param overlap seconds, 0 to `MAX_OVERLAP`
 * @returns the application with its secret, which is returned this once
 * @throws ManagementError 400 for another overlap, 404, 409 for a public application and while it is suspended
 */
export async function rotateSecret(
    context: Context,
    account: Account,
    id: string,
    overlap: number
): Promise<{ client: ClientDescription; client_secret: string; previous_secret_expires_at?: string }> {
    requireMayManageClients(context, account);
    requireOverlap(overlap);
    return tryRotation(context, account, { id, overlap, isSure: false });
}

/** @param isSure true where the client has changed since it was read */
async function tryRotation(
    context: Context,
    account: Account,
    { id, overlap, isSure }: { id: string; overlap: number; isSure: boolean }
): ReturnType<typeof rotateSecret> {
    const row = requireNotSuspended(await findOwned(context, account.id, id, isSure));
    if (row.type !== 'confidential') {
        throw new ManagementError(
            'conflict',
            'A public client has no secret.',
            'Create a confidential client if the application can keep one.',
            { type: row.type }
        );
    }
    const now = context.clock();
    const secret = createClientSecret();
    const expiresAt = overlap > 0 ? now + overlap * 1000 : null;
    if (!(await replaceClientSecret(context.database, row, hashClientSecret(secret), expiresAt, now))) {
        if (isSure) {
            throw new DatabaseUnavailable('client');
        }
        return tryRotation(context, account, { id, overlap, isSure: true });
    }
    emitClientEvent(context, 'client_secret_rotated', account, row);
    return {
        client: describeClient({ ...row, updatedAt: now }),
        client_secret: secret,
        ...(expiresAt !== null && { previous_secret_expires_at: new Date(expiresAt).toISOString() })
    };
}

/** @throws ManagementError 400 */
function requireOverlap(overlap: number): void {
    if (!Number.isSafeInteger(overlap) || overlap < 0 || overlap > MAX_OVERLAP) {
        throw invalidField(
            'overlap_seconds',
            'range',
            `overlap_seconds must be a whole number from 0 to ${MAX_OVERLAP}.`,
            'Correct the field that metadata names.'
        );
    }
}

async function findOwned({ database }: Context, accountId: string, id: string, isSure = false): Promise<OAuthClient> {
    const find = (queries: Queries): Promise<OAuthClient | null> => findOwnedClientRow(queries, accountId, id);
    const row = ID_PATTERN.test(id) ? await (isSure ? find(database.sure) : findSurely(database, find)) : null;
    if (!row) {
        throw notFound('client');
    }
    return row;
}
