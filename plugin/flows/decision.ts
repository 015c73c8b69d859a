import { OAuthError } from '../errors/oauth-error';

/** What a person decides about a request for consent. */
export type Decision = 'approve' | 'deny';

/**
 * Checks that a decision is one of the two. Anything else that a page sends is no consent.
 *
 * @throws OAuthError `invalid_request`
 */
export function requireDecision(decision: unknown): asserts decision is Decision {
    if (decision !== 'approve' && decision !== 'deny') {
        throw OAuthError.invalidRequest('The decision must be approve or deny');
    }
}
