import type { Request, RouteOptions, RouteOptionsCors, ServerRoute } from '@hapi/hapi';
import { readCredentials, type ClientCredentials } from '../clients/credentials';
import type { Context } from '../context';
import { protocolErrors, withErrorResponses } from './error-responses';
import { clientAddress } from './client-address';
import { readFormBody } from './body';
import type { Form } from '../parameters';
import { noStore } from './headers';
import { rateHeaders, tallyOf } from './rate-headers';

/** Any page may talk to the endpoints that look at no cookie. */
export const ANY_ORIGIN: RouteOptionsCors = {
    origin: ['*'],
    credentials: false,
    headers: ['Accept', 'Authorization', 'Content-Type', 'MCP-Protocol-Version'],
    exposedHeaders: ['WWW-Authenticate', 'Retry-After'],
    additionalHeaders: [],
    additionalExposedHeaders: []
};

/** What all protocol endpoints without a session share: no cookies, any origin, errors as RFC 6749 §5.2 has them. */
export const PROTOCOL_ROUTE: RouteOptions = {
    auth: false,
    cors: ANY_ORIGIN,
    ext: { onPreResponse: [{ method: protocolErrors }, { method: noStore }] }
};

/**
 * A protocol endpoint that takes a form and authenticates a client.
 *
 * @param cors any origin, unless it is for servers only
 */
export function formRoute(
    context: Context,
    path: string,
    handler: (form: Form, request: Request) => Promise<object>,
    cors: RouteOptionsCors | false = ANY_ORIGIN
): ServerRoute {
    const limits = rateHeaders(context, 'clientAuthentication');
    return {
        method: 'POST',
        path,
        options: {
            ...PROTOCOL_ROUTE,
            cors,
            ext: { onPreResponse: [{ method: protocolErrors }, { method: noStore }, { method: limits }] }
        },
        handler: withErrorResponses(async (request) => handler(readFormBody(request), request))
    };
}

/**
 * What a request says of its client.
 *
 * @throws OAuthError `invalid_request`, `invalid_client`
 */
export function credentialsOf(context: Context, request: Request, form: Form): ClientCredentials {
    const credentials = readCredentials(authorizationHeader(request), form, clientAddress(context, request));
    return { ...credentials, tally: tallyOf(request) };
}

export function authorizationHeader(request: Request): string | undefined {
    return request.headers.authorization as string | undefined;
}
