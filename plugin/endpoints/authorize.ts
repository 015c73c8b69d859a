import type { Lifecycle, Request, ResponseToolkit, ServerRoute } from '@hapi/hapi';
import { withParameters } from '../clients/redirect-uri';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import { asOAuthError, protocolErrors } from '../http/error-responses';
import { decideAuthorizationConsent, readAuthorizationConsent } from '../flows/authorization-consent';
import {
    asksForLogin,
    beginAuthorization,
    findDestination,
    promptOf,
    type Destination,
    type Outcome
} from '../flows/authorize';
import { readConsentBody, readConsentQuery } from './consent-input';
import { parseForm } from '../http/form';
import type { Form } from '../parameters';
import { NO_STORE, setHeaders } from '../http/headers';
import { isTakenOver, loginUrl, sessionAccountId, sessionAuthTime, sessionRoute } from '../http/session';
import { requestTarget } from '../http/request-target';

/** Added to the request that a demanded sign-in comes back to: when it was demanded, epoch seconds. */
const LOGIN_AFTER = 'login_after';

/** Nothing about the request is kept or told to where the browser goes next (RFC 9700 §4.2.4). */
const PRIVATE = { ...NO_STORE, 'referrer-policy': 'no-referrer' };

const beDiscreet: Lifecycle.Method = (request, h) => {
    setHeaders(request, PRIVATE);
    return h.continue;
};

/** The authorization endpoint (RFC 6749 §3.1) and its consent, for the host's frontend. */
export function authorizeRoutes(context: Context): ServerRoute[] {
    const consent = '/oauth/authorize/consent';
    return [
        {
            method: 'GET',
            path: '/oauth/authorize',
            options: {
                auth: { strategies: [...context.settings.session.strategies], mode: 'try' },
                cors: false,
                ext: {
                    onPreResponse: [
                        {
                            // A strategy that redirects by itself has no say in what comes first here.
                            method: (request, h) => (isTakenOver(request) ? takeBack(context, request, h) : h.continue)
                        },
                        { method: protocolErrors },
                        { method: beDiscreet }
                    ]
                }
            },
            handler: (request, h) => authorize(context, request, h)
        },
        sessionRoute(context, {
            method: 'GET',
            path: consent,
            shape: 'protocol',
            handler: (request, account) =>
                readAuthorizationConsent(context, account, readConsentQuery(request, 'request_id'))
        }),
        sessionRoute(context, {
            method: 'POST',
            path: consent,
            shape: 'protocol',
            handler: (request, account) => {
                const { subject, decision } = readConsentBody(request, 'request_id');
                return decideAuthorizationConsent(context, account, subject, decision);
            }
        })
    ];
}

async function authorize(context: Context, request: Request, h: ResponseToolkit): Promise<Lifecycle.ReturnValueTypes> {
    const form = parseForm(requestTarget(request).search.slice(1));
    const destination = await findDestination(context, form);
    try {
        const accountId = sessionAccountId(context, request);
        if (accountId === null && !promptOf(form).includes('none')) {
            // Without the time of the sign-in there is nothing to compare the demand with.
            const demanded = context.settings.session.authTime !== undefined && asksForLogin(form);
            return redirect(h, loginPage(context, request, demanded));
        }
        const outcome = await decide(context, request, destination, form, accountId);
        return redirect(
            h,
            outcome.next === 'login'
                ? loginPage(context, request, true)
                : withParameters(new URL(context.settings.urls.authorizationConsent).href, {
                      request_id: outcome.requestId
                  })
        );
    } catch (error) {
        return redirect(h, errorLocation(context, destination, reported(request, error)));
    }
}

/** Answers in the place of a strategy that redirects by itself. An error from here passes the other extensions by. */
async function takeBack(context: Context, request: Request, h: ResponseToolkit): Promise<Lifecycle.ReturnValueTypes> {
    try {
        return await authorize(context, request, h);
    } catch (error) {
        const told = reported(request, error);
        Object.assign(told.output.headers, PRIVATE);
        throw told;
    }
}

/** An error as the client is told; what went wrong in the server is logged, for no response carries it. */
function reported(request: Request, error: unknown): OAuthError {
    const told = asOAuthError(error);
    if (told !== error) {
        request.log(['oauth', 'error'], error as Error);
    }
    return told;
}

async function decide(
    context: Context,
    request: Request,
    destination: Destination,
    form: Form,
    accountId: string | null
): Promise<Outcome> {
    if (accountId === null) {
        throw OAuthError.loginRequired('The person is not signed in');
    }
    const account = await context.findAccount(accountId);
    if (!account) {
        throw OAuthError.accessDenied('The account may not act');
    }
    const authTime = sessionAuthTime(context, request);
    const loginAfter = form.get(LOGIN_AFTER);
    return beginAuthorization(
        context,
        destination,
        { account, authTime },
        form,
        loginAfter === undefined ? null : Number(loginAfter)
    );
}

/**
 * The sign-in page, with the way back to this request: a path of this server, never an address.
 *
 * @param demanded true when a sign-in has to take place although there may be a session
 */
function loginPage({ clock, settings }: Context, request: Request, demanded: boolean): string {
    const back = new URL(requestTarget(request));
    if (demanded) {
        back.searchParams.set(LOGIN_AFTER, String(Math.floor(clock() / 1000)));
    }
    return loginUrl(settings, back.pathname + back.search);
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
function redirect(h: ResponseToolkit, location: string): Lifecycle.ReturnValueTypes {
    return h.response().code(303).header('location', location);
}
