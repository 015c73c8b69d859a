import { authenticateClient } from '../clients/authenticate';
import type { ClientCredentials } from '../clients/credentials';
import { findClient } from '../clients/find-client';
import { ensureFirstPartyClient } from '../clients/first-party-client';
import type { Client } from '../store/clients';
import type { Context } from '../context';
import { DatabaseUnavailable } from '../store/database';
import { OAuthError } from '../errors/oauth-error';
import type { Account } from '../options/options';
import type { Form } from '../parameters';
import { narrowScope } from '../scopes/resolve';
import { joinNames } from '../scopes/text';
import { covers } from '../scopes/registry';
import {
    revokeGrant,
    findPresentedToken,
    isPastCap,
    LATE_AFTER,
    markLate,
    ConcurrentUpdateError,
    rotate,
    shrinkScope,
    UNTIL_USED,
    type Chain,
    type ChainToken,
    type PresentedToken
} from '../store/token-family';
import { isIssued, MAX_GENERATION, decryptSuccessor, readRefreshToken } from '../tokens/refresh-token';
import { signTokens, type TokenResponse } from './token-response';
import { hashSecret, sameHash } from '../tokens/secret';
import { checkResource, requestedScope, required } from '../parameters';
import { requireGrantType } from '../clients/require-grant-type';

/** How often a presentation is looked at because other requests changed the chain in between. */
const ATTEMPTS = 5;

/** What a presented token is worth: a successor to hand out, and the scope that the chain has from then on. */
interface HandOut {
    successor: string;
    scope: string[];
}

/**
 * The refresh token grant (RFC 6749 §6) with rotation and reuse detection (RFC 9700 §4.14.2): each token is used once
 * and names its successor; a token that was used already is either a retry of the request that used it, and yields the
 * same successor, or reuse, and ends the chain.
 */
export async function refreshTokenGrant(
    context: Context,
    credentials: ClientCredentials,
    form: Form
): Promise<TokenResponse> {
    const counted = context.limits.begin('refresh', credentials);
    const token = form.get('refresh_token');
    const address = token === undefined ? null : readRefreshToken(token);
    if (token === undefined || !address) {
        const found = await findClient(context, credentials.clientId);
        const client = await authenticateClient(context, found, credentials);
        await counted.admit(client);
        requireGrantType(client, 'refresh_token');
        required(form, 'refresh_token');
        throw unusable();
    }

    for (let attempts = 1; ; ++attempts) {
        const presentation = await findPresentedToken(context.database, credentials.clientId, address);
        const found = await ensureFirstPartyClient(context, credentials.clientId, presentation.client);
        const client = await authenticateClient(context, found, credentials);
        await counted.admit(client);
        requireGrantType(client, 'refresh_token');
        const requested = requestedScope(context, form);
        checkResource(context, form);

        const chain = await checkChain(context, client, presentation, token);
        const account = await context.findAccount(chain.accountId);
        if (!account || !client.allowed.includes('offline_access')) {
            throw unusable();
        }
        if (requested.some((name) => !covers(context.scopeRegistry, chain.scope, name))) {
            throw OAuthError.invalidScope('The scope has a name that was never granted');
        }
        try {
            const { successor, scope } = await handOut(context, client, account, presentation, token);
            const shown =
                requested.length === 0 ? scope : requested.filter((name) => covers(context.scopeRegistry, scope, name));
            const response = await signTokens(context, { client, account, scope: shown, authTime: chain.authTime });
            context.emit({
                type: 'token_issued',
                grant_type: 'refresh_token',
                account_id: account.id,
                oauth_client_id: client.id,
                client_id: client.clientId,
                scope: response.scope,
                grant_id: chain.id
            });
            return { ...response, refresh_token: successor };
        } catch (error) {
            if (!(error instanceof ConcurrentUpdateError)) {
                throw error;
            }
            if (attempts === ATTEMPTS) {
                throw new DatabaseUnavailable(error.name);
            }
            // Another request has rotated the token since it was read: this one is a retry of it.
        }
    }
}

