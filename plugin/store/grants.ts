import { hash } from 'node:crypto';
import { OAuthGrant, type ClientSource, type ClientStatus } from '../../entities';
import { joinNames, splitNames } from '../scopes/text';
import { findSurely, type Database, type Queries } from './database';
import { DuplicateKey } from './database-errors';
import { headGeneration } from './generations';

/** Why a grant was revoked. */
export type EndReason =
    | 'revoked_by_account'
    | 'revoked_by_administrator'
    | 'revoked_by_client'
    | 'refresh_token_reused'
    | 'code_replayed'
    | 'client_deleted'
    | 'owner_changed'
    | 'too_many';

/** What names a grant, its account and its client. */
export interface GrantReference {
    id: string;
    accountId: string;
    /** The client's `id`. */
    oauthClientId: string;
}

/** A grant that an approval makes. */
export interface NewGrant extends GrantReference {
    scope: readonly string[];
    /** The key of the token family's proofs. */
    familyKey: string;
    /** When the person signed in, epoch seconds. */
    authTime: number | null;
    /** The protected resource that its tokens are for; null for the default one. */
    resource: string | null;
    /** Until when it can be exchanged, epoch milliseconds. */
    expiresAt: number;
}

/** Writes a grant, within the transaction that decides its request. @param now epoch milliseconds */
export function insertGrant(queries: Queries, grant: NewGrant, now: number): Promise<void> {
    return queries.insert(OAuthGrant, { ...rowOf(grant, now), expiresAt: grant.expiresAt, standingFor: null });
}

function rowOf(grant: Omit<NewGrant, 'expiresAt'>, now: number): Omit<OAuthGrant, 'expiresAt' | 'standingFor'> {
    return {
        id: grant.id,
        oauthClientId: grant.oauthClientId,
        accountId: grant.accountId,
        scope: joinNames(grant.scope),
        resource: grant.resource,
        chainKey: grant.familyKey,
        authTime: grant.authTime,
        createdAt: now,
        exchangedAt: null,
        endedAt: null,
        endReason: null
    };
}

/**
 * Exchanges a grant for its first tokens, which one request can do, and only while the grant is not revoked.
 *
 * @param expiresAt when the access token expires, epoch milliseconds
 * @returns false when it was exchanged before or revoked
 */
export async function exchangeGrant(
    queries: Queries,
    id: string,
    { now, expiresAt }: { now: number; expiresAt: number }
): Promise<boolean> {
    const exchanged = await queries.execute(
        'UPDATE oauth_grants SET exchanged_at = ?, expires_at = ? WHERE id = ? AND exchanged_at IS NULL AND ended_at IS NULL',
        [now, expiresAt, id]
    );
    return exchanged > 0;
}

/** A grant as its code or device code names it. */
export interface ApprovedGrant extends GrantReference {
    /** What was approved. */
    scope: string[];
    familyKey: string;
    /** When the person signed in, epoch seconds. */
    authTime: number | null;
    /** Null for the default one. */
    resource: string | null;
    /** Epoch milliseconds. */
    createdAt: number;
    exchanged: boolean;
    revoked: boolean;
}

/** What a query selects of `oauth_grants g` for `approvedGrantFromRow`. */
export const APPROVED_GRANT_COLUMNS = `g.id AS g_id, g.oauth_client_id AS g_oauth_client_id, g.account_id AS g_account_id,
    g.scope AS g_scope, g.chain_key AS g_chain_key, g.auth_time AS g_auth_time, g.created_at AS g_created_at,
    g.resource AS g_resource, g.exchanged_at AS g_exchanged_at, g.ended_at AS g_ended_at`;

export interface ApprovedGrantColumns {
    g_id: string;
    g_oauth_client_id: string;
    g_account_id: string;
    g_scope: string;
    g_chain_key: string;
    g_auth_time: number | string | null;
    g_resource: string | null;
    g_created_at: number | string;
    g_exchanged_at: number | string | null;
    g_ended_at: number | string | null;
}

export function approvedGrantFromRow(row: ApprovedGrantColumns): ApprovedGrant {
    return {
        id: row.g_id,
        accountId: row.g_account_id,
        oauthClientId: row.g_oauth_client_id,
        scope: splitNames(row.g_scope),
        familyKey: row.g_chain_key,
        authTime: row.g_auth_time === null ? null : Number(row.g_auth_time),
        resource: row.g_resource,
        createdAt: Number(row.g_created_at),
        exchanged: row.g_exchanged_at !== null,
        revoked: row.g_ended_at !== null
    };
}

