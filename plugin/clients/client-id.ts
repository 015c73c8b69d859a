import { invalidField } from '../errors/management-error';
import { randomSecret } from '../tokens/secret';

/** The characters of a `client_id` that is no URL. */
const PLAIN = /^[A-Za-z0-9._~-]{1,128}$/;

/**
 * The characters of a `client_id`, that of a client with a metadata document included. Others are not looked up: a database
 * may take `x` and `x ` for the same.
 */
export const CLIENT_ID_PATTERN = /^(?:[A-Za-z0-9._~-]{1,128}|https:\/\/[\x21-\x7e]{1,504})$/;

const PREFIX = 'sdoak_';

/** A new, random `client_id`. */
export function createClientId(): string {
    return PREFIX + randomSecret();
}

/**
 * Checks a `client_id` that an administrator chose.
 *
 * @throws ManagementError 400
 */
export function checkClientId(clientId: string): void {
    if (!PLAIN.test(clientId)) {
        throw invalidField(
            'client_id',
            'characters',
            'A client_id must have 1 to 128 letters, digits and ._~-',
            'Choose another one, or leave it out to have one generated.'
        );
    }
}
