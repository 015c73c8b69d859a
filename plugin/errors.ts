import { boomify, type Boom, type Output } from '@hapi/boom';
import type { Lifecycle, Request, ResponseObject, ResponseToolkit } from '@hapi/hapi';
import { isUnavailable } from './store/database';

/** Seconds after which a client may try again when the database was out of reach. */
export const RETRY_AFTER = 5;

/** The answer to a refusal. To hapi it is no error: a host that has a page of its own for errors leaves it alone. */
export function errorResponse({ output }: OAuthError | ManagementError, h: ResponseToolkit): ResponseObject {
    const response = h.response(output.payload).code(output.statusCode);
    for (const [name, value] of Object.entries(output.headers)) {
        response.header(name, String(value));
    }
    return response;
}

/** A handler that answers what it refuses. Failures of the server stay errors, for the host to log. */
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

/** The error codes of RFC 6749, 6750, 7009, 8628, 8707 and OpenID Connect Core that the plugin answers. */
export type OAuthErrorCode =
    | 'access_denied'
    | 'authorization_pending'
    | 'consent_required'
    | 'expired_token'
    | 'invalid_client'
    | 'invalid_grant'
    | 'invalid_request'
    | 'invalid_scope'
    | 'invalid_target'
    | 'invalid_token'
    | 'insufficient_scope'
    | 'login_required'
    | 'registration_not_supported'
    | 'request_not_supported'
    | 'request_uri_not_supported'
    | 'server_error'
    | 'slow_down'
    | 'temporarily_unavailable'
    | 'unauthorized_client'
    | 'unsupported_grant_type'
    | 'unsupported_response_type'
    | 'unsupported_token_type';

/**
 * An error of a protocol endpoint, answered as `{"error","error_description"}` (RFC 6749 §5.2).
 *
 * Descriptions are fixed texts in the characters that §5.2 allows, never something that the caller sent.
 */
export class OAuthError extends Error {
    readonly error: OAuthErrorCode;
    /** What hapi answers. */
    declare readonly output: Output;

    constructor(
        error: OAuthErrorCode,
        description: string,
        { statusCode = 400, headers = {} }: { statusCode?: number; headers?: Record<string, string> } = {}
    ) {
        super(description);
        this.name = 'OAuthError';
        this.error = error;
        boomify(this, { statusCode });
        this.output.payload = { error, error_description: description } as unknown as Output['payload'];
        Object.assign(this.output.headers, headers);
    }
}

/** Over a limit. @param wait milliseconds until it may be tried again */
export function tooManyRequests(description: string, wait: number): OAuthError {
    return new OAuthError('temporarily_unavailable', description, {
        statusCode: 429,
        headers: { 'retry-after': String(Math.max(1, Math.ceil(wait / 1000))) }
    });
}

/** The stable codes of the management endpoints. */
export type ManagementErrorCode =
    | 'invalid_request'
    | 'unauthorized'
    | 'forbidden'
    | 'not_found'
    | 'conflict'
    | 'rate_limited'
    | 'unavailable'
    | 'internal_error';

const MANAGEMENT_STATUS: Record<ManagementErrorCode, number> = {
    invalid_request: 400,
    unauthorized: 401,
    forbidden: 403,
    not_found: 404,
    conflict: 409,
    rate_limited: 429,
    unavailable: 503,
    internal_error: 500
};

/** An error of a management endpoint, answered as `{"error","message","suggested","metadata"}`. */
export class ManagementError extends Error {
    readonly error: ManagementErrorCode;
    /** What hapi answers. */
    declare readonly output: Output;

    /**
     * @param message what happened
     * @param suggested what the caller can do
     * @param metadata details; for a malformed field `field` and `rule`
     */
    constructor(
        error: ManagementErrorCode,
        message: string,
        suggested: string,
        metadata: Record<string, unknown> = {}
    ) {
        super(message);
        this.name = 'ManagementError';
        this.error = error;
        boomify(this, { statusCode: MANAGEMENT_STATUS[error] });
        this.output.payload = { error, message, suggested, metadata } as unknown as Output['payload'];
    }
}

/** A malformed field of a management request. */
export function invalidField(field: string, rule: string, message: string, suggested: string): ManagementError {
    return new ManagementError('invalid_request', message, suggested, { field, rule });
}

/** What is absent, and what is somebody else's: the two look the same. */
export function notFound(what: string): ManagementError {
    return new ManagementError(
        'not_found',
        `There is no such ${what}.`,
        `Check the id against the list of your ${what}s.`
    );
}

const protocolShape = (error: Error, statusCode: number): OAuthError => {
    if (isUnavailable(error) || statusCode === 503) {
        return new OAuthError('temporarily_unavailable', 'The server cannot answer at the moment, try again later', {
            statusCode: 503,
            headers: { 'retry-after': String(RETRY_AFTER) }
        });
    }
    if (statusCode === 429) {
        return new OAuthError('temporarily_unavailable', 'Too many requests, try again later', {
            statusCode,
            headers: { 'retry-after': String(RETRY_AFTER) }
        });
    }
    if (statusCode >= 500) {
        return new OAuthError('server_error', 'The server met an unexpected condition', { statusCode });
    }
    if (statusCode === 413 || statusCode === 415) {
        return new OAuthError(
            'invalid_request',
            statusCode === 413 ? 'The body is too large' : 'The body is of a type that this endpoint does not read'
        );
    }
    return new OAuthError(statusCode === 401 ? 'login_required' : 'invalid_request', 'The request is malformed', {
        statusCode
    });
};

/** `onPreResponse` of the protocol endpoints. */
export const protocolErrors = errorsAs(protocolShape);

/** Any error as the protocol endpoints answer it, for where an answer is no response with a status of its own. */
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
