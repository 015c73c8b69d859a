import { IsNull } from 'typeorm';
import { OAuthClient } from '../../entities';
import type { Context } from '../context';
import { ManagementError, notFound } from '../errors/management-error';
import { ID_PATTERN } from '../ids';
import type { Account } from '../options/options';
import { joinNames, splitNames } from '../scopes/text';
import { holds } from '../scopes/registry';
import { PAGE_SIZE, pageOf, type Page } from '../store/paging';
import { hashClientSecret } from '../tokens/secret';
import { createClientSecret, newClientRow } from './new-client';
import { deleteClientRow } from '../store/delete-client';
import { describeClient, type ClientDescription } from './describe';
import { checkGrants, checkHeld, checkName, checkRedirectUriCount, checkRedirectUris, checkScopes } from './rules';

/** What a member says of an application that he creates. */
export interface NewClient {
    name: string;
    type: 'public' | 'confidential';
    allowed_grants: string[];
    allowed_scopes: string[];
    redirect_uris?: string[];
    /** Must be true for a public client with `authorization_code`. Every client uses PKCE, whatever is said here. */
    pkce_required?: boolean;
}

/** What a member may change of an application of his. */
export type ClientChange = Partial<Pick<NewClient, 'name' | 'redirect_uris' | 'allowed_scopes'>>;

/** How long an old secret may go on working beside a new one, seconds. */
export const MAX_OVERLAP = 7 * 24 * 60 * 60;

/** The applications that an account created, newest first; never built-in or inheriting ones. */
export async function listClients({ database }: Context, accountId: string): Promise<ClientDescription[]> {
    const rows = await database.with(OAuthClient, (clients) =>
        clients.find({ where: owned(accountId), order: { createdAt: 'DESC', id: 'DESC' } })
    );
    return rows.map(describeClient);
}

/** One page of them. */
export async function listClientPage(
    { database }: Context,
    accountId: string,
    page: number
): Promise<Page & { clients: ClientDescription[] }> {
    const [rows, total] = await database.with(OAuthClient, (clients) =>
        clients.findAndCount({
            where: owned(accountId),
            order: { createdAt: 'DESC', id: 'DESC' },
            skip: (page - 1) * PAGE_SIZE,
            take: PAGE_SIZE
        })
    );
    return { ...pageOf(page, rows.length, total), clients: rows.map(describeClient) };
}

/** Whether an account may create and change applications of its own (`permissions.manageClients`). */
export function mayManageClients({ settings, scopeRegistry }: Context, account: Account): boolean {
    const { manageClients } = settings.permissions;
    return manageClients === undefined || holds(scopeRegistry, account.permissions, manageClients);
}

/**
 * Registers an application. The secret of a confidential one is in the answer and nowhere else.
 *
 * @throws ManagementError 400 for a malformed field, 403 for a permission that the account does not hold
 */
export async function createClient(
    context: Context,
    account: Account,
    input: NewClient
): Promise<{ client: ClientDescription; client_secret?: string }> {
    requireManageClients(context, account);
    const grants = [...new Set(input.allowed_grants)];
    const scopes = [...new Set(input.allowed_scopes)];
    const redirectUris = [...new Set(input.redirect_uris ?? [])];
    checkName(input.name, context.settings);
    checkGrants({ type: input.type, grants, redirectUris, pkceRequired: input.pkce_required });
    checkRedirectUris(input.type, redirectUris);
    checkScopes(context.scopeRegistry, scopes);
    checkHeld(context.scopeRegistry, account, scopes);

    const secret = input.type === 'confidential' ? createClientSecret() : null;
    const row = newClientRow(context.clock(), {
        accountId: account.id,
        name: input.name,
        type: input.type,
        grants,
        scopes,
        redirectUris,
        secretHash: secret === null ? null : hashClientSecret(secret)
    });
    await context.database.insert(OAuthClient, row);
    emit(context, 'client_created', account, row);
    return { client: describeClient(row), ...(secret !== null && { client_secret: secret }) };
}

/** @throws ManagementError 404 */
export async function getClient(context: Context, accountId: string, id: string): Promise<ClientDescription> {
    return describeClient(await findOwned(context, accountId, id));
}

/**
 * Changes an application. What it is allowed from now on bears on future grants and refreshes, not on access tokens that
 * were issued.
 *
 * @throws ManagementError 400 for a malformed field, 403 for a permission that the account does not hold, 404
 */
