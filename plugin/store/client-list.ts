import type { ClientSource, ClientStatus, OAuthClient } from '../../entities/index';
import { findClientRows, WHOLE_CLIENT_COLUMNS, wholeClientRow, type WholeClientColumns } from './clients';
import type { Queries } from './database';
import { isPastEnd, MAX_COUNTED, PAGE_SIZE } from './paging';

/** The applications that an account created: never built-in or inheriting clients. */
const OWNED = "c.account_id = ? AND c.source <> 'first_party' AND c.scope_policy = 'explicit' AND c.deleted_at IS NULL";

/** The row of an application that an account created; null where there is none with this `id`. */
export async function findOwnedClientRow(queries: Queries, accountId: string, id: string): Promise<OAuthClient | null> {
    const [row] = await queries.query<WholeClientColumns>(
        `SELECT ${WHOLE_CLIENT_COLUMNS} FROM oauth_clients c WHERE ${OWNED} AND c.id = ?`,
        [accountId, id]
    );
    return row ? wholeClientRow(row) : null;
}

/**
 * One page of the applications that an account created, newest first.
 *
 * @param page from 1
 * @returns the rows, and how many there are on all pages, counted up to `MAX_COUNTED`
 */
export async function listOwnedClientRows(
    queries: Queries,
    accountId: string,
    page: number
): Promise<{ rows: OAuthClient[]; total: number }> {
    const total = await countOwnedClients(queries, accountId);
    if (isPastEnd(page, total)) {
        return { rows: [], total };
    }
    const rows = await queries.query<WholeClientColumns>(
        `SELECT ${WHOLE_CLIENT_COLUMNS} FROM oauth_clients c WHERE ${OWNED} ORDER BY c.created_at DESC, c.id DESC
        ${limitTo(page)}`,
        [accountId]
    );
    return { rows: rows.map(wholeClientRow), total };
}

/**
 * How many applications an account created, counted up to `MAX_COUNTED`.
 *
 * @param last the last one that is counted, in the order in which they were created
 */
export function countOwnedClients(
    queries: Queries,
    accountId: string,
    last?: Pick<OAuthClient, 'createdAt' | 'id'>
): Promise<number> {
    if (!last) {
        return count(queries, OWNED, [accountId]);
    }
    const { createdAt, id } = last;
    const upTo = `${OWNED} AND (c.created_at < ? OR (c.created_at = ? AND c.id <= ?))`;
    return count(queries, upTo, [accountId, createdAt, createdAt, id]);
}

/** Which clients the administrators' list has. */
export interface ClientFilter {
    /** From 1. */
    page?: number | undefined;
    /** The beginning of a name, or a whole `client_id` or `id`. */
    search?: string | undefined;
    type?: 'public' | 'confidential' | undefined;
    /** The owner. */
    accountId?: string | undefined;
    /** Who made it known. */
    source?: ClientSource | undefined;
    status?: ClientStatus | undefined;
}

/** The `id` of the client whose `client_id` or `id` is the text. */
export async function findIdOfClient(queries: Queries, text: string): Promise<string | undefined> {
    const [row] = await queries.query<{ id: string }>(
        `SELECT id FROM oauth_clients WHERE client_id = ? AND deleted_at IS NULL
        UNION SELECT id FROM oauth_clients WHERE id = ? AND deleted_at IS NULL`,
        [text, text]
    );
    return row?.id;
}

/**
 * One page of all clients, newest first; by name where there is a search. `search` is the beginning of a name here.
 *
 * @returns the rows, and how many there are on all pages, counted up to `MAX_COUNTED`
 */
export async function listClientRows(
    queries: Queries,
    { page = 1, search = '', type, accountId, source, status }: ClientFilter
): Promise<{ rows: OAuthClient[]; total: number }> {
    const conditions = ['c.deleted_at IS NULL'];
    const parameters: string[] = [];
    for (const [column, value] of Object.entries({ account_id: accountId, type, source, status })) {
        if (value !== undefined) {
            conditions.push(`c.${column} = ?`);
            parameters.push(value);
        }
    }
    if (search !== '') {
        const spellings = spellingsOf(search);
        conditions.push(`(${spellings.map(() => "c.name LIKE ? ESCAPE '!'").join(' OR ')})`);
        parameters.push(...spellings.map((spelling) => `${spelling.replaceAll(/[!%_]/g, '!$&')}%`));
    }
    const where = conditions.join(' AND ');
    const total = await count(queries, where, parameters);
    if (isPastEnd(page, total)) {
        return { rows: [], total };
    }
    // The ids by an index alone, then the rows of one page.
    const order = search === '' ? 'c.created_at DESC, c.id DESC' : 'c.name, c.id';
    const ids = await queries.query<{ id: string }>(
        `SELECT c.id FROM oauth_clients c WHERE ${where} ORDER BY ${order} ${limitTo(page)}`,
        parameters
    );
    const rows = await findClientRows(
        queries,
        ids.map(({ id }) => id)
    );
    return { rows: ids.flatMap(({ id }) => rows.get(id) ?? []), total };
}

/** Names are compared byte by byte, so that an index serves; people type them in upper, lower or mixed case. */
function spellingsOf(text: string): string[] {
    const lower = text.toLowerCase();
    return [...new Set([text, lower, text.toUpperCase(), lower.replace(/^./u, (first) => first.toUpperCase())])];
}

async function count(queries: Queries, where: string, parameters: readonly (string | number)[]): Promise<number> {
    const [row] = await queries.query<{ total: number | string }>(
        `SELECT COUNT(*) AS total FROM (SELECT 1 AS one FROM oauth_clients c WHERE ${where} LIMIT ${MAX_COUNTED}) counted`,
        parameters
    );
    return Number(row?.total ?? 0);
}

function limitTo(page: number): string {
    return `LIMIT ${PAGE_SIZE} OFFSET ${(page - 1) * PAGE_SIZE}`;
}
