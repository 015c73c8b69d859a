import { OAuthGrant, OAuthRefreshToken } from '../../entities/index';
import { CLIENT_COLUMNS, clientFromRow, type Client, type ClientColumns } from './clients';
import type { Context } from '../context';
import { DuplicateKey, type Database, type Queries } from './database';
import type { EndReason } from '../events';
import { createId } from '../ids';
import { joinNames, splitNames } from '../scopes/text';
import { createFamilyKey, createRefreshToken, encryptSuccessor, type TokenReference } from '../tokens/refresh-token';
import { hashSecret } from '../tokens/secret';

/** A hand-out later than this after the rotation is late, and the window of what is handed out late: milliseconds. */
export const LATE_AFTER = 60_000;

/** `retry_until` of a token that may be handed out until it is used. */
export const UNTIL_USED = Number.MAX_SAFE_INTEGER;

/** Another request has changed the chain since it was read. */
export class ConcurrentUpdateError extends Error {
    override name = 'ConcurrentUpdateError';
}

/** A grant as a presented refresh token needs it. */
export interface Chain {
    id: string;
    accountId: string;
    /** What was granted at first. */
    scope: string[];
    chainKey: string;
    authTime: number | null;
    createdAt: number;
    ended: boolean;
}

/** One token of a chain. */
export interface ChainToken {
    generation: number;
    hash: string;
    scope: string[];
    sealed: string | null;
    retryUntil: number;
    handedOutLate: boolean;
    createdAt: number;
    expiresAt: number;
}

/** What there is to know of a presented refresh token, read at one instant. */
export interface PresentedToken {
    client: Client | null;
    /** The client's grant that the token names. */
    chain: Chain | null;
    presented: ChainToken | null;
    successor: ChainToken | null;
    /** When the successor was itself rotated away, epoch milliseconds. */
    successorUsedAt: number | null;
}

/**
 * The presented token, its successor and the successor's successor are one range of one index. The grant's id stands
 * there itself: with `g.id` in its place the database reads the whole chain.
 */
