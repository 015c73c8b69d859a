import { invalidField } from '../errors/management-error';
import { randomSecret } from '../tokens/secret';

const PREFIX = 'sdoas_';

/** A new client secret with 256 random bits. */
export function createClientSecret(): string {
    return PREFIX + randomSecret();
}

/**
 * Checks the `client_secret_hash` that an administrator sent in place of a generated secret.
 *
 * @throws ManagementError 400
 */
export function checkSecretHash(type: 'public' | 'confidential', hash: string): void {
    if (type !== 'confidential') {
        throw invalidField('client_secret_hash', 'forbidden', 'A public client has no secret.', 'Leave it out.');
    }
    if (!/^[0-9a-f]{64}$/.test(hash)) {
        throw invalidField(
            'client_secret_hash',
            'sha256',
            'client_secret_hash must be a SHA-256 in lower-case hex.',
            'Hash a secret with at least 256 random bits, or leave it out to have one generated.'
        );
    }
}
