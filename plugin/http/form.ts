import { OAuthError } from '../errors/oauth-error';
import type { Form } from '../parameters';

/** Parameters that may be given more than once (RFC 8707 §2). */
const REPEATABLE = new Set(['resource']);

/** More than any request of ours has; a body of a thousand `a=&` costs nothing to send. */
const MAX_PARAMETERS = 100;

/**
 * Reads `application/x-www-form-urlencoded`.
 *
 * @throws OAuthError `invalid_request` when a parameter is given twice or the text is not well-formed UTF-8
 */
export function readForm(text: string): Form {
    const form = parseForm(text);
    if (form.names.some(form.isRepeated)) {
        throw OAuthError.invalidRequest('A parameter is given more than once');
    }
    return form;
}

/**
 * Reads `application/x-www-form-urlencoded`, and leaves it to the caller what to make of a parameter that is given twice.
 *
 * @throws OAuthError `invalid_request` when the text is not well-formed UTF-8
 */
export function parseForm(text: string): Form {
    const values = new Map<string, string[]>();
    const pairs = text.split('&').filter((pair) => pair !== '');
    if (pairs.length > MAX_PARAMETERS) {
        throw OAuthError.invalidRequest(`The request has more than ${MAX_PARAMETERS} parameters`);
    }
    for (const pair of pairs) {
        const at = pair.indexOf('=');
        const name = decode(at < 0 ? pair : pair.slice(0, at));
        const value = at < 0 ? '' : decode(pair.slice(at + 1));
        values.set(name, [...(values.get(name) ?? []), value]);
    }
    const getAll = (name: string): string[] => (values.get(name) ?? []).filter((value) => value !== '');
    return {
        get: (name) => getAll(name)[0],
        getAll,
        isRepeated: (name) => !REPEATABLE.has(name) && (values.get(name)?.length ?? 0) > 1,
        names: [...values.keys()]
    };
}

function decode(text: string): string {
    try {
        return decodeURIComponent(text.replaceAll('+', ' '));
    } catch {
        throw OAuthError.invalidRequest('A parameter is not well-formed UTF-8 in percent encoding');
    }
}
