import { boomify, type Boom } from '@hapi/boom';
import type { Lifecycle, Request, ResponseObject, ResponseToolkit } from '@hapi/hapi';
import { invalidField, ManagementError } from '../errors/management-error';
import { OAuthError } from '../errors/oauth-error';
import { isUnavailable } from '../store/database-errors';

/** Seconds after which a client may try again when the database is out of reach. */
export const RETRY_AFTER = 5;

/** The response to a refusal. To hapi it is no error, so a host with its own error pages leaves it alone. */
export function errorResponse({ output }: OAuthError | ManagementError, h: ResponseToolkit): ResponseObject {
    const response = h.response(output.payload).code(output.statusCode);
    for (const [name, value] of Object.entries(output.headers)) {
        response.header(name, String(value));
    }
    return response;
}

/** A handler that responds to what it refuses. Failures of the server stay errors, for the host to log. */
export function withErrorResponses(
    handler: (request: Request, h: ResponseToolkit) => Promise<Lifecycle.ReturnValueTypes>
) {
    return async (request: Request, h: ResponseToolkit): Promise<Lifecycle.ReturnValueTypes> => {
        try {
            return await handler(request, h);
        } catch (error) {
            if (error instanceof OAuthError || error instanceof ManagementError) {
                return errorResponse(error, h);
            }
            throw error;
        }
    };
}

const protocolShape = (error: Error, statusCode: number): OAuthError => {
    if (isUnavailable(error) || statusCode === 503) {
        return OAuthError.temporarilyUnavailable('The server cannot answer at the moment, try again later', {
            headers: { 'retry-after': String(RETRY_AFTER) }
        });
    }
    if (statusCode === 429) {
        return OAuthError.tooManyRequests('Too many requests, try again later', RETRY_AFTER * 1000);
    }
    if (statusCode >= 500) {
        return OAuthError.serverError('The server met an unexpected condition', { statusCode });
    }
    if (statusCode === 413 || statusCode === 415) {
        return OAuthError.invalidRequest(
            statusCode === 413 ? 'The body is too large' : 'The body is of a type that this endpoint does not read'
        );
    }
    return new OAuthError(statusCode === 401 ? 'login_required' : 'invalid_request', 'The request is malformed', {
        statusCode
    });
};

/** `onPreResponse` of the protocol endpoints. */
export const protocolErrors = errorsAs(protocolShape);

/** Any error as the protocol endpoints send it, for responses without a status of their own, such as redirects. */
export function asOAuthError(error: unknown): OAuthError {
    if (error instanceof OAuthError) {
        return error;
    }
    const thrown = error instanceof Error ? error : new Error(String(error));
    return protocolShape(thrown, boomify(thrown).output.statusCode);
}

/** `onPreResponse` of the management endpoints. */
export const managementErrors = errorsAs((error, statusCode) => {
    if (isUnavailable(error) || statusCode === 503) {
        const unavailable = new ManagementError(
            'unavailable',
            'The server cannot answer at the moment.',
            'Try again in a few seconds.'
        );
        unavailable.output.headers['retry-after'] = String(RETRY_AFTER);
        return unavailable;
    }
    if (statusCode === 429) {
        const limited = new ManagementError('rate_limited', 'Too many requests.', 'Wait before you try again.');
        limited.output.headers['retry-after'] = String(RETRY_AFTER);
        return limited;
    }
    if (statusCode >= 500) {
        return new ManagementError(
            'internal_error',
            'The server met an unexpected condition.',
            'Try again; if it persists, tell the people who run this forum.'
        );
    }
    if (statusCode === 413) {
        return invalidField('body', 'size', 'The body is too large.', 'Send less.');
    }
    if (statusCode === 415) {
        return invalidField('body', 'type', 'The body is not JSON.', 'Send it as application/json.');
    }
    if (statusCode === 401 || statusCode === 403) {
        return new ManagementError(
            statusCode === 401 ? 'unauthorized' : 'forbidden',
            'The forum refuses the request.',
            'Sign in to the forum and try again from there.'
        );
    }
    return invalidField('request', 'malformed', 'The request is malformed.', 'Check its path, headers and body.');
});

/**
 * Gives every error that is not yet in an endpoint group's own shape that shape, hapi's and the host's included.
 */
function errorsAs(shape: (error: Boom, statusCode: number) => OAuthError | ManagementError): Lifecycle.Method {
    return (request: Request, h: ResponseToolkit) => {
        const { response } = request;
        if (!('isBoom' in response)) {
            return h.continue;
        }
        if (response instanceof OAuthError || response instanceof ManagementError) {
            return h.continue;
        }
        const shaped = shape(response, response.output.statusCode);
        // The error itself is kept and only its output replaced, so that hapi still reports what went wrong.
        response.output.statusCode = shaped.output.statusCode;
        response.output.payload = shaped.output.payload;
        const { headers } = response.output;
        // A host that limits requests, or is being maintained, knows better when to come back.
        const named = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
        const missing = Object.entries(shaped.output.headers).filter(([name]) => !named.has(name));
        Object.assign(headers, Object.fromEntries(missing));
        return h.continue;
    };
}
