/** A scope token (RFC 6749 §3.3). */
const TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** True for what may be one name in a `scope` parameter. */
export function isScopeToken(text: string): boolean {
    return TOKEN.test(text);
}

/**
 * The tokens of a `scope` parameter, once each, in their order; null when it holds a character that no scope has. No
 * parameter is no scope.
 */
export function parseScope(text: string | undefined): string[] | null {
    const names = splitNames(text ?? '');
    return names.every(isScopeToken) ? names : null;
}

/** The `scope` that a list of names is written as. */
export function joinNames(names: readonly string[]): string {
    return names.join(' ');
}

/** The names in a stored scope or list of grant types. */
export function splitNames(text: string): string[] {
    return [...new Set(text.split(' ').filter((name) => name !== ''))];
}
