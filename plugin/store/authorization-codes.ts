import { createHash } from 'node:crypto';
import { OAuthAuthorizationCode } from '../../entities/index';
import type { Context } from '../context';
import type { Queries } from './database';
import { createId } from '../ids';
import { joinNames, splitNames } from '../scopes/text';
import type { AuthorizationRequest } from './authorization-requests';
import { hashSecret, randomSecret, sameHash } from '../tokens/secret';

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

/** Writes a new code for an approved request, within the transaction that decides it, and returns the code. */
export async function createAuthorizationCode(
    { clock, settings }: Context,
    queries: Queries,
    request: AuthorizationRequest,
    approval: { accountId: string; scope: readonly string[] }
): Promise<string> {
    const now = clock();
    const code = randomSecret();
    await queries.insert(OAuthAuthorizationCode, {
        id: createId(now),
        codeHash: hashSecret(code),
        oauthClientId: request.client.id,
        accountId: approval.accountId,
        redirectUri: request.redirectUri,
        scope: joinNames(request.requested),
        approvedScope: joinNames(approval.scope),
        nonce: request.nonce,
        codeChallenge: request.codeChallenge,
        authTime: request.authTime,
        consumedAt: null,
        grantId: null,
        createdAt: now,
        expiresAt: now + settings.lifetimes.authorizationCode * 1000
    });
    return code;
}

export async function findAuthorizationCode(queries: Queries, code: string): Promise<AuthorizationCode | null> {
    const [row] = await queries.query<Row>(
        `SELECT id, oauth_client_id, account_id, redirect_uri, scope, approved_scope, nonce, code_challenge, auth_time,
            consumed_at, grant_id, expires_at
        FROM oauth_authorization_codes WHERE code_hash = ?`,
        [hashSecret(code)]
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

/** True when the verifier is the one behind the challenge (RFC 7636 §4.6, `S256`). */
export function provesChallenge(verifier: string, challenge: string): boolean {
    return sameHash(createHash('sha256').update(verifier).digest('base64url'), challenge);
}
