import { In, IsNull } from 'typeorm';
import { OAuthClient } from '../../entities';
import type { Context } from '../context';
import { DuplicateKey } from '../store/database';
import { invalidField, ManagementError, notFound } from '../errors/management-error';
import { ID_PATTERN } from '../ids';
import type { Account } from '../options/options';
import { joinNames, splitNames } from '../scopes/text';
import { hashClientSecret } from '../tokens/secret';
import { MAX_COUNTED, PAGE_SIZE, pageOf, type Page } from '../store/paging';
import { CLIENT_ID_PATTERN, ensureFirstPartyClient } from './client';
import { createClientSecret, newClientRow } from './new-client';
import { deleteClientRow } from '../store/delete-client';
import { describeClient, type ClientDescription } from './describe';
import type { NewClient } from './member-clients';
import { checkGrants, checkHeld, checkName, checkRedirectUriCount, checkRedirectUris, checkScopes } from './rules';

/** What an administrator says of a client. */
export interface AdminNewClient extends NewClient {
    /** The owner; without one the client acts for nobody. */
    account_id?: string;
    client_id?: string;
    scope_policy?: 'explicit' | 'inherit';
    /** Instead of a generated secret: lower-case hex SHA-256 of one with at least 256 random bits. */
    client_secret_hash?: string;
}

/** What an administrator may change; null takes the owner away. */
export type AdminClientChange = Partial<
    Pick<AdminNewClient, 'name' | 'redirect_uris' | 'allowed_scopes' | 'allowed_grants' | 'client_id' | 'scope_policy'>
> & { account_id?: string | null };

/** Which clients a list has. */
export interface ClientFilter {
    /** From 1. */
    page?: number | undefined;
    /** The beginning of a name, or a whole `client_id` or `id`. */
    search?: string | undefined;
    type?: 'public' | 'confidential' | undefined;
    /** The owner. */
    accountId?: string | undefined;
}

/** One page of all clients, built-in ones included, newest first; by name where there is a search. */
export async function listAllClients(
    context: Context,
    { page = 1, ...filter }: ClientFilter = {}
): Promise<Page & { clients: ClientDescription[] }> {
    const { database, settings } = context;
    const builtIn = settings.firstPartyClients.map(({ clientId }) => clientId);
    await ensureBuiltIn(context, builtIn);
    const search = filter.search ?? '';
    const named = CLIENT_ID_PATTERN.test(search) ? await findNamed(context, search) : undefined;
    const { where, parameters, order } = named
        ? { where: 'id = ?', parameters: [named], order: 'id' }
        : conditions({ ...filter, search });
    const [{ total } = { total: 0 }] = await database.query<{ total: number | string }>(
        `SELECT COUNT(*) AS total FROM (SELECT 1 AS one FROM oauth_clients WHERE ${where} LIMIT ${MAX_COUNTED}) counted`,
        parameters
    );
    // The ids by an index alone, then the rows of one page.
    const ids = await database.query<{ id: string }>(
        `SELECT id FROM oauth_clients WHERE ${where} ORDER BY ${order} LIMIT ${PAGE_SIZE} OFFSET ${(page - 1) * PAGE_SIZE}`,
        parameters
    );
    const rows = await findClientRows(
        context,
        ids.map(({ id }) => id)
    );
    // A client that is built in no longer keeps its row for the grants that it had.
    const listed = ids
        .map(({ id }) => rows.get(id))
        .filter((row): row is OAuthClient => row !== undefined && !(row.firstParty && !builtIn.includes(row.clientId)));
    return { ...pageOf(page, listed.length, Number(total)), clients: listed.map(describeClient) };
}

/** Clients by their ids, deleted ones included. */
export async function findClientRows({ database }: Context, ids: string[]): Promise<Map<string, OAuthClient>> {
    const rows =
        ids.length === 0
            ? []
            : await database.with(OAuthClient, (clients) => clients.findBy({ id: In([...new Set(ids)]) }));
    return new Map(rows.map((row) => [row.id, row]));
}

/** The id of the client that a text names exactly. */
async function findNamed({ database }: Context, text: string): Promise<string | undefined> {
    const [row] = await database.query<{ id: string }>(
        `SELECT id FROM oauth_clients WHERE client_id = ? AND deleted_at IS NULL
        UNION SELECT id FROM oauth_clients WHERE id = ? AND deleted_at IS NULL`,
        [text, text]
    );
    return row?.id;
}

