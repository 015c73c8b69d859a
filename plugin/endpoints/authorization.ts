import type { Lifecycle, Request, ResponseObject, ResponseToolkit, ServerRoute } from '@hapi/hapi';
import { withParameters } from '../clients/redirect-uri';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import {
    beginAuthorization,
    demandsLogin,
    findDestination,
    promptOf,
    type Destination,
    type Detour,
    type Outcome
} from '../flows/authorize';
import { createMark, findKeptRequest, keepRequest, readMark } from '../flows/login-detour';
import { readFormText } from '../http/body';
import { clientAddress } from '../http/client-address';
import { asOAuthError, protocolErrors, withErrorResponses } from '../http/error-responses';
import { parseForm } from '../http/form';
import { NO_STORE, withHeaders } from '../http/headers';
import { rateHeaders, tallyOf } from '../http/rate-headers';
import { requestTarget } from '../http/request-target';
import { isTakenOver, loginUrl, sessionAccountId, sessionAuthTime } from '../http/session';
import { required, type Form } from '../parameters';
import { isFramed, mayRedirectErrors, showRefusal } from './authorization-refusal';
import { findClient } from '../clients/find-client';
import { isNavigation } from '../http/same-site';
import { bringDocumentClient } from '../clients/document-client';
import { isDocumentUrl } from '../clients/document-url';

const AUTHORIZE = '/oauth/authorize';

/** Added to the request that the sign-in page returns to: the mark of the sign-in that was demanded. */
const LOGIN_AFTER = 'login_after';

/** In place of the request in the URL of the sign-in page: the key under which the request is kept. */
const KEPT = 'kept_request';

/** A longer query is kept on the server while its person signs in, characters. */
const MAX_QUERY_IN_URL = 2048;

/** What a request by POST may have, characters: it becomes a URL. */
const MAX_FORM = 8192;

/** The request is neither stored nor told to the page that the browser goes to next (RFC 9700 §4.2.4). */
const PRIVATE = { ...NO_STORE, 'referrer-policy': 'no-referrer' };

/** The authorization endpoint (RFC 6749 §3.1). */
export function authorizationRoutes(context: Context): ServerRoute[] {
    const ending = [{ method: protocolErrors }, { method: withHeaders(PRIVATE) }, { method: rateHeaders(context) }];
    return [
        {
            method: 'GET',
            path: AUTHORIZE,
            options: {
                auth: { strategies: [...context.settings.session.strategies], mode: 'try' },
                cors: false,
                ext: {
                    onPreResponse: [
                        {
                            // A strategy that redirects by itself must not decide what is checked first here.
                            method: (request, h) =>
                                isTakenOver(request) ? authorizeInstead(context, request, h) : h.continue
                        },
                        ...ending
                    ]
                }
            },
            handler: (request, h) => authorize(context, request, h)
        },
        {
            method: 'POST',
            path: AUTHORIZE,
            options: { auth: false, cors: false, ext: { onPreResponse: ending } },
            handler: withErrorResponses((request, h) => Promise.resolve(asGet(request, h)))
        }
    ];
}

/**
 * A request by POST (OpenID Connect Core §3.1.2.1) becomes the same request by GET. A browser sends no session cookie with
 * a form of another site, but it does with the navigation that follows.
 */
function asGet(request: Request, h: ResponseToolkit): ResponseObject {
    const text = readFormText(request);
    if (text === null || text.length > MAX_FORM) {
        throw OAuthError.invalidRequest(`The body must be a form of at most ${MAX_FORM} characters, in UTF-8`);
    }
    return redirect(h, `${requestTarget(request).pathname}?${new URLSearchParams(text).toString()}`);
}

/** An authorization request as it came from its client, before any sign-in. */
interface OriginalRequest {
    form: Form;
    /** Its query. */
    query: string;
    /** The key under which it is kept. */
    key: string | null;
    /** The mark of the sign-in that it comes back from. */
    mark: string | null;
}

async function readRequest(context: Context, request: Request): Promise<OriginalRequest> {
    const { search, searchParams } = requestTarget(request);
    const mark = searchParams.get(LOGIN_AFTER);
    const key = searchParams.get(KEPT);
    // As it was sent: to read and write it again would repair what is malformed.
    const own = search
        .slice(1)
        .split('&')
        .filter((pair) => !pair.startsWith(`${LOGIN_AFTER}=`));
    const query = key === null ? own.join('&') : await findKeptRequest(context, key);
    if (query === null) {
        throw OAuthError.invalidRequest('The sign-in took too long. Start again from the application');
    }
    return { form: parseForm(query), query, key, mark };
}

async function authorize(context: Context, request: Request, h: ResponseToolkit): Promise<ResponseObject> {
    const original = await readRequest(context, request);
    const { form } = original;
    // What a frame learns must not depend on who is signed in.
    const isSilentFrame = isFramed(request) && promptOf(form).includes('none');
    const { accountId, problem } = isSilentFrame ? NOBODY : readSession(context, request);
    if (accountId !== null) {
        await context.limits.authorization(accountId, tallyOf(request));
    }
    const clientId = form.get('client_id');
    if (
        context.settings.clientMetadataDocuments &&
        clientId?.startsWith('https://') &&
        !form.isRepeated('client_id') &&
        !problem
    ) {
        const login = await bringClient(context, request, { original, accountId, url: clientId });
        if (login !== null) {
            return redirect(h, login);
        }
    }
    const destination = await findDestination(context, form);
    try {
        if (isSilentFrame) {
            throw OAuthError.loginRequired('The person is asked in a window of its own');
        }
        if (problem) {
            throw problem;
        }
        if (accountId === null && !promptOf(form).includes('none')) {
            const demanded = demandsLogin(context, form) ? { accountId } : null;
            return redirect(h, await loginPage(context, request, original, demanded));
        }
        const outcome = await begin(context, request, { destination, original, accountId });
        return redirect(
            h,
            outcome.next === 'login'
                ? await loginPage(context, request, original, { accountId })
                : consentPage(context, outcome.requestId)
        );
    } catch (error) {
        const refusal = logged(request, error);
        const location = errorLocation(context, destination, refusal);
        return (await mayRedirectErrors(context, request, { form, client: destination.client, accountId }))
            ? redirect(h, location)
            : showRefusal(context, request, h, { error: refusal, location });
    }
}