/** The key of a grant's token family, from which its code is made as well; null where there is no such grant. */
export async function findFamilyKey(queries: Queries, id: string): Promise<string | null> {
    const [row] = await queries.query<{ chain_key: string }>('SELECT chain_key FROM oauth_grants WHERE id = ?', [id]);
    return row?.chain_key ?? null;
}

/** What a standing grant is for. */
export interface StandingFor {
    /** The client's `id`. */
    oauthClientId: string;
    accountId: string;
    /** Null for the default one. */
    resource: string | null;
}

/** The standing grant of a client that acts as its owner; null where there is none that is not revoked. */
export async function findStandingGrant(queries: Queries, use: StandingFor): Promise<string | null> {
    const [row] = await queries.query<{ id: string }>('SELECT id FROM oauth_grants WHERE standing_for = ?', [
        standingFor(use)
    ]);
    return row?.id ?? null;
}

/**
 * Makes a standing grant, unless another request has made it meanwhile.
 *
 * @param now epoch milliseconds
 */
export async function insertStandingGrant(
    queries: Queries,
    grant: Omit<NewGrant, 'expiresAt' | 'authTime'>,
    now: number
): Promise<void> {
    try {
        await queries.insert(OAuthGrant, {
            ...rowOf({ ...grant, authTime: null }, now),
            exchangedAt: now,
            expiresAt: null,
            standingFor: standingFor(grant)
        });
    } catch (error) {
        if (!(error instanceof DuplicateKey)) {
            throw error;
        }
    }
}

function standingFor({ oauthClientId, accountId, resource }: StandingFor): string {
    return hash('sha256', `${oauthClientId} ${accountId}${resource === null ? '' : ` ${resource}`}`, 'base64url');
}

/** A revoked standing grant makes room for another. */
const REVOKE = 'UPDATE oauth_grants SET ended_at = ?, end_reason = ?, standing_for = NULL';

/**
 * Revokes a grant. From the moment that this returns, no code and no refresh token of it works: the exchange's UPDATE, a
 * rotation's INSERT and this UPDATE of one row wait for each other.
 *
 * @param now epoch milliseconds
 * @returns true when it was this call that revoked it
 */
export async function revokeGrantRow(queries: Queries, id: string, reason: EndReason, now: number): Promise<boolean> {
    const revoked = await queries.execute(`${REVOKE} WHERE id = ? AND ended_at IS NULL`, [now, reason, id]);
    return revoked > 0;
}

/** Which grants are meant. At least one condition; several hold together. */
export interface GrantFilter {
    accountId?: string | undefined;
    /** The client's `id`. */
    oauthClientId?: string | undefined;
    /** Only standing grants. */
    standing?: boolean;
}

/**
 * Revokes all grants of an account, of a client, or of an account to a client, those that are not exchanged yet included,
 * in one UPDATE.
 *
 * @param now epoch milliseconds
 * @returns how many it revoked
 */
export async function revokeGrantRows(
    queries: Queries,
    filter: GrantFilter,
    reason: EndReason,
    now: number
): Promise<number> {
    const { where, parameters } = conditions(filter);
    return queries.execute(`${REVOKE} WHERE ${where} AND ended_at IS NULL`, [now, reason, ...parameters]);
}

/** The grants of an account to a client that were revoked at a time, at most `limit`. */
export async function findGrantsRevokedAt(
    queries: Queries,
    { accountId, oauthClientId }: { accountId: string; oauthClientId: string },
    { time, limit }: { time: number; limit: number }
): Promise<GrantReference[]> {
    const rows = await queries.query<{ id: string }>(
        `SELECT id FROM oauth_grants WHERE account_id = ? AND oauth_client_id = ? AND ended_at = ? LIMIT ${limit}`,
        [accountId, oauthClientId, time]
    );
    return rows.map(({ id }) => ({ id, accountId, oauthClientId }));
}

function conditions({ accountId, oauthClientId, standing }: GrantFilter): { where: string; parameters: string[] } {
    const where: string[] = [];
    const parameters: string[] = [];
    if (accountId !== undefined) {
        where.push('account_id = ?');
        parameters.push(accountId);
    }
    if (oauthClientId !== undefined) {
        where.push('oauth_client_id = ?');
        parameters.push(oauthClientId);
    }
    if (where.length === 0) {
        throw new RangeError('Name an account or a client');
    }
    if (standing) {
        where.push('standing_for IS NOT NULL');
    }
    return { where: where.join(' AND '), parameters };
}

