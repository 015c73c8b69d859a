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
    /** What the person was shown at last: an approval grants no more. */
    shown: string[];
    state: string | null;
    nonce: string | null;
    codeChallenge: string;
    /** When the person signed in, epoch seconds. */
    authTime: number | null;
    /** The protected resource that is asked for; null for the default one. */
    resource: string | null;
    decided: boolean;
    /** The grant that the approval made. */
    grantId: string | null;
    /** Epoch milliseconds. */
    createdAt: number;
    expiresAt: number;
}

interface Row extends ClientColumns {
    id: string;
    redirect_uri: string;
    scope: string;
    shown_scope: string;
    state: string | null;
    nonce: string | null;
    code_challenge: string;
    auth_time: number | string | null;
    resource: string | null;
    decided_at: number | string | null;
    grant_id: string | null;
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
    request: Omit<AuthorizationRequest, 'id' | 'decided' | 'grantId' | 'createdAt'>,
    now: number
): Promise<string> {
    const id = createId(now);
    await queries.insert(OAuthAuthorizationRequest, {
        id,
        oauthClientId: request.client.id,
        accountId,
        redirectUri: request.redirectUri,
        scope: joinNames(request.requested),
        shownScope: joinNames(request.shown),
        state: request.state,
        nonce: request.nonce,
        codeChallenge: request.codeChallenge,
        authTime: request.authTime,
        resource: request.resource,
        decidedAt: null,
        grantId: null,
        createdAt: now,
        expiresAt: request.expiresAt
    });
    return id;
}

/** The request of this account, decided or not; null where there is none or it has expired. */
export async function findAuthorizationRequest(
    queries: Queries,
    id: string,
    accountId: string,
    now: number
): Promise<AuthorizationRequest | null> {
    if (!ID_PATTERN.test(id)) {
        return null;
    }
    const [row] = await queries.query<Row>(
        `SELECT ${CLIENT_COLUMNS}, r.id, r.redirect_uri, r.scope, r.shown_scope, r.state, r.nonce, r.code_challenge,
            r.auth_time, r.resource, r.decided_at, r.grant_id, r.created_at, r.expires_at
        FROM oauth_authorization_requests r JOIN oauth_clients c ON c.id = r.oauth_client_id
        WHERE r.id = ? AND r.account_id = ? AND r.expires_at > ? AND c.deleted_at IS NULL`,
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
        shown: splitNames(row.shown_scope),
        state: row.state,
        nonce: row.nonce,
        codeChallenge: row.code_challenge,
        authTime: row.auth_time === null ? null : Number(row.auth_time),
        resource: row.resource,
        decided: row.decided_at !== null,
        grantId: row.grant_id,
        createdAt: Number(row.created_at),
        expiresAt: Number(row.expires_at)
    };
}

/**
 * Takes the one decision that a request has.
 *
 * @param grantId the grant that an approval makes; null for a denial
 * @returns false when it was decided, has expired, or shows less since it was read
 */
export async function decideRequest(
    queries: Queries,
    request: AuthorizationRequest,
    grantId: string | null,
    now: number
): Promise<boolean> {
    const decided = await queries.execute(
        `UPDATE oauth_authorization_requests SET decided_at = ?, grant_id = ?
        WHERE id = ? AND decided_at IS NULL AND expires_at > ? AND shown_scope = ?`,
        [now, grantId, request.id, now, joinNames(request.shown)]
    );
    return decided > 0;
}

/**
 * Removes the requests of an account and a client that are too many, the oldest first. Decided ones are not counted.
 *
 * @param most how many may wait for their decision
 */
export async function removeRequestsOverCap(
    queries: Queries,
    { accountId, oauthClientId }: { accountId: string; oauthClientId: string },
    most: number
): Promise<void> {
    const rows = await queries.query<{ id: string }>(
        `SELECT id FROM oauth_authorization_requests
        WHERE account_id = ? AND oauth_client_id = ? AND decided_at IS NULL
        ORDER BY created_at DESC, id DESC LIMIT 100 OFFSET ${most}`,
        [accountId, oauthClientId]
    );
    if (rows.length > 0) {
        await queries.execute(
            `DELETE FROM oauth_authorization_requests
            WHERE id IN (${rows.map(() => '?').join(', ')}) AND decided_at IS NULL`,
            rows.map(({ id }) => id)
        );
    }
}
