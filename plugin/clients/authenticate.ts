import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import type { Caller } from '../rate-limits/rate-limits';
import type { Form } from '../parameters';
import { hashClientSecret, sameHash } from '../tokens/secret';
import type { Client } from '../store/clients';

/** What a request says of its client. */
export interface ClientCredentials extends Caller {
    secret: string | undefined;
    /** True for `client_secret_basic`: the answer to a failure then carries a challenge (RFC 6749 §5.2). */
    basic: boolean;
}

/** The one answer to every failed authentication, so that it does not tell what was wrong. */
export function invalidClient(basic: boolean): OAuthError {
    return OAuthError.invalidClient('Client authentication failed: unknown client, or wrong or missing secret', {
        statusCode: 401,
        headers: basic ? { 'www-authenticate': 'Basic realm="oauth"' } : {}
    });
}

/**
 * Answers a failed authentication, and counts it.
 *
 * @param found the client that the credentials name, if there is one
 * @throws OAuthError `invalid_client`, 429 after too many of them from one address
 */
export async function refuseClient(
    { limits }: Context,
    credentials: ClientCredentials,
    found: Client | null
): Promise<never> {
    await limits.failedAuthentication(credentials, found);
    throw invalidClient(credentials.basic);
}

/**
 * Reads the client's credentials from the `Authorization` header (RFC 6749 §2.3.1, its parts form-encoded) or from the
 * form.
 *
 * @param address where the request came from
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
 * Proves that a request comes from its client: a public one has no secret and sends none, a confidential one sends a
 * secret of its own (RFC 6749 §2.3).
 *
 * @param found the client that the credentials name, if there is one
 * @throws OAuthError `invalid_client`, 429 after too many of them from one address
 */
export async function authenticateClient(
    context: Context,
    found: Client | null,
    credentials: ClientCredentials
): Promise<Client> {
    const { secret, basic } = credentials;
    // One that sends no secret guesses none: who fails on purpose keeps no public client out.
    if (found && secret !== undefined) {
        await context.limits.mayAuthenticate(found, credentials.address);
    }
    const hash = hashClientSecret(secret ?? '');
    const isPublic = found?.type === 'public';
    if (
        !found ||
        (isPublic ? secret !== undefined || basic : !isSecretOf(found, hash, context.clock()) || secret === undefined)
    ) {
        return refuseClient(context, credentials, found);
    }
    return found;
}

/** Always compares with both secrets, so that the time taken does not tell which one was tried. */
function isSecretOf(client: Client, hash: string, now: number): boolean {
    const current = sameHash(hash, client.secretHash ?? '');
    const previous = sameHash(hash, client.previousSecretHash ?? '');
    return current || (previous && now < (client.previousSecretExpiresAt ?? 0));
}
