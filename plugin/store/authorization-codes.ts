import { OAuthAuthorizationCode } from '../../entities/index';
import type { Queries } from './database';
import { APPROVED_GRANT_COLUMNS, approvedGrantFromRow, type ApprovedGrant, type ApprovedGrantColumns } from './grants';
import { createId } from '../ids';
import { joinNames, splitNames } from '../scopes/text';
import type { AuthorizationRequest } from './authorization-requests';

/** An authorization code as its exchange needs it. */
export interface AuthorizationCode {
    /** The grant that the approval made. */
    grant: ApprovedGrant;
    redirectUri: string;
    /** What was asked for. */
    requested: string[];
    nonce: string | null;
    codeChallenge: string;
    /** Epoch milliseconds. */
    expiresAt: number;
}

interface Row extends ApprovedGrantColumns {
    redirect_uri: string;
    scope: string;
    nonce: string | null;
    code_challenge: string;
    expires_at: number | string;
}

/**
 * Writes the code of an approved request, within the transaction that decides it.
 *
 * @param code its hash, the grant that it stands for, and until when it is good, epoch milliseconds
 * @param now epoch milliseconds
 */
export function insertAuthorizationCode(
    queries: Queries,
    request: AuthorizationRequest,
    code: { hash: string; grantId: string; expiresAt: number },
    now: number
): Promise<void> {
    return queries.insert(OAuthAuthorizationCode, {
        id: createId(now),
        codeHash: code.hash,
        oauthClientId: request.client.id,
        grantId: code.grantId,
        redirectUri: request.redirectUri,
        scope: joinNames(request.requested),
        nonce: request.nonce,
        codeChallenge: request.codeChallenge,
        createdAt: now,
        expiresAt: code.expiresAt
    });
}

/** The code with this hash and its grant; null where there is none. */
export async function findAuthorizationCode(queries: Queries, hash: string): Promise<AuthorizationCode | null> {
    const [row] = await queries.query<Row>(
        `SELECT ${APPROVED_GRANT_COLUMNS}, a.redirect_uri, a.scope, a.nonce, a.code_challenge, a.expires_at
        FROM oauth_authorization_codes a JOIN oauth_grants g ON g.id = a.grant_id WHERE a.code_hash = ?`,
        [hash]
    );
    if (!row) {
        return null;
    }
    return {
        grant: approvedGrantFromRow(row),
        redirectUri: row.redirect_uri,
        requested: splitNames(row.scope),
        nonce: row.nonce,
        codeChallenge: row.code_challenge,
        expiresAt: Number(row.expires_at)
    };
}
