import { findClient } from '../clients/find-client';
import type { Client } from '../store/clients';
import { isRegistered } from '../clients/redirect-uri';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import type { Account } from '../options/options';
import type { Form } from '../parameters';
import { resolveScope } from '../scopes/resolve';
import { insertAuthorizationRequest, removeRequestsOverCap } from '../store/authorization-requests';
import { requireMayAuthorize } from '../policy';
import { requestedScope, required } from '../parameters';
import { requestedResource, resourceToBind } from '../resources';
import { requireRequestedAccount } from './requested-account';
import { requireActive, requireNotSuspended } from '../clients/require-active';
import { requireGrantType } from '../clients/require-grant-type';
import { withRefreshPolicy } from '../clients/refresh-policy';

/** Who sent an authorization request and where the response goes, once both are known to belong together. */
export interface Destination {
    client: Client;
    redirectUri: string;
    state: string | null;
}

/** The person behind the browser. */
export interface Person {
    account: Account;
    /** When the person signed in, epoch seconds; null where the host does not tell. */
    authTime: number | null;
}

/** What an authorization request leads to. */
export type Outcome = { next: 'consent'; requestId: string } | { next: 'login' };

const MAX_STATE = 4096;
const MAX_NONCE = 1024;

/** How long a request waits for its decision, milliseconds. */
const REQUEST_LIFETIME = 10 * 60 * 1000;

/** Parameters of OpenID Connect Core §6 and §7.2.1 that the server does not take, with their errors. */
const UNSUPPORTED = [
    ['request', 'request_not_supported'],
    ['request_uri', 'request_uri_not_supported'],
    ['registration', 'registration_not_supported']
] as const;

/**
 * The first step: client and redirect URI. Until both are known to belong together, errors are shown and never sent
 * anywhere (RFC 6749 §4.1.2.1, RFC 9700 §4.11).
 *
 * @throws OAuthError `invalid_request`, `invalid_client`, `unauthorized_client` for a client that is suspended
 */
export async function findDestination(context: Context, form: Form): Promise<Destination> {
    if (form.isRepeated('client_id') || form.isRepeated('redirect_uri')) {
        throw OAuthError.invalidRequest('The client_id or redirect_uri is given more than once');
    }
    const clientId = required(form, 'client_id');
    const redirectUri = required(form, 'redirect_uri');
    const client = await findClient(context, clientId);
    if (!client) {
        throw OAuthError.invalidClient('There is no client with this client_id');
    }
    if (!isRegistered(client.redirectUris, redirectUri)) {
        throw OAuthError.invalidRequest('The redirect_uri is not one that the client has registered');
    }
    requireNotSuspended(client);
    return { client, redirectUri, state: form.isRepeated('state') ? null : (form.get('state') ?? null) };
}

/** The values of `prompt` (OpenID Connect Core §3.1.2.1). */
export function promptOf(form: Form): string[] {
    return (form.get('prompt') ?? '').split(' ').filter((value) => value !== '');
}

/** The sign-in that a request comes back from. */
export interface Detour {
    /** When it was demanded, epoch seconds; null where its mark is not valid. */
    demandedAt: number | null;
}

/**
 * What comes after the sign-in: the account's right to approve, then all other parameters. Errors go
 * to the redirect URI.
 *
 * @param detour null for a request that comes from its client
 * @throws OAuthError
 */
export async function beginAuthorization(
    context: Context,
    destination: Destination,
    { account, authTime }: Person,
    form: Form,
    detour: Detour | null
): Promise<Outcome> {
    requireMayAuthorize(context, account);
    await requireActive(context, destination.client, account);
    const codeChallenge = checkParameters(context, destination, form);
    await requireRequestedAccount(context, account, form);
    const { requested, shown } = checkScope(context, destination.client, account, form);

    const demandedAt = detour?.demandedAt ?? null;
    if (needsLogin(context, form, authTime, demandedAt)) {
        // A person who comes back without having signed in would be sent there and back for ever.
        if (promptOf(form).includes('none') || authTime === null || demandedAt !== null) {
            throw OAuthError.loginRequired('The person has to sign in again');
        }
        return { next: 'login' };
    }
    if (promptOf(form).includes('select_account') && demandedAt === null) {
        if (detour) {
            throw OAuthError.accountSelectionRequired('The person has not chosen an account in time');
        }
        return { next: 'login' };
    }
    if (promptOf(form).includes('none')) {
        throw OAuthError.consentRequired('The person is always asked');
    }
    const now = context.clock();
    const pending = {
        client: destination.client,
        redirectUri: destination.redirectUri,
        requested,
        shown,
        state: destination.state,
        nonce: form.get('nonce') ?? null,
        codeChallenge,
        authTime,
        resource: resourceToBind(context, form),
        expiresAt: now + REQUEST_LIFETIME
    };
    const requestId = await insertAuthorizationRequest(context.database, account.id, pending, now);
    const pair = { accountId: account.id, oauthClientId: destination.client.id };
    await removeRequestsOverCap(context.database, pair, context.settings.caps.pendingPerAccountAndClient);
    return { next: 'consent', requestId };
}

