import { OAuthRefreshToken } from '../../entities';
import { CLIENT_COLUMNS, clientFromRow, type Client, type ClientColumns } from './clients';
import { createId } from '../ids';
import { joinNames, splitNames } from '../scopes/text';
import type { Database, Queries } from './database';
import { DuplicateKey } from './database-errors';
import type { GrantReference } from './grants';

/*
 * The token family of a grant: its refresh tokens, numbered by `generation` from 0. The head, the one with the highest
 * number, is the token that can be rotated. `(grant_id, generation)` is unique, so a rotation is one INSERT of the next
 * generation, and of two rotations of the same token one meets a duplicate key.
 */

/** Another request has changed the family since it was read. Read it again. */
export class ConcurrentUpdateError extends Error {
    override name = 'ConcurrentUpdateError';
}

/** A grant as a presented refresh token needs it. */
export interface Grant {
    id: string;
    accountId: string;
    /** What was granted at first. */
    scope: string[];
    /** The key of the family's proofs. */
    familyKey: string;
    /** When the person signed in, epoch seconds. */
    authTime: number | null;
    /** The protected resource that its tokens are for; null for the default one. */
    resource: string | null;
    /** Epoch milliseconds. */
    createdAt: number;
    revoked: boolean;
}

/** One token of a family. Times are epoch milliseconds. */
export interface StoredToken {
    generation: number;
    hash: string;
    scope: string[];
    /** This token, encrypted for the holder of the token before it; null once it can no longer be handed out. */
    encrypted: string | null;
    /** Until when the token before it may be presented again. */
    retryUntil: number;
    /** True when it was handed out long after the rotation that made it. */
    handedOutLate: boolean;
    createdAt: number;
    expiresAt: number;
}

/** All that the database knows of a refresh token that a client presents, read at one instant. */
export interface PresentedToken {
    client: Client | null;
    /** The client's grant that the token names. */
    grant: Grant | null;
    token: StoredToken | null;
    successor: StoredToken | null;
    /** When the successor was itself rotated, epoch milliseconds. */
    successorUsedAt: number | null;
    /** True when it was read by a locking read: what is missing here does not exist. */
    isSure: boolean;
}

/**
 * The presented token, its successor and the successor's successor are one range of one index. The grant's id is a
 * parameter there: with `g.id` in its place the database reads the whole family.
 */
const PRESENTED_TOKEN = `
    SELECT ${CLIENT_COLUMNS}, g.id AS g_id, g.account_id AS g_account_id, g.scope AS g_scope,
        g.chain_key AS g_chain_key, g.auth_time AS g_auth_time, g.resource AS g_resource,
        g.created_at AS g_created_at,
        g.ended_at AS g_ended_at, t.generation AS t_generation, t.token_hash AS t_token_hash, t.scope AS t_scope,
        t.sealed_token AS t_sealed_token, t.retry_until AS t_retry_until, t.handed_out_late AS t_handed_out_late,
        t.created_at AS t_created_at, t.expires_at AS t_expires_at
    FROM oauth_clients c
    LEFT JOIN oauth_grants g ON g.id = ? AND g.oauth_client_id = c.id
    LEFT JOIN oauth_refresh_tokens t ON t.grant_id = ? AND t.generation BETWEEN ? AND ?
    WHERE c.client_id = ? AND c.deleted_at IS NULL`;

interface TokenColumns {
    t_generation: number | string | null;
    t_token_hash: string;
    t_scope: string;
    t_sealed_token: string | null;
    t_retry_until: number | string;
    t_handed_out_late: number;
    t_created_at: number | string;
    t_expires_at: number | string;
}

interface GrantColumns {
    g_id: string | null;
    g_account_id: string;
    g_scope: string;
    g_chain_key: string;
    g_auth_time: number | string | null;
    g_resource: string | null;
    g_created_at: number | string;
    g_ended_at: number | string | null;
}

const NOTHING = { grant: null, token: null, successor: null, successorUsedAt: null };

/** Where a refresh token says that it belongs. */
interface Reference {
    grantId: string;
    generation: number;
}

type PresentedRow = ClientColumns & GrantColumns & TokenColumns;

/**
 * Reads client, grant, presented token, its successor and whether that was used, in one SELECT by unique keys. Where client
 * or grant is missing, it reads once more and surely.
 */
export async function findPresentedToken(
    database: Database,
    clientId: string,
    reference: Reference
): Promise<PresentedToken> {
    const rows = await database.queryPrepared<PresentedRow>(PRESENTED_TOKEN, parametersOf(clientId, reference));
    const presented = presentedToken(rows, clientId, reference, database.sure === database);
    return presented.grant ? presented : findPresentedTokenSurely(database, clientId, reference);
}

/** The same, by a locking read. */
export async function findPresentedTokenSurely(
    database: Database,
    clientId: string,
    reference: Reference
): Promise<PresentedToken> {
    const rows = await database.sure.query<PresentedRow>(PRESENTED_TOKEN, parametersOf(clientId, reference));
    return presentedToken(rows, clientId, reference, true);
}

function parametersOf(clientId: string, { grantId, generation }: Reference): unknown[] {
    return [grantId, grantId, generation, generation + 2, clientId];
}

