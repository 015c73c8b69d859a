import Bourne from '@hapi/bourne';
import type { Request } from '@hapi/hapi';
import { OAuthError } from '../errors/oauth-error';
import type { Form } from '../parameters';
import { readForm } from './form';

/**
 * The form that a protocol endpoint was sent (RFC 6749 Appendix B).
 *
 * @throws OAuthError `invalid_request` for any other type and for malformed text
 */
export function readFormBody(request: Request): Form {
    const text = readFormText(request);
    if (text === null) {
        throw OAuthError.invalidRequest('The body must be application/x-www-form-urlencoded in UTF-8');
    }
    return readForm(text);
}

/** A form as it was sent; null for any other type and for malformed text. */
export function readFormText(request: Request): string | null {
    return mediaType(request) === 'application/x-www-form-urlencoded' ? decodeBody(request) : null;
}

/** What was sent to a session endpoint: an object, or null for anything that is not one. No body is an empty object. */
export function readJsonBody(request: Request): Record<string, unknown> | null {
    const text = decodeBody(request);
    if (text === '') {
        return {};
    }
    if (text === null || mediaType(request) !== 'application/json') {
        return null;
    }
    try {
        const value: unknown = Bourne.parse(text);
        return typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown> | null) : null;
    } catch {
        return null;
    }
}

function mediaType(request: Request): string {
    const header = (request.headers['content-type'] as string | undefined) ?? '';
    return header.split(';', 1)[0]!.trim().toLowerCase();
}

/** The body as text; null when it is compressed or not UTF-8. */
function decodeBody(request: Request): string | null {
    const encoding = (request.headers['content-encoding'] as string | undefined) ?? 'identity';
    if (encoding.trim().toLowerCase() !== 'identity') {
        return null;
    }
    try {
        return new TextDecoder('utf-8', { fatal: true }).decode(request.payload as Buffer | undefined);
    } catch {
        return null;
    }
}
