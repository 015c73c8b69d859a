import type { Lifecycle, Request, ResponseToolkit, RouteOptions, ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { ManagementError } from '../errors/management-error';
import { OAuthError } from '../errors/oauth-error';
import { managementErrors, protocolErrors, errorResponse, withErrorResponses } from './error-responses';
import type { Account, Settings } from '../options/options';
import { RAW_PAYLOAD } from './body';
import { NO_STORE, setHeaders, WHOLE } from './headers';
import { mayChangeState } from './same-site';

/** Which of the two error shapes an endpoint answers. */
export type Shape = 'protocol' | 'management';

/** An endpoint that only the forum's own session opens. */
export interface SessionEndpoint {
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
    path: string;
    shape: Shape;
    /** True for a GET that changes something. */
    changesState?: boolean;
    handler: (request: Request, account: Account, h: ResponseToolkit) => Promise<Lifecycle.ReturnValueTypes>;
}

/** A route for an endpoint that needs a signed-in account. An access token never opens it. */
export function sessionRoute(context: Context, endpoint: SessionEndpoint): ServerRoute {
    const { method, path, shape, handler } = endpoint;
    return {
        method,
        path,
        options: {
            ...sessionOptions(context, shape, method !== 'GET' || endpoint.changesState === true),
            ...(method !== 'GET' && { payload: RAW_PAYLOAD })
        },
        handler: withErrorResponses(async (request, h) => {
            const account = await signedInAccount(context, request);
            if (!account) {
                throw loginRequired(shape);
            }
            return handler(request, account, h);
        })
    };
}

function sessionOptions(context: Context, shape: Shape, guarded: boolean): RouteOptions {
    const { origins, strategies } = context.settings.session;
    return {
        // Mode `try`, so that no strategy answers in the endpoint's place where it honours the mode.
        auth: { strategies: [...strategies], mode: 'try' },
        // hapi has no empty list of origins.
        cors: origins.length > 0 && {
            origin: [...origins],
            credentials: true,
            headers: ['Accept', 'Content-Type'],
            exposedHeaders: ['Retry-After'],
            additionalHeaders: [],
            additionalExposedHeaders: []
        },
        response: WHOLE,
        ext: {
            ...(guarded && { onPreAuth: { method: refuseOtherSites(context, shape) } }),
            onPreResponse: [
                { method: refuseTakeover(shape) },
                { method: shape === 'protocol' ? protocolErrors : managementErrors },
                { method: noStore }
            ]
        }
    };
}

/** The account of the session that a request came with; null where there is none or it may not act now. */
export async function signedInAccount(context: Context, request: Request): Promise<Account | null> {
    const accountId = sessionAccountId(context, request);
    return accountId === null ? null : context.findAccount(accountId);
}

/**
 * The id of the account whose session a request came with; null where there is none.
 *
 * @throws the strategy's own error where it failed to tell, as when its store is out of reach
 */
export function sessionAccountId({ settings }: Context, request: Request): string | null {
    const { strategies, accountId } = settings.session;
    const { auth } = request;
    const failure = auth.error as (Error & { isServer?: boolean }) | null;
    if (failure?.isServer) {
        throw failure;
    }
    if (!auth.isAuthenticated || !strategies.includes(auth.strategy)) {
        return null;
    }
    const id = accountId(auth.credentials);
    return typeof id === 'string' && id !== '' ? id : null;
}

/** When the person of a session signed in, epoch seconds; null where the host does not tell. */
export function sessionAuthTime({ settings }: Context, request: Request): number | null {
    const time = settings.session.authTime?.(request.auth.credentials);
    return Number.isFinite(time) ? Math.floor(time!) : null;
}

/**
 * The sign-in page, with the way back.
 *
 * @param path path and query at this server
 */
export function loginUrl({ urls }: Settings, path: string): string {
    const page = new URL(urls.login);
    page.searchParams.set('return_to', path);
    return page.href;
}

function loginRequired(shape: Shape): OAuthError | ManagementError {
    return shape === 'protocol'
        ? OAuthError.loginRequired('Sign in to the forum first', { statusCode: 401 })
        : new ManagementError('unauthorized', 'There is no signed-in session.', 'Sign in to the forum and try again.');
}

/** A strategy that redirects whatever the mode has answered in the endpoint's place: an API is told so instead. */
function refuseTakeover(shape: Shape): Lifecycle.Method {
    return (request, h) => {
        if (!isTakenOver(request)) {
            return h.continue;
        }
        const refusal = loginRequired(shape);
        // An error from here passes the other extensions by.
        Object.assign(refusal.output.headers, NO_STORE);
        return refusal;
    };
}

/** True when a strategy has answered instead of saying that there is no session. */
export function isTakenOver({ auth, response }: Request): boolean {
    return auth.mode === 'try' && !auth.isAuthenticated && auth.error === null && !('isBoom' in response);
}

/** Refuses a request that a page of another site sends with the member's cookie. */
function refuseOtherSites({ settings }: Context, shape: Shape): Lifecycle.Method {
    const allowed = new Set([settings.origin, ...settings.session.origins]);
    return ({ headers }, h) => {
        if (mayChangeState(headers, allowed)) {
            return h.continue;
        }
        const error =
            shape === 'protocol'
                ? OAuthError.accessDenied('The request comes from a page that may not make it', {
                      statusCode: 403
                  })
                : new ManagementError(
                      'forbidden',
                      'The request comes from a page that may not make it.',
                      'Send it from the forum itself, or add the origin to session.origins.'
                  );
        return errorResponse(error, h).takeover();
    };
}

const noStore: Lifecycle.Method = (request, h) => {
    setHeaders(request, NO_STORE);
    return h.continue;
};
