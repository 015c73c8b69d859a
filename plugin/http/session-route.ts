import type { Lifecycle, Request, ResponseToolkit, RouteOptions, RouteOptionsCors, ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { ManagementError } from '../errors/management-error';
import { OAuthError } from '../errors/oauth-error';
import type { Account } from '../options/options';
import { errorResponse, managementErrors, protocolErrors, withErrorResponses } from './error-responses';
import { NO_STORE, noStore } from './headers';
import { rateHeaders } from './rate-headers';
import { mayBeScript, mayChangeState } from './same-site';
import { isTakenOver, signedInAccount } from './session';

/** Which of the two error shapes an endpoint responds with. */
export type Shape = 'protocol' | 'management';

/** An endpoint that only the forum's own session opens. */
export interface SessionEndpoint {
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
    path: string;
    shape: Shape;
    /** True for a GET that changes something. */
    changesState?: boolean;
    /** True for a GET that only scripts may send. */
    scriptsOnly?: boolean;
    /** True where user codes are entered, which are limited by client address. */
    takesUserCodes?: boolean;
    handler: (request: Request, account: Account, h: ResponseToolkit) => Promise<Lifecycle.ReturnValueTypes>;
}

/** A route for an endpoint that needs a signed-in account. An access token never opens it. */
export function sessionRoute(context: Context, endpoint: SessionEndpoint): ServerRoute {
    const { method, path, shape, handler } = endpoint;
    return {
        method,
        path,
        options: sessionOptions(context, endpoint),
        handler: withErrorResponses(async (request, h) => {
            const account = await signedInAccount(context, request);
            if (!account) {
                throw loginRequired(shape);
            }
            return handler(request, account, h);
        })
    };
}

function sessionOptions(context: Context, endpoint: SessionEndpoint): RouteOptions {
    const { shape } = endpoint;
    const { origins, strategies } = context.settings.session;
    return {
        // With mode `try`, a strategy that honours the mode does not respond in the endpoint's place.
        auth: { strategies: [...strategies], mode: 'try' },
        cors: corsFor(origins),
        ext: {
            onPreAuth: { method: refuseOtherSites(context, endpoint) },
            onPreResponse: [
                { method: refuseTakeover(shape) },
                { method: shape === 'protocol' ? protocolErrors : managementErrors },
                { method: noStore },
                ...(endpoint.takesUserCodes ? [{ method: rateHeaders(context, 'userCode') }] : [])
            ]
        }
    };
}

/** The pages of these origins may call the endpoint with the member's cookie. */
function corsFor(origins: readonly string[]): RouteOptionsCors | false {
    // hapi does not accept an empty list of origins.
    return (
        origins.length > 0 && {
            origin: [...origins],
            credentials: true,
            headers: ['Accept', 'Content-Type'],
            exposedHeaders: ['Retry-After'],
            additionalHeaders: [],
            additionalExposedHeaders: []
        }
    );
}

function loginRequired(shape: Shape): OAuthError | ManagementError {
    return shape === 'protocol'
        ? OAuthError.loginRequired('Sign in to the forum first', { statusCode: 401 })
        : new ManagementError('unauthorized', 'There is no signed-in session.', 'Sign in to the forum and try again.');
}

/** `onPreResponse`: replaces the redirect of a strategy that ignores the mode by a 401, which an API can understand. */
function refuseTakeover(shape: Shape): Lifecycle.Method {
    return (request, h) => {
        if (!isTakenOver(request)) {
            return h.continue;
        }
        const refusal = loginRequired(shape);
        // hapi skips the remaining extensions after an error from here.
        Object.assign(refusal.output.headers, NO_STORE);
        return refusal;
    };
}

/** `onPreAuth`: refuses a request that a page of another site sends with the member's cookie. */
function refuseOtherSites({ settings }: Context, endpoint: SessionEndpoint): Lifecycle.Method {
    const { method, shape, changesState = method !== 'GET', scriptsOnly = false } = endpoint;
    const allowed = new Set([settings.origin, ...settings.session.origins]);
    return ({ headers }, h) =>
        (changesState && !mayChangeState(headers, allowed)) || (scriptsOnly && !mayBeScript(headers))
            ? errorResponse(foreignPage(shape), h).takeover()
            : h.continue;
}

function foreignPage(shape: Shape): OAuthError | ManagementError {
    return shape === 'protocol'
        ? OAuthError.accessDenied('The request comes from a page that may not make it', { statusCode: 403 })
        : new ManagementError(
              'forbidden',
              'The request comes from a page that may not make it.',
              'Send it from the forum itself, or add the origin to session.origins.'
          );
}
