import { OAuthError } from '../errors/oauth-error';
import type { Form } from '../parameters';
import type { Caller } from '../rate-limits/rate-limits';

/** What a request says of its client, before anything is checked. */
export interface ClientCredentials extends Caller {
    secret: string | undefined;
    /** True for `client_secret_basic`: the response to a failure then carries a challenge (RFC 6749 §5.2). */
    basic: boolean;
}

/**
 * Reads the client's credentials from the `Authorization` header (RFC 6749 §2.3.1, both parts form-encoded) or from the
 * form.
 *
 * @param address the client address
 * @throws OAuthError `invalid_request` for two methods at once or a `client_id` that contradicts the header,
 * `invalid_client` for none or an unreadable header
 */
export function readCredentials(authorization: string | undefined, form: Form, address: string): ClientCredentials {
    const clientId = form.get('client_id');
    const secret = form.get('client_secret');
    if (authorization === undefined) {
        if (clientId === undefined) {
            throw invalidClient(false);
        }
        return { clientId, address, secret, basic: false };
    }
    if (secret !== undefined) {
        throw OAuthError.invalidRequest('Authenticate by the Authorization header or by the form, not by both');
    }
    const basic = readBasic(authorization);
    if (!basic) {
        throw invalidClient(true);
    }
    if (clientId !== undefined && clientId !== basic.clientId) {
        throw OAuthError.invalidRequest('The client_id differs from the one in the Authorization header');
    }
    return { ...basic, address, basic: true };
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
 * The error for every failed authentication, so that it does not tell what was wrong.
 *
 * @param basic true to challenge the client to authenticate by the `Authorization` header
 */
export function invalidClient(basic: boolean): OAuthError {
    return OAuthError.invalidClient('Client authentication failed: unknown client, or wrong or missing secret', {
        statusCode: 401,
        headers: basic ? { 'www-authenticate': 'Basic realm="oauth"' } : {}
    });
}
