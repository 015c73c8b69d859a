import { OAuthError } from '../errors';
import type { Form } from '../routes/form';
import { hashClientSecret, sameHash } from '../tokens/secret';
import type { Client } from './client';

/** What a request says of its client. */
export interface ClientCredentials {
    clientId: string;
    secret: string | undefined;
    /** True for `client_secret_basic`: the answer to a failure then carries a challenge (RFC 6749 §5.2). */
    basic: boolean;
}

/** The one answer to every failed authentication, so that it does not tell what was wrong. */
export function invalidClient(basic: boolean): OAuthError {
    return new OAuthError(
        'invalid_client',
        'Client authentication failed: unknown client, or wrong or missing secret',
        {
            statusCode: 401,
            headers: basic ? { 'www-authenticate': 'Basic realm="oauth"' } : {}
        }
    );
}

/**
 * Reads the client's credentials from the `Authorization` header (RFC 6749 §2.3.1, its parts form-encoded) or from the
 * form.
 *
 * @throws OAuthError `invalid_request` for two methods at once or a `client_id` that contradicts the header,
 * `invalid_client` for none or an unreadable header
 */
export function readCredentials(authorization: string | undefined, form: Form): ClientCredentials {
    const clientId = form.get('client_id');
    const secret = form.get('client_secret');
    if (authorization === undefined) {
        if (clientId === undefined) {
            throw invalidClient(false);
        }
        return { clientId, secret, basic: false };
    }
    if (secret !== undefined) {
        throw new OAuthError('invalid_request', 'Authenticate by the Authorization header or by the form, not by both');
    }
    const basic = readBasic(authorization);
    if (!basic) {
        throw invalidClient(true);
    }
    if (clientId !== undefined && clientId !== basic.clientId) {
        throw new OAuthError('invalid_request', 'The client_id differs from the one in the Authorization header');
    }
    return { ...basic, basic: true };
}

function readBasic(authorization: string): { clientId: string; secret: string | undefined } | null {
    const encoded = /^basic +([A-Za-z0-9+/=_-]{1,2048})$/i.exec(authorization)?.[1];
    const [, clientId, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString('utf8')) ?? [];
    if (clientId === undefined || secret === undefined) {
        return null;
    }
    try {
        return { clientId: decodePart(clientId), secret: decodePart(secret) || undefined };
    } catch {
        return null;
    }
}

function decodePart(text: string): string {
    return decodeURIComponent(text.replaceAll('+', ' '));
}

/**
 * Proves that a request comes from its client: a public one has no secret and sends none, a confidential one sends a
 * secret of its own (RFC 6749 §2.3).
 *
 * @param found the client that the credentials name, if there is one
 * @param now epoch milliseconds
 * @throws OAuthError `invalid_client`
 */
export function authenticateClient(found: Client | null, credentials: ClientCredentials, now: number): Client {
    const { secret, basic } = credentials;
    const hash = hashClientSecret(secret ?? '');
    const isPublic = found?.type === 'public';
    if (!found || (isPublic ? secret !== undefined || basic : !isSecretOf(found, hash, now) || secret === undefined)) {
        throw invalidClient(basic);
    }
    return found;
}

/** Always compares with both secrets, so that the time taken does not tell which one was tried. */
function isSecretOf(client: Client, hash: string, now: number): boolean {
    const current = sameHash(hash, client.secretHash ?? '');
    const previous = sameHash(hash, client.previousSecretHash ?? '');
    return current || (previous && now < (client.previousSecretExpiresAt ?? 0));
}