/** True when the account has approved the client before, whatever became of the grant. */
export async function hasApproved(queries: Queries, accountId: string, oauthClientId: string): Promise<boolean> {
    const rows = await queries.query(
        'SELECT 1 FROM oauth_grants WHERE account_id = ? AND oauth_client_id = ? LIMIT 1',
        [accountId, oauthClientId]
    );
    return rows.length > 0;
}

/**
 * The grants of an account to a client that are too many: of those that are not revoked, the ones that were used longest
 * ago.
 *
 * @param most how many there may be
 */
export async function findGrantsOverCap(
    queries: Queries,
    { accountId, oauthClientId }: { accountId: string; oauthClientId: string },
    most: number
): Promise<GrantReference[]> {
    const live = 'g.account_id = ? AND g.oauth_client_id = ? AND g.ended_at IS NULL';
    const [{ total } = { total: 0 }] = await queries.query<{ total: number | string }>(
        `SELECT COUNT(*) AS total FROM oauth_grants g WHERE ${live}`,
        [accountId, oauthClientId]
    );
    const over = Number(total) - most;
    if (over <= 0) {
        return [];
    }
    const rows = await queries.query<{ id: string }>(
        `SELECT g.id FROM oauth_grants g
        LEFT JOIN oauth_refresh_tokens t ON t.grant_id = g.id AND t.generation = ${headGeneration('g.id')}
        WHERE ${live} ORDER BY COALESCE(t.created_at, g.created_at), g.id LIMIT ${over}`,
        [accountId, oauthClientId]
    );
    return rows.map(({ id }) => ({ id, accountId, oauthClientId }));
}

/** What an access token's grant and client are like now. */
export interface GrantState {
    /** True when the grant was revoked, or is gone. */
    revoked: boolean;
    /** Of the client. A deleted one counts as suspended. */
    status: ClientStatus;
    /** The owner of the client. */
    accountId: string | null;
    clientId: string;
    source: ClientSource;
}

/**
 * Reads whether the grant of an access token and its client are still in force.
 *
 * @param grantId absent in tokens that were issued before access tokens named their grant
 */
export async function findGrantState(
    database: Database,
    { clientId, grantId }: { clientId: string; grantId: string | undefined }
): Promise<GrantState> {
    const state = await findSurely(database, (queries) => findWhole(queries, clientId, grantId));
    const nothing = { clientId, source: 'administrator', status: 'suspended', accountId: null } as const;
    return state ?? { revoked: grantId !== undefined, ...nothing };
}

/** @returns null where the client or the grant is missing */
async function findWhole(queries: Queries, clientId: string, grantId: string | undefined): Promise<GrantState | null> {
    const [row] = await queries.query<{
        account_id: string | null;
        status: ClientStatus;
        source: ClientSource;
        grant_id: string | null;
        ended_at: number | string | null;
    }>(
        `SELECT c.account_id, c.status, c.source, g.id AS grant_id, g.ended_at FROM oauth_clients c
        LEFT JOIN oauth_grants g ON g.id = ? AND g.oauth_client_id = c.id
        WHERE c.client_id = ? AND c.deleted_at IS NULL`,
        [grantId ?? '', clientId]
    );
    if (!row || (grantId !== undefined && row.grant_id === null)) {
        return null;
    }
    const { account_id: accountId, source, status } = row;
    return { revoked: row.ended_at !== null, clientId, source, status, accountId };
}

/*
 * Whether a grant `g` is live, in a form that no index can serve: MariaDB would otherwise intersect the one account's
 * grants with all live or revoked ones.
 */
export const IS_LIVE = 'COALESCE(g.ended_at, 0) = 0';
export const IS_REVOKED = 'COALESCE(g.ended_at, 0) > 0';

/** The grant that a refresh token's row belongs to; null where there is no such row, or another account owns it. */
export async function findGrantOfToken(
    queries: Queries,
    tokenId: string,
    accountId?: string
): Promise<GrantReference | null> {
    const [row] = await queries.query<{ grant_id: string; account_id: string; oauth_client_id: string }>(
        `SELECT grant_id, account_id, oauth_client_id FROM oauth_refresh_tokens
        WHERE id = ?${accountId === undefined ? '' : ' AND account_id = ?'}`,
        accountId === undefined ? [tokenId] : [tokenId, accountId]
    );
    return row ? { id: row.grant_id, accountId: row.account_id, oauthClientId: row.oauth_client_id } : null;
}
