import { OAuthError } from '../errors/oauth-error';

/** A person's answer to an application that asks for something. */
export type Decision = 'approve' | 'deny';

/**
 * Checks that an answer is one of the two that there are. Whatever else a page sends on is no consent.
 *
 * @throws OAuthError `invalid_request`
 */
export function requireDecision(decision: unknown): asserts decision is Decision {
    if (decision !== 'approve' && decision !== 'deny') {
        throw OAuthError.invalidRequest('The decision must be approve or deny');
    }
}