/** @returns the code challenge */
function checkParameters(context: Context, { client, state }: Destination, form: Form): string {
    if (form.names.some(form.isRepeated)) {
        throw OAuthError.invalidRequest('A parameter is given more than once');
    }
    for (const [name, error] of UNSUPPORTED) {
        if (form.get(name) !== undefined) {
            throw new OAuthError(error, `The server does not take the parameter ${name}`);
        }
    }
    if (required(form, 'response_type') !== 'code') {
        throw OAuthError.unsupportedResponseType('The server supports the response_type code only');
    }
    if ((form.get('response_mode') ?? 'query') !== 'query') {
        throw OAuthError.invalidRequest('The server supports the response_mode query only');
    }
    requireGrantType(client, 'authorization_code');
    if ((state?.length ?? 0) > MAX_STATE || (form.get('nonce')?.length ?? 0) > MAX_NONCE) {
        throw OAuthError.invalidRequest(`A state has at most ${MAX_STATE} characters, a nonce ${MAX_NONCE}`);
    }
    const prompts = promptOf(form);
    if (prompts.includes('none') && prompts.length > 1) {
        throw OAuthError.invalidRequest('The prompt none goes with no other');
    }
    if (!/^\d*$/.test(form.get('max_age') ?? '')) {
        throw OAuthError.invalidRequest('The max_age must be a number of seconds');
    }
    requestedResource(context, form);
    return checkChallenge(form);
}

/** PKCE is for every client, and by `S256` only (RFC 7636 §4.3, RFC 9700 §2.1.1). */
function checkChallenge(form: Form): string {
    const challenge = required(form, 'code_challenge');
    if (form.get('code_challenge_method') !== 'S256') {
        throw OAuthError.invalidRequest('The code_challenge_method must be S256');
    }
    if (!/^[A-Za-z0-9_-]{43}$/.test(challenge)) {
        throw OAuthError.invalidRequest('The code_challenge must be 43 characters of base64url');
    }
    return challenge;
}

/** What the client is not allowed is left out, for the person sees what is given; except where nothing would be left. */
function checkScope(
    context: Context,
    client: Client,
    account: Account,
    form: Form
): { requested: string[]; shown: string[] } {
    const asked = requestedScope(context, form);
    const requested = withRefreshPolicy(context, client, asked);
    const { granted, notAllowed } = resolveScope(context.scopeRegistry, client, requested, account.permissions);
    if (notAllowed.includes('openid') || (asked.length > 0 && asked.every((name) => notAllowed.includes(name)))) {
        throw OAuthError.invalidScope('The client is not allowed openid, or nothing of what it asks for');
    }
    return { requested, shown: granted };
}

/**
 * Whether a request demands a sign-in or a choice of account, whatever the session is. A sign-in can only be demanded where
 * the host tells when the last one was.
 */
export function demandsLogin({ settings }: Context, form: Form): boolean {
    return (
        promptOf(form).includes('select_account') || (settings.session.authTime !== undefined && asksForSignIn(form))
    );
}

/** Whether a request has a say in when the sign-in takes place (OpenID Connect Core §3.1.2.1). */
function asksForSignIn(form: Form): boolean {
    return promptOf(form).includes('login') || form.get('max_age') !== undefined;
}

/**
 * Whether `prompt=login` or `max_age` asks for a sign-in that has not taken place yet.
 *
 * @param demandedAt the sign-in that the request comes back from, epoch seconds
 */
function needsLogin(context: Context, form: Form, authTime: number | null, demandedAt: number | null): boolean {
    if (!asksForSignIn(form)) {
        return false;
    }
    if (authTime === null) {
        return true;
    }
    if (demandedAt !== null && authTime >= demandedAt) {
        return false;
    }
    return promptOf(form).includes('login') || context.clock() / 1000 - authTime > Number(form.get('max_age'));
}