function presentedToken(
    rows: readonly PresentedRow[],
    clientId: string,
    { generation }: Reference,
    isSure: boolean
): PresentedToken {
    const [row] = rows;
    // A database may take `x` and `x ` for the same.
    if (row?.c_client_id !== clientId) {
        return { client: null, ...NOTHING, isSure };
    }
    const client = clientFromRow(row);
    if (row.g_id === null) {
        return { client, ...NOTHING, isSure };
    }
    const tokenAt = (place: number): StoredToken | null => {
        // A driver may read numbers as strings. To overlook a token that is there would be to revoke its grant.
        const found = rows.find((one) => one.t_generation !== null && Number(one.t_generation) === place);
        return found ? tokenFromRow(found, place) : null;
    };
    return {
        client,
        grant: grantFromRow(row, row.g_id),
        token: tokenAt(generation),
        successor: tokenAt(generation + 1),
        successorUsedAt: tokenAt(generation + 2)?.createdAt ?? null,
        isSure
    };
}

function tokenFromRow(row: TokenColumns, generation: number): StoredToken {
    return {
        generation,
        hash: row.t_token_hash,
        scope: splitNames(row.t_scope),
        encrypted: row.t_sealed_token,
        retryUntil: Number(row.t_retry_until),
        handedOutLate: Boolean(row.t_handed_out_late),
        createdAt: Number(row.t_created_at),
        expiresAt: Number(row.t_expires_at)
    };
}

function grantFromRow(row: GrantColumns, id: string): Grant {
    return {
        id,
        accountId: row.g_account_id,
        scope: splitNames(row.g_scope),
        familyKey: row.g_chain_key,
        authTime: row.g_auth_time === null ? null : Number(row.g_auth_time),
        resource: row.g_resource,
        createdAt: Number(row.g_created_at),
        revoked: row.g_ended_at !== null
    };
}

/** The generation of the oldest token that a family still has; null where it has none. */
export async function findOldestGeneration(queries: Queries, grantId: string): Promise<number | null> {
    const [row] = await queries.query<{ generation: number | string }>(
        'SELECT generation FROM oauth_refresh_tokens WHERE grant_id = ? ORDER BY generation LIMIT 1',
        [grantId]
    );
    return row ? Number(row.generation) : null;
}

/** Writes the first token of a new grant's family. @param now epoch milliseconds */
export function insertFirstToken(
    queries: Queries,
    grant: GrantReference,
    token: { hash: string; scope: readonly string[]; expiresAt: number },
    now: number
): Promise<void> {
    return queries.insert(OAuthRefreshToken, {
        id: createId(now),
        grantId: grant.id,
        generation: 0,
        accountId: grant.accountId,
        oauthClientId: grant.oauthClientId,
        tokenHash: token.hash,
        scope: joinNames(token.scope),
        sealedToken: null,
        retryUntil: 0,
        handedOutLate: false,
        createdAt: now,
        expiresAt: token.expiresAt
    });
}

const INSERT_SUCCESSOR = `
    INSERT INTO oauth_refresh_tokens (id, grant_id, generation, account_id, oauth_client_id, token_hash, scope,
        sealed_token, retry_until, handed_out_late, created_at, expires_at)
    SELECT ?, g.id, ?, g.account_id, g.oauth_client_id, ?, ?, ?, ?, 0, ?, ?
    FROM oauth_grants g WHERE g.id = ? AND g.ended_at IS NULL`;

/**
 * Rotates the head of a family: one INSERT of its successor, which takes place only while the grant's row says that the
 * grant is live.
 *
 * @param now epoch milliseconds
 * @returns false when the grant was revoked meanwhile
 * @throws ConcurrentUpdateError when another request has rotated the head first
 */
export async function insertSuccessor(
    database: Database,
    grantId: string,
    successor: Omit<StoredToken, 'handedOutLate' | 'createdAt'>,
    now: number
): Promise<boolean> {
    try {
        const inserted = await database.executePrepared(INSERT_SUCCESSOR, [
            createId(now),
            successor.generation,
            successor.hash,
            joinNames(successor.scope),
            successor.encrypted,
            successor.retryUntil,
            now,
            successor.expiresAt,
            grantId
        ]);
        return inserted > 0;
    } catch (error) {
        throw error instanceof DuplicateKey ? new ConcurrentUpdateError() : error;
    }
}

/** Notes that a successor was handed out again long after its rotation. */
export async function markHandedOutLate(queries: Queries, grantId: string, { generation }: StoredToken): Promise<void> {
    await queries.execute('UPDATE oauth_refresh_tokens SET handed_out_late = 1 WHERE grant_id = ? AND generation = ?', [
        grantId,
        generation
    ]);
}

/**
 * Takes from a successor that is handed out again what the client or the account has lost since, so that it does not
 * come back.
 *
 * @throws ConcurrentUpdateError when another request has taken something from it first
 */
export async function shrinkScope(
    queries: Queries,
    grantId: string,
    successor: StoredToken,
    scope: readonly string[]
): Promise<void> {
    const shrunk = await queries.execute(
        'UPDATE oauth_refresh_tokens SET scope = ? WHERE grant_id = ? AND generation = ? AND scope = ?',
        [joinNames(scope), grantId, successor.generation, joinNames(successor.scope)]
    );
    if (shrunk === 0) {
        throw new ConcurrentUpdateError();
    }
}
