import { OAuthAuthorizationCode } from '../../entities/index';
import type { Queries } from './database';
import { createId } from '../ids';
import { joinNames, splitNames } from '../scopes/text';
import type { AuthorizationRequest } from './authorization-requests';

/** An authorization code as its exchange needs it. */
export interface AuthorizationCode {
    id: string;
    /** The client's `id`. */
    oauthClientId: string;
    accountId: string;
    redirectUri: string;
    requested: string[];
    approved: string[];
    nonce: string | null;
    codeChallenge: string;
    authTime: number | null;
    consumedAt: number | null;
    /** The grant that the exchange began. */
    grantId: string | null;
    /** Epoch milliseconds. */
    expiresAt: number;
}

interface Row {
    id: string;
    oauth_client_id: string;
    account_id: string;
    redirect_uri: string;
    scope: string;
    approved_scope: string;
    nonce: string | null;
    code_challenge: string;
    auth_time: number | string | null;
    consumed_at: number | string | null;
    grant_id: string | null;
    expires_at: number | string;
}

/** A code for an approved request. */
export interface NewAuthorizationCode {
    hash: string;
    accountId: string;
    /** What was approved. */
    scope: readonly string[];
    /** Epoch milliseconds. */
    expiresAt: number;
}

/** Writes a code, within the transaction that decides its request. @param now epoch milliseconds */
export function insertAuthorizationCode(
    queries: Queries,
    request: AuthorizationRequest,
    code: NewAuthorizationCode,
    now: number
): Promise<void> {
    return queries.insert(OAuthAuthorizationCode, {
        id: createId(now),
        codeHash: code.hash,
        oauthClientId: request.client.id,
        accountId: code.accountId,
        redirectUri: request.redirectUri,
        scope: joinNames(request.requested),
        approvedScope: joinNames(code.scope),
        nonce: request.nonce,
        codeChallenge: request.codeChallenge,
        authTime: request.authTime,
        consumedAt: null,
        grantId: null,
        createdAt: now,
        expiresAt: code.expiresAt
    });
}

export async function findAuthorizationCode(queries: Queries, hash: string): Promise<AuthorizationCode | null> {
    const [row] = await queries.query<Row>(
        `SELECT id, oauth_client_id, account_id, redirect_uri, scope, approved_scope, nonce, code_challenge, auth_time,
            consumed_at, grant_id, expires_at
        FROM oauth_authorization_codes WHERE code_hash = ?`,
        [hash]
    );
    if (!row) {
        return null;
    }
    return {
        id: row.id,
        oauthClientId: row.oauth_client_id,
        accountId: row.account_id,
        redirectUri: row.redirect_uri,
        requested: splitNames(row.scope),
        approved: splitNames(row.approved_scope),
        nonce: row.nonce,
        codeChallenge: row.code_challenge,
        authTime: row.auth_time === null ? null : Number(row.auth_time),
        consumedAt: row.consumed_at === null ? null : Number(row.consumed_at),
        grantId: row.grant_id,
        expiresAt: Number(row.expires_at)
    };
}

/** Spends a code and notes the grant that it begins. False when another request has spent it. */
export async function consumeCode(
    queries: Queries,
    code: AuthorizationCode,
    grantId: string | null,
    now: number
): Promise<boolean> {
    const consumed = await queries.execute(
        'UPDATE oauth_authorization_codes SET consumed_at = ?, grant_id = ? WHERE id = ? AND consumed_at IS NULL',
        [now, grantId, code.id]
    );
    return consumed > 0;
}
