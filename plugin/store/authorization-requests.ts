import { OAuthAuthorizationRequest } from '../../entities/index';
import { CLIENT_COLUMNS, clientFromRow, type Client, type ClientColumns } from './clients';
import type { Queries } from './database';
import { createId, ID_PATTERN } from '../ids';
import { joinNames, splitNames } from '../scopes/text';

/** An authorization request (RFC 6749 §4.1.1) that a person is to decide. */
export interface AuthorizationRequest {
    id: string;
    client: Client;
    redirectUri: string;
    requested: string[];
    state: string | null;
    nonce: string | null;
    codeChallenge: string;
    /** When the person signed in, epoch seconds. */
    authTime: number | null;
    /** Epoch milliseconds. */
    createdAt: number;
    expiresAt: number;
}

interface Row extends ClientColumns {
    id: string;
    redirect_uri: string;
    scope: string;
    state: string | null;
    nonce: string | null;
    code_challenge: string;
    auth_time: number | string | null;
    created_at: number | string;
    expires_at: number | string;
}

/**
 * Writes a request that waits for its decision.
 *
 * @param now epoch milliseconds
 * @returns its id
 */
export async function insertAuthorizationRequest(
    queries: Queries,
    accountId: string,
    request: Omit<AuthorizationRequest, 'id' | 'createdAt'>,
    now: number
): Promise<string> {
    const id = createId(now);
    await queries.insert(OAuthAuthorizationRequest, {
        id,
        oauthClientId: request.client.id,
        accountId,
        redirectUri: request.redirectUri,
        scope: joinNames(request.requested),
        state: request.state,
        nonce: request.nonce,
        codeChallenge: request.codeChallenge,
        authTime: request.authTime,
        decidedAt: null,
        createdAt: now,
        expiresAt: request.expiresAt
    });
    return id;
}

/** The request, while it waits for this account; null otherwise. */
export async function findUndecidedRequest(
    queries: Queries,
    id: string,
    accountId: string,
    now: number
): Promise<AuthorizationRequest | null> {
    if (!ID_PATTERN.test(id)) {
        return null;
    }
    const [row] = await queries.query<Row>(
        `SELECT ${CLIENT_COLUMNS}, r.id, r.redirect_uri, r.scope, r.state, r.nonce, r.code_challenge, r.auth_time,
            r.created_at, r.expires_at
        FROM oauth_authorization_requests r JOIN oauth_clients c ON c.id = r.oauth_client_id
        WHERE r.id = ? AND r.account_id = ? AND r.decided_at IS NULL AND r.expires_at > ? AND c.deleted_at IS NULL`,
        [id, accountId, now]
    );
    if (!row) {
        return null;
    }
    return {
        id: row.id,
        client: clientFromRow(row),
        redirectUri: row.redirect_uri,
        requested: splitNames(row.scope),
        state: row.state,
        nonce: row.nonce,
        codeChallenge: row.code_challenge,
        authTime: row.auth_time === null ? null : Number(row.auth_time),
        createdAt: Number(row.created_at),
        expiresAt: Number(row.expires_at)
    };
}

/** Takes the one decision that a request has. False when it was decided or has expired meanwhile. */
export async function decideRequest(queries: Queries, id: string, now: number): Promise<boolean> {
    const decided = await queries.execute(
        `UPDATE oauth_authorization_requests SET decided_at = ?
        WHERE id = ? AND decided_at IS NULL AND expires_at > ?`,
        [now, id, now]
    );
    return decided > 0;
}
