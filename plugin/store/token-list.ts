import { ID_PATTERN } from '../ids';
import type { Queries } from './database';
import { IS_LIVE, IS_REVOKED } from './grants';
import { isPastEnd, MAX_COUNTED, PAGE_SIZE, pageOf, type Page } from './paging';
import { rfc3339 } from './rfc3339';
import { headGeneration } from './generations';

/** `active`: heads of live grants; `superseded`: rotated; `revoked`, `expired`: heads of grants that are. */
export type TokenStatus = 'active' | 'superseded' | 'revoked' | 'expired';
export const TOKEN_STATUSES: TokenStatus[] = ['active', 'superseded', 'revoked', 'expired'];

/** A refresh token as lists show it: what an account gave an application, never the token itself. */
export interface Token {
    id: string;
    createdAt: string;
    /** The client's `id`. */
    oauth_client_id: string;
    client_id: string;
    client_name: string;
    account_id: string;
    scope: string;
    expires_at: string;
    revoked_at?: string;
    replaced_by_token_id?: string;
    last_used_at?: string;
    grant_id: string;
    granted_at: string;
}

export interface TokenFilter {
    accountId?: string | undefined;
    /** A client's `id`. */
    oauthClientId?: string | undefined;
    status?: TokenStatus | undefined;
    /** From 1. */
    page: number;
}

interface Row {
    id: string;
    created_at: number | string;
    oauth_client_id: string;
    client_id: string;
    client_name: string;
    account_id: string;
    scope: string;
    expires_at: number | string;
    grant_id: string;
    granted_at: number | string;
    ended_at: number | string | null;
    successor_id: string | null;
    rotated_at: number | string | null;
}

/**
 * One page of refresh tokens, newest first.
 *
 * @param now epoch milliseconds
 */
export async function listTokens(
    queries: Queries,
    filter: TokenFilter,
    now: number
): Promise<Page & { tokens: Token[] }> {
    if (filter.oauthClientId !== undefined && !ID_PATTERN.test(filter.oauthClientId)) {
        return { ...pageOf(filter.page, 0, 0), tokens: [] };
    }
    const { from, where, parameters } = conditions(filter, now);
    const [{ total } = { total: 0 }] = await queries.query<{ total: number | string }>(
        `SELECT COUNT(*) AS total FROM (SELECT 1 AS one FROM ${from} WHERE ${where} LIMIT ${MAX_COUNTED}) counted`,
        parameters
    );
    if (isPastEnd(filter.page, Number(total))) {
        return { ...pageOf(filter.page, 0, Number(total)), tokens: [] };
    }
    // The page's ids first, from indexes alone; then what is shown of fifty rows.
    const rows = await queries.query<Row>(
        `SELECT t.id, t.created_at, t.oauth_client_id, c.client_id, c.name AS client_name, t.account_id, t.scope,
            t.expires_at, t.grant_id, g.created_at AS granted_at, g.ended_at, s.id AS successor_id,
            s.created_at AS rotated_at
        FROM (SELECT t.id AS page_id FROM ${from} WHERE ${where}
            ORDER BY t.created_at DESC, t.id DESC LIMIT ${PAGE_SIZE} OFFSET ${(filter.page - 1) * PAGE_SIZE}) p
        JOIN oauth_refresh_tokens t ON t.id = p.page_id
        JOIN oauth_grants g ON g.id = t.grant_id
        JOIN oauth_clients c ON c.id = t.oauth_client_id
        LEFT JOIN oauth_refresh_tokens s ON s.grant_id = t.grant_id AND s.generation = t.generation + 1`,
        parameters
    );
    // Here, as the database would write the scopes to a temporary table on disk in order to sort fifty rows.
    rows.sort(newestFirst);
    return { ...pageOf(filter.page, rows.length, Number(total)), tokens: rows.map(tokenFromRow) };
}

function newestFirst(one: Row, other: Row): number {
    return Number(other.created_at) - Number(one.created_at) || (one.id < other.id ? 1 : -1);
}

/**
 * Heads, and what an account gave one client, are reached from their grants, which are few; all rows of an account or a
 * client, and of all accounts, by the index of their times.
 */
function conditions(
    { accountId, oauthClientId, status }: TokenFilter,
    now: number
): {
    from: string;
    where: string;
    parameters: unknown[];
} {
    const where: string[] = [];
    const parameters: unknown[] = [];
    const add = (condition: string, ...values: unknown[]): void => {
        where.push(condition);
        parameters.push(...values);
    };
    const heads = status !== undefined && status !== 'superseded';
    const fromGrants = heads || (accountId !== undefined && oauthClientId !== undefined);
    const owner = fromGrants ? 'g' : 't';
    if (accountId !== undefined) {
        add(`${owner}.account_id = ?`, accountId);
    }
    if (oauthClientId !== undefined) {
        add(`${owner}.oauth_client_id = ?`, oauthClientId);
    }
    if (status === 'superseded') {
        add(`EXISTS (SELECT 1 FROM oauth_refresh_tokens s
            WHERE s.grant_id = t.grant_id AND s.generation = t.generation + 1)`);
    }
    if (heads) {
        add(`t.generation = ${headGeneration('g.id')}`);
    }
    if (status === 'revoked') {
        add(IS_REVOKED);
    }
    if (status === 'active') {
        add(`${IS_LIVE} AND t.expires_at > ?`, now);
    }
    if (status === 'expired') {
        add(`${IS_LIVE} AND t.expires_at <= ?`, now);
    }
    return {
        from: fromGrants ? 'oauth_grants g JOIN oauth_refresh_tokens t ON t.grant_id = g.id' : 'oauth_refresh_tokens t',
        where: where.length === 0 ? '1 = 1' : where.join(' AND '),
        parameters
    };
}

function tokenFromRow(row: Row): Token {
    const ended = row.rotated_at ?? row.ended_at;
    return {
        id: row.id,
        createdAt: rfc3339(row.created_at),
        oauth_client_id: row.oauth_client_id,
        client_id: row.client_id,
        client_name: row.client_name,
        account_id: row.account_id,
        scope: row.scope,
        expires_at: rfc3339(row.expires_at),
        ...(ended !== null && { revoked_at: rfc3339(ended) }),
        ...(row.successor_id !== null && { replaced_by_token_id: row.successor_id }),
        ...(row.rotated_at !== null && { last_used_at: rfc3339(row.rotated_at) }),
        grant_id: row.grant_id,
        granted_at: rfc3339(row.granted_at)
    };
}
