import { boomify, type Output } from '@hapi/boom';

/** The error codes of RFC 6749, 6750, 7009, 7591, 8628, 8707 and OpenID Connect Core that the plugin uses. */
export type OAuthErrorCode =
    | 'access_denied'
    | 'account_selection_required'
    | 'authorization_pending'
    | 'consent_required'
    | 'expired_token'
    | 'invalid_client'
    | 'invalid_client_metadata'
    | 'invalid_grant'
    | 'invalid_redirect_uri'
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
    | 'unapproved_software_statement'
    | 'unauthorized_client'
    | 'unsupported_grant_type'
    | 'unsupported_response_type';

/** What an error has beside its code and description. */
export interface ErrorDetails {
    /** Default: 400. */
    statusCode?: number;
    /** Response headers, lower-case names. */
    headers?: Record<string, string>;
}

/**
 * An error of a protocol endpoint. The response is `{"error","error_description"}` (RFC 6749 §5.2).
 *
 * Descriptions are fixed texts in the characters that §5.2 allows. They never repeat what the caller sent.
 */
export class OAuthError extends Error {
    readonly error: OAuthErrorCode;
    /** What hapi responds with. */
    declare readonly output: Output;

    constructor(error: OAuthErrorCode, description: string, { statusCode = 400, headers = {} }: ErrorDetails = {}) {
        super(description);
        this.name = 'OAuthError';
        this.error = error;
        boomify(this, { statusCode });
        this.output.payload = { error, error_description: description } as unknown as Output['payload'];
        Object.assign(this.output.headers, headers);
    }

    /** The person or the forum refused (RFC 6749 §4.1.2.1). */
    static accessDenied(description: string, details?: ErrorDetails): OAuthError {
        return new OAuthError('access_denied', description, details);
    }

    /** The person must choose an account, and could not (OpenID Connect Core §3.1.2.6). */
    static accountSelectionRequired(description: string, details?: ErrorDetails): OAuthError {
        return new OAuthError('account_selection_required', description, details);
    }

    /** The person has not decided yet (RFC 8628 §3.5). */
    static authorizationPending(description: string, details?: ErrorDetails): OAuthError {
        return new OAuthError('authorization_pending', description, details);
    }

    /** `prompt=none`, and the person must be asked (OpenID Connect Core §3.1.2.6). */
    static consentRequired(description: string, details?: ErrorDetails): OAuthError {
        return new OAuthError('consent_required', description, details);
    }

    /** The device code has expired (RFC 8628 §3.5). */
    static expiredToken(description: string, details?: ErrorDetails): OAuthError {
        return new OAuthError('expired_token', description, details);
    }

    /** The access token lacks a scope (RFC 6750 §3.1). 403. */
    static insufficientScope(description: string, details: ErrorDetails = {}): OAuthError {
        return new OAuthError('insufficient_scope', description, { statusCode: 403, ...details });
    }

    /** Client authentication failed (RFC 6749 §5.2). */
    static invalidClient(description: string, details?: ErrorDetails): OAuthError {
        return new OAuthError('invalid_client', description, details);
    }

    /** The code or token is unknown, expired, revoked, used or another client's (RFC 6749 §5.2). */
    static invalidGrant(description: string, details?: ErrorDetails): OAuthError {
        return new OAuthError('invalid_grant', description, details);
    }

    /** A parameter is missing, malformed or repeated (RFC 6749 §5.2). */
    static invalidRequest(description: string, details?: ErrorDetails): OAuthError {
        return new OAuthError('invalid_request', description, details);
    }

    /** The scope is unknown, malformed or not allowed (RFC 6749 §5.2). */
    static invalidScope(description: string, details?: ErrorDetails): OAuthError {
        return new OAuthError('invalid_scope', description, details);
    }

    /** The resource is not one that tokens are issued for (RFC 8707 §2). */
    static invalidTarget(description: string, details?: ErrorDetails): OAuthError {
        return new OAuthError('invalid_target', description, details);
    }

    /** The access token is missing, malformed, expired or revoked (RFC 6750 §3.1). 401. */
    static invalidToken(description: string, details: ErrorDetails = {}): OAuthError {
        return new OAuthError('invalid_token', description, { statusCode: 401, ...details });
    }

    /** The person must sign in (OpenID Connect Core §3.1.2.6). */
    static loginRequired(description: string, details?: ErrorDetails): OAuthError {
        return new OAuthError('login_required', description, details);
    }

    /** Something failed that is not the caller's fault (RFC 6749 §4.1.2.1). 500. */
    static serverError(description: string, details: ErrorDetails = {}): OAuthError {
        return new OAuthError('server_error', description, { statusCode: 500, ...details });
    }

    /** The device polls too often (RFC 8628 §3.5). */
    static slowDown(description: string, details?: ErrorDetails): OAuthError {
        return new OAuthError('slow_down', description, details);
    }

    /** The server cannot respond now (RFC 6749 §4.1.2.1). 503. */
    static temporarilyUnavailable(description: string, details: ErrorDetails = {}): OAuthError {
        return new OAuthError('temporarily_unavailable', description, { statusCode: 503, ...details });
    }

    /** The client may not do this (RFC 6749 §5.2). */
    static unauthorizedClient(description: string, details?: ErrorDetails): OAuthError {
        return new OAuthError('unauthorized_client', description, details);
    }

    /** The server does not know the grant type (RFC 6749 §5.2). */
    static unsupportedGrantType(description: string, details?: ErrorDetails): OAuthError {
        return new OAuthError('unsupported_grant_type', description, details);
    }

    /** The server does not know the response type (RFC 6749 §4.1.2.1). */
    static unsupportedResponseType(description: string, details?: ErrorDetails): OAuthError {
        return new OAuthError('unsupported_response_type', description, details);
    }

    /**
     * A rate limit was exceeded. 429 with `Retry-After`.
     *
     * @param wait milliseconds until the caller may try again
     */
    static tooManyRequests(description: string, wait: number): OAuthError {
        return new OAuthError('temporarily_unavailable', description, {
            statusCode: 429,
            headers: { 'retry-after': String(Math.max(1, Math.ceil(wait / 1000))) }
        });
    }
}
