import type { OAuthClient } from '../../entities/index';
import type { Context } from '../context';
import { invalidField, ManagementError, notFound } from '../errors/management-error';
import { ID_PATTERN } from '../ids';
import type { Account } from '../options/options';
import { splitNames } from '../scopes/text';
import { findIdOfClient, listClientRows, type ClientFilter } from '../store/client-list';
import { findClientRow, findClientRows } from '../store/clients';
import { pageOf, type Page } from '../store/paging';
import { CLIENT_ID_PATTERN } from './client-id';
import { describeClient, type ClientDescription } from './describe';
import { isTrusted } from './document-standing';
import type { AdminClientChange, AdminNewClient } from './fields';
import { ensureAllFirstPartyClients, isFirstPartyClientId } from './first-party-client';
import { changeManagedClient, createManagedClient, deleteManagedClient, type Manager } from './manage';
import { findSurely, type Queries } from '../store/database';

/** An administrator manages all clients but the built-in ones. What a client may be allowed, its owner must hold. */
function asAdministrator(context: Context, account: Account): Manager {
    return {
        account,
        source: 'administrator',
        findClient: (id, isSure) => findChangeable(context, id, isSure),
        findOwner: (accountId) => findOwner(context, accountId)
    };
}

/** One page of all clients, built-in ones included, newest first; by name where there is a search. */
export async function listAllClients(
    context: Context,
    filter: ClientFilter = {}
): Promise<Page & { clients: ClientDescription[] }> {
    const { page = 1, search = '' } = filter;
    await ensureAllFirstPartyClients(context);
    const { rows, total } =
        (await findExactly(context, search, page)) ?? (await listClientRows(context.database, filter));
    const clients = rows.filter((row) => !isFormerFirstParty(context, row)).map((row) => describe(context, row));
    return { ...pageOf(page, clients.length, total), clients };
}

/** The list of the one client whose `client_id` or `id` is searched for; null where there is none. */
async function findExactly(
    context: Context,
    search: string,
    page: number
): Promise<{ rows: OAuthClient[]; total: number } | null> {
    const id = CLIENT_ID_PATTERN.test(search) ? await findIdOfClient(context.database, search) : undefined;
    if (id === undefined) {
        return null;
    }
    const rows = page === 1 ? [...(await findClientRows(context.database, [id])).values()] : [];
    return { rows, total: 1 };
}

/** A client as administrators see it: one that the options trust counts as verified. */
function describe({ settings }: Context, row: OAuthClient): ClientDescription {
    return describeClient({ ...row, verified: row.verified || isTrusted(settings, row.clientId) });
}

/** @throws ManagementError 404 */
export async function getAnyClient(context: Context, id: string): Promise<ClientDescription> {
    return describe(context, await findAny(context, id));
}

/**
 * Creates a client for any owner, or for none.
 *
 * @returns the client, with the secret if one was generated; only its hash is kept
 * @throws ManagementError 400 for a malformed field, 403 for a permission that the owner does not hold, 409 for a
 * `client_id` that is taken
 */
export async function createAnyClient(
    context: Context,
    administrator: Account,
    input: AdminNewClient
): Promise<ClientDescription & { client_secret?: string }> {
    const { client, ...secret } = await createManagedClient(context, asAdministrator(context, administrator), input);
    return { ...client, ...secret };
}

/**
 * Changes a client of any owner. One that is given another owner gets another secret.
 *
 * @returns the client, with the secret if one was generated; only its hash is kept
 * @throws ManagementError 400, 403 and 409 as `createAnyClient`, 404, 409 for a built-in client
 */
export async function updateAnyClient(
    context: Context,
    administrator: Account,
    id: string,
    change: AdminClientChange
): Promise<ClientDescription & { client_secret?: string }> {
    const manager = {
        ...asAdministrator(context, administrator),
        findClient: async (clientId: string, isSure?: boolean) => {
            const row = await findChangeable(context, clientId, isSure);
            checkSelfMadeChange(row, change);
            return row;
        }
    };
    const { client, ...secret } = await changeManagedClient(context, manager, id, change);
    return { ...client, verified: client.verified || isTrusted(context.settings, client.client_id), ...secret };
}

/** What an administrator can change of a client that made itself known to the forum. */
const REVIEW = new Set(['verified', 'status', 'suspended_reason']);

/**
 * A client that registered itself, or that a metadata document describes, is what it says it is. An administrator can judge
 * it and take scopes away from it.
 *
 * @throws ManagementError 409
 */
function checkSelfMadeChange({ allowedScopes, source }: OAuthClient, change: AdminClientChange): void {
    if (source !== 'self_registered' && source !== 'metadata_document') {
        return;
    }
    const allowed = splitNames(allowedScopes);
    const field = Object.entries(change)
        .filter(([name, value]) => value !== undefined && !REVIEW.has(name))
        .find(([name]) => name !== 'allowed_scopes' || !change.allowed_scopes!.every((each) => allowed.includes(each)));
    if (field) {
        throw new ManagementError(
            'conflict',
            'An administrator can only review this client and take scopes away from it.',
            'Leave the field out that metadata names.',
            { field: field[0], source }
        );
    }
}

/**
 * Deletes a client of any owner with its pending authorizations and codes, and revokes all its grants.
 *
 * @throws ManagementError 404, 409 for a built-in client
 */
export function deleteAnyClient(context: Context, administrator: Account, id: string): Promise<void> {
    return deleteManagedClient(context, asAdministrator(context, administrator), id);
}

async function findAny(context: Context, id: string, isSure = false): Promise<OAuthClient> {
    const { database } = context;
    const find = (queries: Queries): Promise<OAuthClient | null> => findClientRow(queries, id);
    const row = ID_PATTERN.test(id) ? await (isSure ? find(database.sure) : findSurely(database, find)) : null;
    if (!row || isFormerFirstParty(context, row)) {
        throw notFound('client');
    }
    return row;
}

async function findChangeable(context: Context, id: string, isSure = false): Promise<OAuthClient> {
    const row = await findAny(context, id, isSure);
    if (row.source === 'first_party') {
        throw new ManagementError(
            'conflict',
            'A built-in client cannot be changed or deleted.',
            'Change the firstPartyClients option of the forum.',
            { client_id: row.clientId }
        );
    }
    return row;
}

async function findOwner(context: Context, accountId: string | null): Promise<Account | null> {
    if (accountId === null) {
        return null;
    }
    const owner = await context.findAccount(accountId);
    if (owner?.id !== accountId) {
        throw invalidField('account_id', 'exists', 'There is no such account, or it may not act.', 'Check the id.');
    }
    return owner;
}

/** A client that is no longer built in keeps its row for the grants that it had, and is neither listed nor found. */
function isFormerFirstParty({ settings }: Context, { clientId, source }: OAuthClient): boolean {
    return source === 'first_party' && !isFirstPartyClientId(settings, clientId);
}
