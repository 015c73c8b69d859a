import { OAuthGrant } from '../../entities';
import { joinNames } from '../scopes/text';
import type { Queries } from './database';

/** Why a grant was revoked. */
export type EndReason =
    | 'revoked_by_account'
    | 'revoked_by_administrator'
    | 'revoked_by_client'
    | 'refresh_token_reused'
    | 'code_replayed'
    | 'client_deleted';

/** What names a grant, its account and its client. */
export interface GrantReference {
    id: string;
    accountId: string;
    /** The client's `id`. */
    oauthClientId: string;
}

/** A grant that an exchange makes. */
export interface NewGrant extends GrantReference {
    scope: readonly string[];
    /** The key of the token family's proofs. */
    familyKey: string;
    /** When the person signed in, epoch seconds. */
    authTime: number | null;
}

/** @param now epoch milliseconds */
export function insertGrant(queries: Queries, grant: NewGrant, now: number): Promise<void> {
    return queries.insert(OAuthGrant, {
        id: grant.id,
        oauthClientId: grant.oauthClientId,
        accountId: grant.accountId,
        scope: joinNames(grant.scope),
        chainKey: grant.familyKey,
        authTime: grant.authTime,
        createdAt: now,
        endedAt: null,
        endReason: null
    });
}

/**
 * Revokes a grant. From the moment that this returns, no refresh token of its family works: a rotation's INSERT and this
 * UPDATE of one row wait for each other.
 *
 * @param now epoch milliseconds
 * @returns true when it was this call that revoked it
 */
export async function revokeGrantRow(queries: Queries, id: string, reason: EndReason, now: number): Promise<boolean> {
    const revoked = await queries.execute(
        'UPDATE oauth_grants SET ended_at = ?, end_reason = ? WHERE id = ? AND ended_at IS NULL',
        [now, reason, id]
    );
    return revoked > 0;
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

/** An account's live grants to one client. */
export async function findLiveGrants(
    queries: Queries,
    accountId: string,
    oauthClientId: string
): Promise<GrantReference[]> {
    const rows = await queries.query<{ id: string }>(
        `SELECT g.id FROM oauth_grants g WHERE g.account_id = ? AND g.oauth_client_id = ? AND ${IS_LIVE}`,
        [accountId, oauthClientId]
    );
    return rows.map(({ id }) => ({ id, accountId, oauthClientId }));
}