/** Who is signed in, or why that cannot be told. */
interface SessionReading {
    accountId: string | null;
    problem?: Error;
}

const NOBODY: SessionReading = { accountId: null };

function readSession(context: Context, request: Request): SessionReading {
    try {
        return { accountId: sessionAccountId(context, request) };
    } catch (error) {
        return { accountId: null, problem: error as Error };
    }
}

/**
 * Brings a client up to date that a document describes. Its document is fetched for a person who is signed in only, so that
 * nobody else makes the forum send requests.
 *
 * @returns the sign-in page, where the person has to sign in first
 */
async function bringClient(
    context: Context,
    request: Request,
    { original, accountId, url }: { original: OriginalRequest; accountId: string | null; url: string }
): Promise<string | null> {
    if (!isDocumentUrl(url, context.settings)) {
        throw OAuthError.invalidClient('The client_id is no URL of a metadata document that the server would fetch');
    }
    const { form } = original;
    if (!isNavigation(request.headers) || (accountId === null && promptOf(form).includes('none'))) {
        // The answer is by what is stored. Nothing is fetched for a picture, a frame or a prefetch.
        if ((await findClient(context, url)) === null) {
            throw OAuthError.loginRequired('The person is asked in a window of its own');
        }
        return null;
    }
    if (accountId === null) {
        return loginPage(context, request, original, demandsLogin(context, form) ? { accountId } : null);
    }
    if (form.isRepeated('redirect_uri')) {
        return null;
    }
    required(form, 'redirect_uri');
    await bringDocumentClient(context, context.documents, {
        url,
        accountId,
        log: (where, reason) => request.log(['oauth', 'document', 'warning'], `${where}: ${reason}`)
    });
    return null;
}

/** Begins an authorization for the account of the session. */
async function begin(
    context: Context,
    request: Request,
    {
        destination,
        original,
        accountId
    }: { destination: Destination; original: OriginalRequest; accountId: string | null }
): Promise<Outcome> {
    if (accountId === null) {
        throw OAuthError.loginRequired('The person is not signed in');
    }
    const account = await context.findAccount(accountId);
    if (!account) {
        throw OAuthError.accessDenied('The account may not act');
    }
    const authTime = sessionAuthTime(context, request);
    const detour = detourOf(context, original, accountId);
    return beginAuthorization(context, destination, { account, authTime }, original.form, detour);
}

/**
 * The sign-in that a request comes back from. A mark is good for the account that it was made for, and for any where nobody
 * was signed in. A person who was sent to choose an account may come back with another.
 */
function detourOf(context: Context, { form, mark, query }: OriginalRequest, accountId: string): Detour | null {
    if (mark === null) {
        return null;
    }
    const accounts = promptOf(form).includes('select_account') ? [null] : [null, accountId];
    const marked = accounts.map((each) => ({ query, accountId: each }));
    return { demandedAt: readMark(context, mark, marked) };
}

/**
 * The sign-in page, with the way back to this request as a path of this server.
 *
 * @param demanded who is signed in, where the person must sign in or choose an account all the same
 */
async function loginPage(
    context: Context,
    request: Request,
    { form, key, query }: OriginalRequest,
    demanded: { accountId: string | null } | null
): Promise<string> {
    const isLong = key === null && query.length > MAX_QUERY_IN_URL;
    const kept = isLong ? await keepRequest(context, { query, address: clientAddress(context, request) }) : key;
    const back = `${requestTarget(request).pathname}?${kept === null ? query : `${KEPT}=${kept}`}`;
    if (!demanded) {
        return loginUrl(context.settings, back);
    }
    const accountId = promptOf(form).includes('select_account') ? null : demanded.accountId;
    return loginUrl(context.settings, `${back}&${LOGIN_AFTER}=${createMark(context, { query, accountId })}`);
}

function consentPage({ settings }: Context, requestId: string): string {
    return withParameters(new URL(settings.urls.authorizationConsent).href, { request_id: requestId });
}

/** RFC 6749 §4.1.2.1, with the issuer of RFC 9207. */
function errorLocation(
    { settings }: Context,
    { redirectUri, state }: Destination,
    { error, message }: OAuthError
): string {
    return withParameters(redirectUri, { error, error_description: message, state, iss: settings.issuer });
}

/** 303, after which no browser sends a form again (RFC 9700 §4.12). */
function redirect(h: ResponseToolkit, location: string): ResponseObject {
    return h.response().code(303).header('location', location);
}

/** Responds in place of a strategy that redirects by itself. Later extensions do not see an error from here. */
async function authorizeInstead(
    context: Context,
    request: Request,
    h: ResponseToolkit
): Promise<Lifecycle.ReturnValueTypes> {
    try {
        return await authorize(context, request, h);
    } catch (error) {
        const shown = logged(request, error);
        Object.assign(shown.output.headers, PRIVATE);
        throw shown;
    }
}

/** An error as the client learns of it. A failure of the server is logged, as no response carries it. */
function logged(request: Request, error: unknown): OAuthError {
    const shown = asOAuthError(error);
    if (shown !== error) {
        request.log(['oauth', 'error'], error as Error);
    }
    return shown;
}