function conditions({ search, type, accountId }: ClientFilter & { search: string }): {
    where: string;
    parameters: string[];
    order: string;
} {
    const where = ['deleted_at IS NULL'];
    const parameters: string[] = [];
    if (accountId !== undefined) {
        where.push('account_id = ?');
        parameters.push(accountId);
    }
    if (type !== undefined) {
        where.push('type = ?');
        parameters.push(type);
    }
    if (search === '') {
        return { where: where.join(' AND '), parameters, order: 'created_at DESC, id DESC' };
    }
    const spellings = spellingsOf(search);
    where.push(`(${spellings.map(() => "name LIKE ? ESCAPE '!'").join(' OR ')})`);
    parameters.push(...spellings.map((spelling) => `${spelling.replaceAll(/[!%_]/g, '!$&')}%`));
    return { where: where.join(' AND '), parameters, order: 'name, id' };
}

/** Names are compared byte by byte, which an index serves; people type them in the case that comes to hand. */
function spellingsOf(text: string): string[] {
    const lower = text.toLowerCase();
    return [...new Set([text, lower, text.toUpperCase(), lower.replace(/^./u, (first) => first.toUpperCase())])];
}

/** Built-in clients have their rows from their first use on; a list shows them before. */
async function ensureBuiltIn(context: Context, builtIn: readonly string[]): Promise<void> {
    const rows = await context.database.with(OAuthClient, (clients) =>
        clients.find({ where: { clientId: In([...builtIn]) }, select: { clientId: true } })
    );
    for (const clientId of builtIn.filter((id) => !rows.some((row) => row.clientId === id))) {
        await ensureFirstPartyClient(context, clientId, null);
    }
}

/** @throws ManagementError 404 */
export async function getAnyClient(context: Context, id: string): Promise<ClientDescription> {
    return describeClient(await findAny(context, id));
}

/**
 * Registers a client for anybody or nobody.
 *
 * @returns the client, with the secret that was generated for it, if one was
 * @throws ManagementError 400 for a malformed field, 403 for a permission that the owner does not hold, 409 for a
 * `client_id` that is taken
 */
export async function createAnyClient(
    context: Context,
    administrator: Account,
    input: AdminNewClient
): Promise<ClientDescription & { client_secret?: string }> {
    const grants = [...new Set(input.allowed_grants)];
    const scopes = [...new Set(input.allowed_scopes)];
    const redirectUris = [...new Set(input.redirect_uris ?? [])];
    checkName(input.name, context.settings);
    checkGrants({ type: input.type, grants, redirectUris, pkceRequired: input.pkce_required });
    checkRedirectUris(input.type, redirectUris);
    checkScopes(context.scopeRegistry, scopes);
    checkClientId(input.client_id);
    checkSecretHash(input);
    await checkOwner(context, input.account_id ?? null, scopes);

    const generated =
        input.type === 'confidential' && input.client_secret_hash === undefined ? createClientSecret() : null;
    const row = newClientRow(context.clock(), {
        accountId: input.account_id ?? null,
        clientId: input.client_id,
        name: input.name,
        type: input.type,
        policy: input.scope_policy,
        grants,
        scopes,
        redirectUris,
        secretHash: generated === null ? (input.client_secret_hash ?? null) : hashClientSecret(generated)
    });
    await uniquely(context, row.clientId, () => context.database.insert(OAuthClient, row));
    emit(context, 'client_created', administrator, row);
    return { ...describeClient(row), ...(generated !== null && { client_secret: generated }) };
}

/**
 * Changes a client of anybody's.
 *
 * @throws ManagementError as creating one does, 404, 409 for a built-in client
 */
export async function updateAnyClient(
    context: Context,
    administrator: Account,
    id: string,
    change: AdminClientChange
): Promise<ClientDescription> {
    const row = await findChangeable(context, id);
    const grants = change.allowed_grants ? [...new Set(change.allowed_grants)] : splitNames(row.allowedGrants);
    const scopes = change.allowed_scopes ? [...new Set(change.allowed_scopes)] : splitNames(row.allowedScopes);
    const redirectUris = change.redirect_uris
        ? [...new Set(change.redirect_uris)]
        : (JSON.parse(row.redirectUris) as string[]);
    const accountId = change.account_id === undefined ? row.accountId : change.account_id;
    if (change.name !== undefined) {
        checkName(change.name, context.settings);
    }
    if (change.allowed_grants) {
        // Every client uses PKCE; nothing is said of it here.
        checkGrants({ type: row.type, grants, redirectUris, pkceRequired: true });
    }
    if (change.redirect_uris) {
        checkRedirectUriCount(grants, redirectUris);
        checkRedirectUris(row.type, redirectUris);
    }
    checkClientId(change.client_id);
    if (change.allowed_scopes) {
        checkScopes(context.scopeRegistry, scopes);
    }
    if (change.allowed_scopes || change.account_id !== undefined) {
        await checkOwner(context, accountId, scopes);
    }

    const columns = {
        ...(change.name !== undefined && { name: change.name }),
        ...(change.client_id !== undefined && { clientId: change.client_id }),
        ...(change.scope_policy !== undefined && { scopePolicy: change.scope_policy }),
        ...(change.account_id !== undefined && { accountId }),
        ...(change.allowed_grants && { allowedGrants: joinNames(grants) }),
        ...(change.allowed_scopes && { allowedScopes: joinNames(scopes) }),
        ...(change.redirect_uris && { redirectUris: JSON.stringify(redirectUris) })
    };
    if (Object.keys(columns).length === 0) {
        return describeClient(row);
    }
    const updatedAt = context.clock();
    const { affected } = await uniquely(context, change.client_id ?? row.clientId, () =>
        context.database.with(OAuthClient, (clients) =>
            clients.update({ id: row.id, deletedAt: IsNull(), ...checkedAgainst(row) }, { ...columns, updatedAt })
        )
    );
    if (affected === 0) {
        // Somebody has changed or deleted it since it was read: what was checked has to be checked again.
        return updateAnyClient(context, administrator, id, change);
    }
    emit(context, 'client_updated', administrator, row);
    return describeClient({ ...row, ...columns, updatedAt });
}