/**
 * Decides whether a presented token is one of a live chain of this client that may still be answered.
 *
 * @throws OAuthError `invalid_grant`; after reuse the chain has ended
 */
async function checkChain(
    context: Context,
    client: Client,
    { chain, presented, successor, successorUsedAt }: PresentedToken,
    token: string
): Promise<Chain> {
    const now = context.clock();
    if (!chain || chain.ended) {
        throw unusable();
    }
    if (!presented || !sameHash(hashSecret(token), presented.hash)) {
        if (isIssued(chain.chainKey, token)) {
            await endReused(context, client, chain);
        }
        throw unusable();
    }
    if (!successor) {
        if (now >= presented.expiresAt || isPastCap(context, chain, now) || presented.generation === MAX_GENERATION) {
            throw unusable();
        }
        return chain;
    }
    const withinWindow = now < retryDeadline(presented, successor);
    if (
        successorUsedAt === null ? !withinWindow : !isForgiven(context, successor, withinWindow, successorUsedAt, now)
    ) {
        await endReused(context, client, chain);
        throw unusable();
    }
    if (successorUsedAt !== null || now >= successor.expiresAt || isPastCap(context, chain, now)) {
        throw unusable();
    }
    return chain;
}

/** Until when the presented token's holder may be handed its successor again, epoch milliseconds. */
function retryDeadline(presented: ChainToken, successor: ChainToken): number {
    return presented.handedOutLate
        ? Math.min(successor.retryUntil, successor.createdAt + LATE_AFTER)
        : successor.retryUntil;
}

/**
 * True when a token whose successor has been used is answered `invalid_grant` only: an answer that was long under way,
 * not a thief.
 */
function isForgiven(
    { settings }: Context,
    successor: ChainToken,
    withinWindow: boolean,
    successorUsedAt: number,
    now: number
): boolean {
    // A window without an end closes when the successor is used, whatever the forum has been set to since.
    const untilUsed = settings.lifetimes.refreshRetryWindow === 'until-used' || successor.retryUntil === UNTIL_USED;
    return untilUsed ? now < successorUsedAt + LATE_AFTER : withinWindow;
}

async function endReused(context: Context, client: Client, chain: Chain): Promise<void> {
    const grant = { id: chain.id, accountId: chain.accountId, oauthClientId: client.id };
    if (await revokeGrant(context, grant, 'refresh_token_reused')) {
        context.emit({
            type: 'refresh_token_reused',
            account_id: chain.accountId,
            oauth_client_id: client.id,
            grant_id: chain.id
        });
    }
}

/** Rotates the chain's head away, or hands out again what an earlier request rotated it to. */
async function handOut(
    context: Context,
    client: Client,
    account: Account,
    presentation: PresentedToken,
    token: string
): Promise<HandOut> {
    const chain = presentation.chain!;
    const presented = presentation.presented!;
    const { successor } = presentation;
    if (!successor) {
        const scope = narrowScope(context.scopeRegistry, client, presented.scope, account.permissions);
        const created = await rotate(context, { chain, presented }, token, scope);
        if (created === null) {
            throw unusable();
        }
        return { successor: created, scope };
    }

    const opened = successor.sealed === null ? null : decryptSuccessor(token, successor.sealed);
    if (opened === null) {
        throw unusable();
    }
    const scope = narrowScope(context.scopeRegistry, client, successor.scope, account.permissions);
    if (joinNames(scope) !== joinNames(successor.scope)) {
        await shrinkScope(context, chain, successor, scope);
    }
    const late = context.clock() >= successor.createdAt + LATE_AFTER;
    if (late && successor.retryUntil === UNTIL_USED && !successor.handedOutLate) {
        await markLate(context, chain, successor);
    }
    return { successor: opened, scope };
}

/** The one answer for a token that is unknown, expired, ended, used or another client's. */
function unusable(): OAuthError {
    return OAuthError.invalidGrant('The refresh token is unknown, expired, revoked or already used');
}
