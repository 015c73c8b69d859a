import { boomify, type Output } from '@hapi/boom';

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

/** An error of a management endpoint, sent as `{"error","message","error_description","suggested","metadata"}`. */
export class ManagementError extends Error {
    readonly error: ManagementErrorCode;
    /** The response that hapi sends. */
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
        this.output.payload = {
            error,
            message,
            error_description: message,
            suggested,
            metadata
        } as unknown as Output['payload'];
    }
}

/** A malformed field of a management request. */
export function invalidField(field: string, rule: string, message: string, suggested: string): ManagementError {
    return new ManagementError('invalid_request', message, suggested, { field, rule });
}

/** For what does not exist and for what belongs to another account: the two look the same. */
export function notFound(what: string): ManagementError {
    return new ManagementError(
        'not_found',
        `There is no such ${what}.`,
        `Check the id against the list of your ${what}s.`
    );
}