/** What of a client a change is held against. */
function checkedAgainst({ accountId, allowedGrants, allowedScopes, redirectUris }: OAuthClient) {
    return { accountId: accountId ?? IsNull(), allowedGrants, allowedScopes, redirectUris };
}

/** @throws ManagementError 404, 409 for a built-in client */
export async function deleteAnyClient(context: Context, administrator: Account, id: string): Promise<void> {
    const row = await findChangeable(context, id);
    if (!(await deleteClientRow(context, row.id))) {
        throw notFound('client');
    }
    emit(context, 'client_deleted', administrator, row);
}

async function findAny({ database, settings }: Context, id: string): Promise<OAuthClient> {
    const row = ID_PATTERN.test(id)
        ? await database.with(OAuthClient, (clients) => clients.findOneBy({ id, deletedAt: IsNull() }))
        : null;
    const isGone = row?.firstParty && !settings.firstPartyClients.some(({ clientId }) => clientId === row.clientId);
    if (!row || isGone) {
        throw notFound('client');
    }
    return row;
}

async function findChangeable(context: Context, id: string): Promise<OAuthClient> {
    const row = await findAny(context, id);
    if (row.firstParty) {
        throw new ManagementError(
            'conflict',
            'A built-in client cannot be changed or deleted.',
            'Change the firstPartyClients option of the forum.',
            { client_id: row.clientId }
        );
    }
    return row;
}

function checkClientId(clientId: string | undefined): void {
    if (clientId !== undefined && !CLIENT_ID_PATTERN.test(clientId)) {
        throw invalidField(
            'client_id',
            'characters',
            'A client_id has 1 to 128 letters, digits and ._~-',
            'Choose another one, or leave it out to have one made.'
        );
    }
}

function checkSecretHash({ client_secret_hash: hash, type }: AdminNewClient): void {
    if (hash === undefined) {
        return;
    }
    if (type !== 'confidential') {
        throw invalidField('client_secret_hash', 'forbidden', 'A public client has no secret.', 'Leave it out.');
    }
    if (!/^[0-9a-f]{64}$/.test(hash)) {
        throw invalidField(
            'client_secret_hash',
            'sha256',
            'A secret is given as its SHA-256 in lower-case hex.',
            'Hash a secret with at least 256 random bits, or leave it out to have one made.'
        );
    }
}

/** What a client may be allowed is what its owner holds; one without an owner may be allowed anything. */
async function checkOwner(context: Context, accountId: string | null, scopes: readonly string[]): Promise<void> {
    if (accountId === null) {
        return;
    }
    const owner = await context.findAccount(accountId);
    if (!owner || owner.id !== accountId) {
        throw invalidField('account_id', 'exists', 'There is no such account, or it may not act.', 'Check the id.');
    }
    checkHeld(context.scopeRegistry, owner, scopes);
}

/** Runs what fails when a `client_id` is taken: by a client, a deleted one that is still listed, or a built-in one. */
async function uniquely<Result>(context: Context, clientId: string, write: () => Promise<Result>): Promise<Result> {
    const taken = new ManagementError('conflict', 'The client_id is taken.', 'Choose another one.', {
        field: 'client_id'
    });
    if (context.settings.firstPartyClients.some((builtIn) => builtIn.clientId === clientId)) {
        throw taken;
    }
    try {
        return await write();
    } catch (error) {
        throw error instanceof DuplicateKey ? taken : error;
    }
}

function emit(
    context: Context,
    type: 'client_created' | 'client_updated' | 'client_deleted',
    administrator: Account,
    row: OAuthClient
): void {
    context.emit({ type, account_id: administrator.id, oauth_client_id: row.id, client_id: row.clientId });
}
