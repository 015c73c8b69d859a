import { createHash } from 'node:crypto';
import { OAuthError } from '../errors/oauth-error';
import { required, type Form } from '../parameters';
import { sameHash } from '../tokens/secret';

/** RFC 7636 §4.1. */
const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/;

/**
 * The `code_verifier` of a token request.
 *
 * @throws OAuthError `invalid_request`
 */
export function readCodeVerifier(form: Form): string {
    const verifier = required(form, 'code_verifier');
    if (!VERIFIER.test(verifier)) {
        throw OAuthError.invalidRequest('The code_verifier must be 43 to 128 unreserved characters');
    }
    return verifier;
}

/** True when the verifier is the one behind the challenge (RFC 7636 §4.6, `S256`). */
export function matchesChallenge(verifier: string, challenge: string): boolean {
    return sameHash(createHash('sha256').update(verifier).digest('base64url'), challenge);
}
