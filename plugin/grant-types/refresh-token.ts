import { authenticateClient } from '../clients/authenticate';
import type { ClientCredentials } from '../clients/credentials';
import { ensureFirstPartyClient } from '../clients/first-party-client';
import { findClient } from '../clients/find-client';
import type { Client } from '../store/clients';
import { requireActive, requireNotSuspended } from '../clients/require-active';
import { requireGrantType } from '../clients/require-grant-type';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import type { Account } from '../options/options';
import { requestedScope, required, type Form } from '../parameters';
import { boundResource, requestedResource } from '../resources';
import { revokeGrant } from '../revoke-grant';
import { narrowScope } from '../scopes/resolve';
import { covers } from '../scopes/registry';
import { joinNames } from '../scopes/text';
import { DatabaseUnavailable } from '../store/database-errors';
import { isLateHandOut, retryUntil, standingOf } from '../store/retry-window';
import {
    ConcurrentUpdateError,
    findOldestGeneration,
    findPresentedToken,
    findPresentedTokenSurely,
    insertSuccessor,
    markHandedOutLate,
    shrinkScope,
    type Grant,
    type PresentedToken,
    type StoredToken
} from '../store/token-family';
import { familyExpiry, refreshTokenExpiry } from '../store/token-lifetimes';
import { decryptSuccessor, encryptSuccessor } from '../tokens/encrypted-successor';
import {
    createRefreshToken,
    isIssued,
    MAX_GENERATION,
    readRefreshToken,
    type TokenReference
} from '../tokens/refresh-token';
import { hashSecret, sameHash } from '../tokens/secret';
import { signTokens, type TokenResponse } from './token-response';

/** How often a request is tried when others change the token family at the same time. */
const ATTEMPTS = 5;

/** A refresh request whose token has the form of one. */
interface RefreshRequest {
    credentials: ClientCredentials;
    form: Form;
    /** The refresh token. */
    token: string;
    reference: TokenReference;
    /** Counts the request against the rate limit of its client. Throws when that is exceeded. */
    admit(client: Client): Promise<void>;
    /** Looks the token up. */
    find: typeof findPresentedToken;
}

/** The presented token of a live grant: the head of its family, or a token that is retried. */
interface LiveToken {
    grant: Grant;
    token: StoredToken;
    /** Null for the head. */
    successor: StoredToken | null;
}

/**
 * The refresh token grant (RFC 6749 §6) with rotation and reuse detection (RFC 9700 §4.14.2). Each token is used once
 * and names its successor. A token that was used before is either a retry of the request that used it, and yields the
 * same successor, or reuse, and revokes the grant.
 */
export async function refreshTokenGrant(
    context: Context,
    credentials: ClientCredentials,
    form: Form
): Promise<TokenResponse> {
    const counted = await context.limits.begin('refresh', credentials);
    const admit = (client: Client): Promise<void> => counted.admit(client);
    const token = form.get('refresh_token');
    const reference = token === undefined ? null : readRefreshToken(token);
    if (token === undefined || !reference) {
        return refuseMalformed(context, credentials, form, admit);
    }
    let find = findPresentedToken;
    for (let attempts = 1; ; ++attempts) {
        try {
            return await refresh(context, { credentials, form, token, reference, admit, find });
        } catch (error) {
            if (!(error instanceof ConcurrentUpdateError)) {
                throw error;
            }
            if (attempts === ATTEMPTS) {
                throw new DatabaseUnavailable(error.name);
            }
            // Another request has rotated the token since it was read, or the read was behind.
            find = findPresentedTokenSurely;
        }
    }
}

/** A token that cannot be one of ours: the client is authenticated before it is told so. */
async function refuseMalformed(
    context: Context,
    credentials: ClientCredentials,
    form: Form,
    admit: RefreshRequest['admit']
): Promise<never> {
    const found = await findClient(context, credentials.clientId);
    const client = await authenticateClient(context, found, credentials);
    await admit(client);
    requireNotSuspended(client);
    requireGrantType(client, 'refresh_token');
    required(form, 'refresh_token');
    throw unusable();
}

/** @throws ConcurrentUpdateError when another request has changed the token family meanwhile */
async function refresh(context: Context, request: RefreshRequest): Promise<TokenResponse> {
    const { credentials, form } = request;
    const presented = await request.find(context.database, credentials.clientId, request.reference);
    const found = await ensureFirstPartyClient(context, credentials.clientId, presented.client);
    const client = await authenticateClient(context, found, credentials);
    await request.admit(client);
    requireNotSuspended(client);
    requireGrantType(client, 'refresh_token');
    const requested = requestedScope(context, form);
    requestedResource(context, form);

    const live = await checkPresentedToken(context, client, presented, request);
    const { grant } = live;
    const resource = boundResource(context, form, grant.resource);
    const account = await context.findAccount(grant.accountId);
    if (!account || !client.allowed.includes('offline_access')) {
        throw unusable();
    }
    await requireActive(context, client, account);
    if (requested.some((name) => !covers(context.scopeRegistry, grant.scope, name))) {
        throw OAuthError.invalidScope('The scope has a name that was never granted');
    }
    const { successor, scope } = live.successor
        ? await handOutAgain(context, client, account, live, live.successor, request.token)
        : await rotate(context, client, account, live, request.token);
    const shown =
        requested.length === 0 ? scope : requested.filter((name) => covers(context.scopeRegistry, scope, name));
    const response = await signTokens(context, {
        client,
        account,
        grantId: grant.id,
        resource,
        scope: shown,
        authTime: grant.authTime
    });
    context.emit({
        type: 'token_issued',
        grant_type: 'refresh_token',
        account_id: account.id,
        oauth_client_id: client.id,
        client_id: client.clientId,
        scope: response.scope,
        grant_id: grant.id
    });
    return { ...response, refresh_token: successor };
}

