import { OAuthError } from '../errors';

/** The parameters of a form (RFC 6749 Appendix B): each once, empty ones left out, `resource` as often as it came. */
export interface Form {
    get(name: string): string | undefined;
    /** Every value of a parameter that may repeat. */
    getAll(name: string): string[];
}

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
    const values = new Map<string, string[]>();
    const pairs = text.split('&').filter((pair) => pair !== '');
    if (pairs.length > MAX_PARAMETERS) {
        throw new OAuthError('invalid_request', `The request has more than ${MAX_PARAMETERS} parameters`);
    }
    for (const pair of pairs) {
        const at = pair.indexOf('=');
        const name = decode(at < 0 ? pair : pair.slice(0, at));
        const value = at < 0 ? '' : decode(pair.slice(at + 1));
        values.set(name, [...(values.get(name) ?? []), value]);
    }
    for (const [name, given] of values) {
        if (given.length > 1 && !REPEATABLE.has(name)) {
            throw new OAuthError('invalid_request', 'A parameter is given more than once');
        }
    }
    const getAll = (name: string): string[] => (values.get(name) ?? []).filter((value) => value !== '');
    return { get: (name) => getAll(name)[0], getAll };
}

function decode(text: string): string {
    try {
        return decodeURIComponent(text.replaceAll('+', ' '));
    } catch {
        throw new OAuthError('invalid_request', 'A parameter is not well-formed UTF-8 in percent encoding');
    }
}