const PRESENTATION = `
    SELECT ${CLIENT_COLUMNS}, g.id AS g_id, g.account_id AS g_account_id, g.scope AS g_scope,
        g.chain_key AS g_chain_key, g.auth_time AS g_auth_time, g.created_at AS g_created_at,
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
    g_created_at: number | string;
    g_ended_at: number | string | null;
}

type PresentationRow = ClientColumns & GrantColumns & TokenColumns;

const NOTHING = { chain: null, presented: null, successor: null, successorUsedAt: null };

/** Reads client, grant, presented token, its successor and whether that was used, in one SELECT by unique keys. */
export async function findPresentedToken(
    database: Database,
    clientId: string,
    { grantId, generation }: TokenReference
): Promise<PresentedToken> {
    const rows = await database.queryPrepared<PresentationRow>(PRESENTATION, [
        grantId,
        grantId,
        generation,
        generation + 2,
        clientId
    ]);
    const [row] = rows;
    // A database may take `x` and `x ` for the same.
    if (row?.c_client_id !== clientId) {
        return { client: null, ...NOTHING };
    }
    const client = clientFromRow(row);
    if (row.g_id === null) {
        return { client, ...NOTHING };
    }
    const token = (place: number): ChainToken | null => {
        // A driver may be set to read numbers as strings; to overlook a token that is there would be to end its chain.
        const found = rows.find((one) => one.t_generation !== null && Number(one.t_generation) === place);
        return found ? tokenFromRow(found, place) : null;
    };
    return {
        client,
        chain: chainFromRow(row, row.g_id),
        presented: token(generation),
        successor: token(generation + 1),
        successorUsedAt: token(generation + 2)?.createdAt ?? null
    };
}

function tokenFromRow(row: TokenColumns, generation: number): ChainToken {
    return {
        generation,
        hash: row.t_token_hash,
        scope: splitNames(row.t_scope),
        sealed: row.t_sealed_token,
        retryUntil: Number(row.t_retry_until),
        handedOutLate: Boolean(row.t_handed_out_late),
        createdAt: Number(row.t_created_at),
        expiresAt: Number(row.t_expires_at)
    };
}

function chainFromRow(row: GrantColumns, id: string): Chain {
    return {
        id,
        accountId: row.g_account_id,
        scope: splitNames(row.g_scope),
        chainKey: row.g_chain_key,
        authTime: row.g_auth_time === null ? null : Number(row.g_auth_time),
        createdAt: Number(row.g_created_at),
        ended: row.g_ended_at !== null
    };
}

/** When a token made now expires, epoch milliseconds: its own lifetime, within the cap on its chain. */
function expiry({ settings }: Context, chainBegan: number, now: number): number {
    const { refreshToken, refreshChain } = settings.lifetimes;
    const own = now + refreshToken * 1000;
    return refreshChain === undefined ? own : Math.min(own, chainBegan + refreshChain * 1000);
}

/** A chain that an exchange is about to begin. */
export interface NewChain {
    grantId: string;
    refreshToken: string;
    /** Writes grant and first token, within the transaction that spends the code. */
    insert(queries: Queries): Promise<void>;
}

/** Makes a grant and the first refresh token of its chain. */
export function newChain(
    context: Context,
    grant: { client: Client; accountId: string; scope: readonly string[]; authTime: number | null }
): NewChain {
    const now = context.clock();
    const grantId = createId(now);
    const chainKey = createFamilyKey();
    const refreshToken = createRefreshToken(chainKey, { grantId, generation: 0 });
    const scope = joinNames(grant.scope);
    return {
        grantId,
        refreshToken,
        insert: async (queries) => {
            await queries.insert(OAuthGrant, {
                id: grantId,
                oauthClientId: grant.client.id,
                accountId: grant.accountId,
                scope,
                chainKey,
                authTime: grant.authTime,
                createdAt: now,
                endedAt: null,
                endReason: null
            });
            await queries.insert(OAuthRefreshToken, {
                id: createId(now),
                grantId,
                generation: 0,
                accountId: grant.accountId,
                oauthClientId: grant.client.id,
                tokenHash: hashSecret(refreshToken),
                scope,
                sealedToken: null,
                retryUntil: 0,
                handedOutLate: false,
                createdAt: now,
                expiresAt: expiry(context, now, now)
            });
        }
    };
}

const ROTATE = `
    INSERT INTO oauth_refresh_tokens (id, grant_id, generation, account_id, oauth_client_id, token_hash, scope,
        sealed_token, retry_until, handed_out_late, created_at, expires_at)
    SELECT ?, g.id, ?, g.account_id, g.oauth_client_id, ?, ?, ?, ?, 0, ?, ?
    FROM oauth_grants g WHERE g.id = ? AND g.ended_at IS NULL`;

/**
 * Rotates a chain's head away: one INSERT of its successor, which takes part only while the grant's row says that it
 * lives.
 *
 * @param token the presented refresh token
 * @returns the successor; null when the grant has ended meanwhile
 * @throws ConcurrentUpdateError when another request has rotated it first
 */
export async function rotate(
    context: Context,
    { chain, presented }: { chain: Chain; presented: ChainToken },
    token: string,
    scope: readonly string[]
): Promise<string | null> {
    const now = context.clock();
    const generation = presented.generation + 1;
    const successor = createRefreshToken(chain.chainKey, { grantId: chain.id, generation });
    const retryUntil = retryDeadline(context, presented, now);
    try {
        const inserted = await context.database.executePrepared(ROTATE, [
            createId(now),
            generation,
            hashSecret(successor),
            joinNames(scope),
            retryUntil > 0 ? encryptSuccessor(token, successor) : null,
            retryUntil,
            now,
            expiry(context, chain.createdAt, now),
            chain.id
        ]);
        return inserted === 0 ? null : successor;
    } catch (error) {
        throw error instanceof DuplicateKey ? new ConcurrentUpdateError() : error;
    }
}

function retryDeadline({ settings }: Context, presented: ChainToken, now: number): number {
    const window = settings.lifetimes.refreshRetryWindow;
    if (window !== 'until-used') {
        return window === 0 ? 0 : now + window * 1000;
    }
    return presented.handedOutLate ? now + LATE_AFTER : UNTIL_USED;
}

/** True once a chain has reached the cap on its whole life. */
export function isPastCap({ settings }: Context, chain: Chain, now: number): boolean {
    const { refreshChain } = settings.lifetimes;
    return refreshChain !== undefined && now >= chain.createdAt + refreshChain * 1000;
}

/** Notes that a successor was handed out again long after its rotation. */
export async function markLate({ database }: Context, chain: Chain, successor: ChainToken): Promise<void> {
    await database.execute(
        'UPDATE oauth_refresh_tokens SET handed_out_late = 1 WHERE grant_id = ? AND generation = ?',
        [chain.id, successor.generation]
    );
}

/**
 * Takes from a token that is handed out again what its chain has lost since, so that it does not come back.
 *
 * @throws ConcurrentUpdateError when another request has taken something from it first
 */
export async function shrinkScope(
    { database }: Context,
    chain: Chain,
    successor: ChainToken,
    scope: readonly string[]
): Promise<void> {
    const shrunk = await database.execute(
        'UPDATE oauth_refresh_tokens SET scope = ? WHERE grant_id = ? AND generation = ? AND scope = ?',
        [joinNames(scope), chain.id, successor.generation, joinNames(successor.scope)]
    );
    if (shrunk === 0) {
        throw new ConcurrentUpdateError();
    }
}

/**
 * Ends a grant: from the moment that this answers no refresh token of its chain works. One UPDATE of one row, however
 * long the chain is; it and a rotation's INSERT wait for each other at that row.
 *
 * @returns true when it was this call that ended it
 */
export async function revokeGrant(
    context: Context,
    grant: { id: string; accountId: string; oauthClientId: string },
    reason: EndReason
): Promise<boolean> {
    const ended = await context.database.execute(
        'UPDATE oauth_grants SET ended_at = ?, end_reason = ? WHERE id = ? AND ended_at IS NULL',
        [context.clock(), reason, grant.id]
    );
    if (ended === 0) {
        return false;
    }
    context.emit({
        type: 'grant_revoked',
        reason,
        account_id: grant.accountId,
        oauth_client_id: grant.oauthClientId,
        grant_id: grant.id
    });
    return true;
}
