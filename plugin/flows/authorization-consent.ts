import { isRegistered, withParameters } from '../clients/redirect-uri';
import { requireActive } from '../clients/require-active';
import { requireGrantType } from '../clients/require-grant-type';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import type { Account } from '../options/options';
import { requireMayAuthorize } from '../policy';
import { inheritsPermissions } from '../scopes/resolve';
import { joinNames } from '../scopes/text';
import { findAuthorizationCode, insertAuthorizationCode } from '../store/authorization-codes';
import { decideRequest, findAuthorizationRequest, type AuthorizationRequest } from '../store/authorization-requests';
import { DatabaseUnavailable } from '../store/database-errors';
import { findFamilyKey, insertGrant } from '../store/grants';
import { shrinkShownScope } from '../store/shown-scope';
import { hashSecret } from '../tokens/secret';
import { approvedGrant, settleApproval } from './approved-grant';
import { requireDecision, type Decision } from './decision';
import type { Asked } from './device-consent';
import { stillShown } from './shown-scope';
import { findSurely, type Queries } from '../store/database';
import { consentDetails, type ConsentDetails } from './consent-details';

/** What a consent page shows of an authorization request. */
export interface AuthorizationConsent extends ConsentDetails {
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
    /** Left out when the client has withdrawn the redirect URI since, and once the code was exchanged. */
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
    const request = await findUndecided(context, account, requestId);
    await requireStanding(context, account, request);
    const { client, requested } = request;
    const { shown } = await showRequest(context, account, request);
    const consent = {
        request_id: request.id,
        client_id: client.clientId,
        client_name: client.name,
        redirect_uri: request.redirectUri,
        expires_at: new Date(request.expiresAt).toISOString(),
        requested_scopes: requested,
        granted_scopes: shown,
        inherits_user_permissions: inheritsPermissions(client, requested),
        ...(await consentDetails(context, client, request))
    };
    return { consent, client, createdAt: request.createdAt };
}

/**
 * Decides an authorization request. An approval grants what was shown at last, less what client or account have lost
 * since, and makes the grant at once. The same account decides the same request again: the outcome is that of the first
 * time.
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
    for (let attempts = 1; attempts <= ATTEMPTS; ++attempts) {
        const request = await findRequest(context, account, requestId, attempts > 1);
        if (request.decided) {
            return outcomeOf(context, request);
        }
        const code = decision === 'approve' ? await approve(context, account, request) : await deny(context, request);
        if (code !== null) {
            emitDecision(context, account, request, decision);
            return describeDecision(context, request, code);
        }
        // Another request has decided this one, or has been shown less of it, since it was read.
    }
    throw new DatabaseUnavailable('consent');
}

/** How often a decision is tried while others read or decide the same request. */
const ATTEMPTS = 5;

/** What a decision leads to: a code, or that the person has denied. */
type Response = { code: string } | 'denied' | 'exchanged';

/** @returns null when another request has changed it meanwhile */
async function approve(context: Context, account: Account, read: AuthorizationRequest): Promise<Response | null> {
    await requireStanding(context, account, read);
    const { client, shown } = read;
    const scope = stillShown(context, read, shown, account);
    const now = context.clock();
    const expiresAt = now + context.settings.lifetimes.authorizationCode * 1000;
    const grant = approvedGrant(context, {
        client,
        account,
        scope,
        authTime: read.authTime,
        resource: read.resource,
        expiresAt
    });
    const [code] = codesOf(context, read.id, grant.familyKey);
    const decided = await context.database.transaction(async (queries) => {
        const first = await decideRequest(queries, read, grant.id, now);
        if (first) {
            await insertGrant(queries, grant, now);
            await insertAuthorizationCode(
                queries,
                read,
                { hash: hashSecret(code!), grantId: grant.id, expiresAt },
                now
            );
        }
        return first;
    });
    if (!decided) {
        return null;
    }
    await settleApproval(context, account, client);
    return { code: code! };
}

/** @returns null when another request has changed it meanwhile */
async function deny({ clock, database }: Context, request: AuthorizationRequest): Promise<Response | null> {
    return (await decideRequest(database, request, null, clock())) ? 'denied' : null;
}