export async function updateClient(
    context: Context,
    account: Account,
    id: string,
    change: ClientChange
): Promise<ClientDescription> {
    requireManageClients(context, account);
    const row = await findOwned(context, account.id, id);
    const columns: Partial<Pick<OAuthClient, 'name' | 'redirectUris' | 'allowedScopes' | 'updatedAt'>> = {};
    if (change.name !== undefined) {
        checkName(change.name, context.settings);
        columns.name = change.name;
    }
    if (change.redirect_uris !== undefined) {
        const redirectUris = [...new Set(change.redirect_uris)];
        checkRedirectUriCount(splitNames(row.allowedGrants), redirectUris);
        checkRedirectUris(row.type, redirectUris);
        columns.redirectUris = JSON.stringify(redirectUris);
    }
    if (change.allowed_scopes !== undefined) {
        const scopes = [...new Set(change.allowed_scopes)];
        checkScopes(context.scopeRegistry, scopes);
        checkHeld(context.scopeRegistry, account, scopes);
        columns.allowedScopes = joinNames(scopes);
    }
    if (Object.keys(columns).length === 0) {
        return describeClient(row);
    }
    columns.updatedAt = context.clock();
    const { affected } = await context.database.with(OAuthClient, (clients) =>
        clients.update({ id: row.id, deletedAt: IsNull() }, columns)
    );
    if (affected === 0) {
        throw notFound('client');
    }
    emit(context, 'client_updated', account, row);
    return describeClient({ ...row, ...columns });
}

/**
 * Deletes an application, with its pending authorizations and codes, and ends all its grants.
 *
 * @throws ManagementError 404
 */
export async function deleteClient(context: Context, account: Account, id: string): Promise<void> {
    const row = await findOwned(context, account.id, id);
    if (!(await deleteClientRow(context, row.id))) {
        throw notFound('client');
    }
    emit(context, 'client_deleted', account, row);
}

/**
 * Gives a confidential application a new secret. The one that it had goes on working for the overlap; what was left of
 * an earlier overlap ends.
 *
 * @param overlap seconds, 0 to `MAX_OVERLAP`
 * @throws ManagementError 404, 409 for a public application
 */
export async function rotateSecret(
    context: Context,
    account: Account,
    id: string,
    overlap: number
): Promise<{ client: ClientDescription; client_secret: string; previous_secret_expires_at?: string }> {
    requireManageClients(context, account);
    const row = await findOwned(context, account.id, id);
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
    // The order of the assignments matters: MySQL reads what it has just set.
    const rotated = await context.database.execute(
        `UPDATE oauth_clients SET previous_secret_hash = ${expiresAt === null ? 'NULL' : 'secret_hash'},
            previous_secret_expires_at = ?, secret_hash = ?, updated_at = ? WHERE id = ? AND deleted_at IS NULL`,
        [expiresAt, hashClientSecret(secret), now, row.id]
    );
    if (rotated === 0) {
        throw notFound('client');
    }
    emit(context, 'client_secret_rotated', account, row);
    return {
        client: describeClient({ ...row, updatedAt: now }),
        client_secret: secret,
        ...(expiresAt !== null && { previous_secret_expires_at: new Date(expiresAt).toISOString() })
    };
}

function owned(accountId: string) {
    return { accountId, firstParty: false, scopePolicy: 'explicit' as const, deletedAt: IsNull() };
}

async function findOwned({ database }: Context, accountId: string, id: string): Promise<OAuthClient> {
    const row = ID_PATTERN.test(id)
        ? await database.with(OAuthClient, (clients) => clients.findOneBy({ id, ...owned(accountId) }))
        : null;
    if (!row) {
        throw notFound('client');
    }
    return row;
}

function requireManageClients(context: Context, account: Account): void {
    if (!mayManageClients(context, account)) {
        throw new ManagementError(
            'forbidden',
            'The account may not create or change applications.',
            'Ask an administrator for the permission.',
            { permission: context.settings.permissions.manageClients }
        );
    }
}

function emit(
    context: Context,
    type: 'client_created' | 'client_updated' | 'client_deleted' | 'client_secret_rotated',
    account: Account,
    row: OAuthClient
): void {
    context.emit({ type, account_id: account.id, oauth_client_id: row.id, client_id: row.clientId });
}