/**
 * Checks that a presented token belongs to a live grant of this client and may be rotated or retried.
 *
 * @throws OAuthError `invalid_grant`; after reuse the grant is revoked
 */
async function checkPresentedToken(
    context: Context,
    client: Client,
    { grant, token, successor, successorUsedAt, isSure }: PresentedToken,
    { token: presented, reference }: RefreshRequest
): Promise<LiveToken> {
    if (!grant || grant.revoked) {
        throw unusable();
    }
    if (!token || !sameHash(hashSecret(presented), token.hash)) {
        // A forged token has no proof, and costs no second read.
        if (!isIssued(grant.familyKey, presented)) {
            throw unusable();
        }
        if (!isSure) {
            throw new ConcurrentUpdateError();
        }
        await judgeMissing(context, client, grant, { isReplaced: token !== null, reference });
        throw unusable();
    }
    const now = context.clock();
    const { lifetimes } = context.settings;
    const standing = standingOf({ token, successor, successorUsedAt }, lifetimes.refreshRetryWindow, now);
    if (standing === 'reused') {
        await revokeReused(context, client, grant);
        throw unusable();
    }
    if (standing === 'superseded' || token.generation === MAX_GENERATION) {
        throw unusable();
    }
    // A retried token may have expired since it was used; its successor may not.
    const expiresAt = Math.min((successor ?? token).expiresAt, familyExpiry(lifetimes, grant.createdAt));
    if (now >= expiresAt) {
        throw unusable();
    }
    return { grant, token, successor };
}

/**
 * Decides about a token that was issued and is not there. A family loses its rows from the oldest on: below them, the token
 * was pruned, so it was used before. Where another token has its place, it was issued twice. In any other case the database
 * has lost it, such as after a failover, and nobody did anything wrong.
 */
async function judgeMissing(
    context: Context,
    client: Client,
    grant: Grant,
    { isReplaced, reference }: { isReplaced: boolean; reference: TokenReference }
): Promise<void> {
    const oldest = isReplaced ? null : await findOldestGeneration(context.database.sure, grant.id);
    if (isReplaced || (oldest !== null && reference.generation < oldest)) {
        await revokeReused(context, client, grant);
        return;
    }
    context.emit({
        type: 'refresh_token_lost',
        account_id: grant.accountId,
        oauth_client_id: client.id,
        grant_id: grant.id
    });
}

async function revokeReused(context: Context, client: Client, { id, accountId }: Grant): Promise<void> {
    if (await revokeGrant(context, { id, accountId, oauthClientId: client.id }, 'refresh_token_reused')) {
        context.emit({
            type: 'refresh_token_reused',
            account_id: accountId,
            oauth_client_id: client.id,
            grant_id: id
        });
    }
}

/** A refresh token to hand out, and the scope that the grant has from then on. */
interface HandOut {
    successor: string;
    scope: string[];
}

/**
 * Makes the head's successor.
 *
 * @throws ConcurrentUpdateError when another request has rotated the head first
 */
async function rotate(
    { clock, database, scopeRegistry, settings }: Context,
    client: Client,
    account: Account,
    { grant, token }: LiveToken,
    presented: string
): Promise<HandOut> {
    const now = clock();
    const { lifetimes } = settings;
    const scope = narrowScope(scopeRegistry, client, token.scope, account.permissions);
    const generation = token.generation + 1;
    const successor = createRefreshToken(grant.familyKey, { grantId: grant.id, generation });
    const windowEnd = retryUntil(lifetimes.refreshRetryWindow, token, now);
    const row = {
        generation,
        hash: hashSecret(successor),
        scope,
        encrypted: windowEnd > 0 ? encryptSuccessor(presented, successor) : null,
        retryUntil: windowEnd,
        expiresAt: refreshTokenExpiry(lifetimes, grant.createdAt, now)
    };
    if (!(await insertSuccessor(database, grant.id, row, now))) {
        throw unusable();
    }
    return { successor, scope };
}

/**
 * Hands out the successor that an earlier request made.
 *
 * @throws ConcurrentUpdateError when another request has changed the successor meanwhile
 */
async function handOutAgain(
    { clock, database, scopeRegistry }: Context,
    client: Client,
    account: Account,
    { grant }: LiveToken,
    successor: StoredToken,
    presented: string
): Promise<HandOut> {
    const decrypted = successor.encrypted === null ? null : decryptSuccessor(presented, successor.encrypted);
    if (decrypted === null) {
        throw unusable();
    }
    const scope = narrowScope(scopeRegistry, client, successor.scope, account.permissions);
    if (joinNames(scope) !== joinNames(successor.scope)) {
        await shrinkScope(database, grant.id, successor, scope);
    }
    if (isLateHandOut(successor, clock())) {
        await markHandedOutLate(database, grant.id, successor);
    }
    return { successor: decrypted, scope };
}

/** The one error for a token that is unknown, expired, revoked, used or another client's. */
function unusable(): OAuthError {
    return OAuthError.invalidGrant('The refresh token is unknown, expired, revoked or already used');
}