/** The outcome of a request that was decided before, for a person who decides it again. */
async function outcomeOf(context: Context, request: AuthorizationRequest): Promise<AuthorizationDecision> {
    if (request.grantId === null) {
        return describeDecision(context, request, 'denied');
    }
    const { grantId } = request;
    const familyKey = await findSurely(context.database, (queries) => findFamilyKey(queries, grantId));
    for (const code of familyKey === null ? [] : codesOf(context, request.id, familyKey)) {
        const found = await findSurely(context.database, (queries) => findAuthorizationCode(queries, hashSecret(code)));
        if (found && !found.grant.exchanged && !found.grant.revoked) {
            return describeDecision(context, request, { code });
        }
    }
    // The application has used the code: to send it again would count as a replay.
    return describeDecision(context, request, 'exchanged');
}

/**
 * The code of an approval, which is not stored: it follows from the forum's secret, the request and its grant. The first
 * is the one that is used; the others are those of earlier secrets.
 */
function codesOf({ macs }: Context, requestId: string, familyKey: string): string[] {
    return macs.makeAll('authorization code', `${requestId} ${familyKey}`);
}

function describeDecision(
    { settings }: Context,
    { client, redirectUri, state }: AuthorizationRequest,
    response: Response
): AuthorizationDecision {
    const status = response === 'denied' ? 'denied' : 'approved';
    if (response === 'exchanged' || !isRegistered(client.redirectUris, redirectUri)) {
        return { status };
    }
    const parameters =
        response === 'denied'
            ? { error: 'access_denied', error_description: 'The person denied the request' }
            : response;
    return { status, location: withParameters(redirectUri, { ...parameters, state, iss: settings.issuer }) };
}

function emitDecision(
    { emit }: Context,
    account: Account,
    { id, client }: AuthorizationRequest,
    decision: Decision
): void {
    emit({
        type: decision === 'approve' ? 'authorization_approved' : 'authorization_denied',
        authorization_request_id: id,
        account_id: account.id,
        oauth_client_id: client.id,
        client_id: client.clientId
    });
}

/** What is shown of a request now. It is stored before it is shown. */
async function showRequest(
    context: Context,
    account: Account,
    request: AuthorizationRequest
): Promise<AuthorizationRequest> {
    let read = request;
    for (let attempts = 1; attempts <= ATTEMPTS; ++attempts) {
        const shown = stillShown(context, read, read.shown, account);
        if (joinNames(shown) === joinNames(read.shown)) {
            return read;
        }
        const change = { from: read.shown, to: shown };
        if (await shrinkShownScope(context.database, 'oauth_authorization_requests', read.id, change)) {
            return { ...read, shown };
        }
        read = await findUndecided(context, account, read.id, true);
    }
    throw new DatabaseUnavailable('consent');
}

async function findUndecided(
    context: Context,
    account: Account,
    requestId: string,
    isSure = false
): Promise<AuthorizationRequest> {
    const request = await findRequest(context, account, requestId, isSure);
    if (request.decided) {
        throw unusable();
    }
    return request;
}

/** @param isSure true where what was read before is known to have changed */
async function findRequest(
    { clock, database }: Context,
    account: Account,
    requestId: string,
    isSure = false
): Promise<AuthorizationRequest> {
    const now = clock();
    const find = (queries: Queries): Promise<AuthorizationRequest | null> =>
        findAuthorizationRequest(queries, requestId, account.id, now);
    const request = isSure ? await find(database.sure) : await findSurely(database, find);
    if (!request) {
        throw unusable();
    }
    return request;
}

/** Client, grant and redirect URI must stand as they stood when the request began. */
async function requireStanding(
    context: Context,
    account: Account,
    { client, redirectUri }: AuthorizationRequest
): Promise<void> {
    await requireActive(context, client, account);
    requireGrantType(client, 'authorization_code');
    if (!isRegistered(client.redirectUris, redirectUri)) {
        throw OAuthError.invalidRequest('The client has withdrawn the redirect_uri of the request');
    }
}

/** The one error for a request that is unknown, expired, decided or another account's. */
function unusable(): OAuthError {
    return OAuthError.invalidRequest('The request is unknown, expired or already decided');
}
