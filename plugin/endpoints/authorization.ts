import type { Lifecycle, Request, ResponseToolkit, ServerRoute } from '@hapi/hapi';
import { withParameters } from '../clients/redirect-uri';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import {
    asksForLogin,
    beginAuthorization,
    findDestination,
    promptOf,
    type Destination,
    type Outcome
} from '../flows/authorize';
import { asOAuthError, protocolErrors } from '../http/error-responses';
import { parseForm } from '../http/form';
import { NO_STORE, withHeaders } from '../http/headers';
import { requestTarget } from '../http/request-target';
import { isTakenOver, loginUrl, sessionAccountId, sessionAuthTime } from '../http/session';
import type { Form } from '../parameters';

/** Added to the request that the sign-in page returns to: when the sign-in was demanded, epoch seconds. */
const LOGIN_AFTER = 'login_after';

/** The request is neither stored nor told to the page that the browser goes to next (RFC 9700 §4.2.4). */
const PRIVATE = { ...NO_STORE, 'referrer-policy': 'no-referrer' };

/** The authorization endpoint (RFC 6749 §3.1). */
export function authorizationRoute(context: Context): ServerRoute {
    return {
        method: 'GET',
        path: '/oauth/authorize',
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
                    { method: protocolErrors },
                    { method: withHeaders(PRIVATE) }
                ]
            }
        },
        handler: (request, h) => authorize(context, request, h)
    };
}

async function authorize(context: Context, request: Request, h: ResponseToolkit): Promise<Lifecycle.ReturnValueTypes> {
    const form = parseForm(requestTarget(request).search.slice(1));
    const destination = await findDestination(context, form);
    try {
        const accountId = sessionAccountId(context, request);
        if (accountId === null && !promptOf(form).includes('none')) {
            // The demand is only remembered where the host tells the time of a sign-in to compare it with.
            const demanded = context.settings.session.authTime !== undefined && asksForLogin(form);
            return redirect(h, loginPage(context, request, demanded));
        }
        const outcome = await begin(context, request, destination, form, accountId);
        return redirect(
            h,
            outcome.next === 'login' ? loginPage(context, request, true) : consentPage(context, outcome.requestId)
        );
    } catch (error) {
        return redirect(h, errorLocation(context, destination, logged(request, error)));
    }
}

/** Begins an authorization for the account of the session. */
async function begin(
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
 * The sign-in page, with the way back to this request as a path of this server.
 *
 * @param demanded true when the person must sign in even where there is a session
 */
function loginPage({ clock, settings }: Context, request: Request, demanded: boolean): string {
    const back = new URL(requestTarget(request));
    if (demanded) {
        back.searchParams.set(LOGIN_AFTER, String(Math.floor(clock() / 1000)));
    }
    return loginUrl(settings, back.pathname + back.search);
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
function redirect(h: ResponseToolkit, location: string): Lifecycle.ReturnValueTypes {
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
