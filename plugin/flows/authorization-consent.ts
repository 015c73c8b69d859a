import { isRegistered, withParameters } from '../clients/redirect-uri';
import { requireGrantType } from '../clients/require-grant-type';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import type { Account } from '../options/options';
import { requireMayAuthorize } from '../policy';
import { resolveScope } from '../scopes/resolve';
import { insertAuthorizationCode } from '../store/authorization-codes';
import { decideRequest, findUndecidedRequest, type AuthorizationRequest } from '../store/authorization-requests';
import { hashSecret, randomSecret } from '../tokens/secret';
import { requireDecision, type Decision } from './decision';
import type { Asked } from './device-consent';

/** What a consent page shows of an authorization request. */
export interface AuthorizationConsent {
    request_id: string;
    client_id: string;
    client_name: string;
    redirect_uri: string;
    /** RFC 3339. */
    expires_at: string;
    requested_scopes: string[];
    granted_scopes: string[];
    inherits_user_permissions: boolean;
}

/** A decision, and where the browser goes with it. */
export interface AuthorizationDecision {
    status: 'approved' | 'denied';
    /** Left out when the client has withdrawn the redirect URI since. */
    location?: string;
}

/**
 * Reads an authorization request for its consent page.
 *
 * @throws OAuthError `access_denied` when the account may not approve applications, `invalid_request` for a request that
 * is unknown, expired, decided or another account's
 */
export async function readAuthorizationConsent(
    context: Context,
    account: Account,
    requestId: string
): Promise<AuthorizationConsent> {
    return (await askAuthorizationConsent(context, account, requestId)).consent;
}

/** The same, with who asks and since when. */
export async function askAuthorizationConsent(
    context: Context,
    account: Account,
    requestId: string
): Promise<Asked<AuthorizationConsent>> {
    requireMayAuthorize(context, account);
    const request = await findRequest(context, account, requestId);
    requireStanding(request);
    const { granted, inherits } = resolveScope(
        context.scopeRegistry,
        request.client,
        request.requested,
        account.permissions
    );
    const consent = {
        request_id: request.id,
        client_id: request.client.clientId,
        client_name: request.client.name,
        redirect_uri: request.redirectUri,
        expires_at: new Date(request.expiresAt).toISOString(),
        requested_scopes: request.requested,
        granted_scopes: granted,
        inherits_user_permissions: inherits
    };
    return { consent, client: request.client, createdAt: request.createdAt };
}

/**
 * Decides an authorization request. What is granted is computed now, from the permissions that the account has now.
 *
 * @throws OAuthError as reading it does; a denial needs no right to approve
 */
export async function decideAuthorizationConsent(
    context: Context,
    account: Account,
    requestId: string,
    decision: Decision
): Promise<AuthorizationDecision> {
    requireDecision(decision);
    if (decision === 'approve') {
        requireMayAuthorize(context, account);
    }
    const request = await findRequest(context, account, requestId);
    if (decision === 'approve') {
        requireStanding(request);
    }
    const { client, redirectUri, state } = request;
    const scope = resolveScope(context.scopeRegistry, client, request.requested, account.permissions).granted;
    const now = context.clock();
    const lifetime = context.settings.lifetimes.authorizationCode * 1000;
    const response = await context.database.transaction(async (queries): Promise<Record<string, string> | null> => {
        if (!(await decideRequest(queries, request.id, now))) {
            return null;
        }
        if (decision === 'deny') {
            return { error: 'access_denied', error_description: 'The person denied the request' };
        }
        const code = randomSecret();
        const approved = { hash: hashSecret(code), accountId: account.id, scope, expiresAt: now + lifetime };
        await insertAuthorizationCode(queries, request, approved, now);
        return { code };
    });
    if (!response) {
        throw unusable();
    }
    const status = decision === 'approve' ? 'approved' : 'denied';
    context.emit({
        type: `authorization_${status}`,
        authorization_request_id: request.id,
        account_id: account.id,
        oauth_client_id: client.id,
        client_id: client.clientId
    });
    const location = withParameters(redirectUri, { ...response, state, iss: context.settings.issuer });
    return { status, ...(isRegistered(client.redirectUris, redirectUri) && { location }) };
}

async function findRequest(context: Context, account: Account, requestId: string): Promise<AuthorizationRequest> {
    const request = await findUndecidedRequest(context.database, requestId, account.id, context.clock());
    if (!request) {
        throw unusable();
    }
    return request;
}

/** Client, grant and redirect URI must stand as they stood when the request began. */
function requireStanding({ client, redirectUri }: AuthorizationRequest): void {
    requireGrantType(client, 'authorization_code');
    if (!isRegistered(client.redirectUris, redirectUri)) {
        throw OAuthError.invalidRequest('The client has withdrawn the redirect_uri of the request');
    }
}

/** The one error for a request that is unknown, expired, decided or another account's. */
function unusable(): OAuthError {
    return OAuthError.invalidRequest('The request is unknown, expired or already decided');
}
