import { invalidField } from '../errors/management-error';
import { isLoopback } from '../loopback';

const MAX_COUNT = 20;
const MAX_LENGTH = 2048;

/** An `http` URI in its parts, exactly as written: origin without port, host, port, the rest. */
const HTTP = /^(http:\/\/([^/?#:@[\]]+|\[[^/?#@[\]]+\]))(?::(\d{1,5}))?((?:[/?].*)?)$/;

/**
 * True when a redirect URI is one that the client registered: byte for byte, except that the port of an `http` URI on a
 * loopback host is left out of the comparison (RFC 9700 §2.1, RFC 8252 §7.3).
 */
export function isRegistered(registered: readonly string[], presented: string): boolean {
    if (registered.includes(presented)) {
        return true;
    }
    const portless = withoutLoopbackPort(presented);
    return portless !== null && registered.some((uri) => withoutLoopbackPort(uri) === portless);
}

function withoutLoopbackPort(uri: string): string | null {
    const [, origin, host, port, rest] = HTTP.exec(uri) ?? [];
    return host !== undefined && isLoopback(host) && Number(port ?? 0) <= 65_535 ? origin! + rest! : null;
}

/** A redirect URI with parameters added to its query (RFC 6749 §4.1.2), and otherwise unchanged. */
export function withParameters(uri: string, parameters: Record<string, string | null>): string {
    const given = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== null);
    const separator = !uri.includes('?') ? '?' : /[?&]$/.test(uri) ? '' : '&';
    return uri + separator + new URLSearchParams(given).toString();
}

/**
 * Checks that a client has as many redirect URIs as its grant types need.
 *
 * @throws ManagementError 400
 */
export function checkRedirectUriCount(grants: readonly string[], redirectUris: readonly string[]): void {
    const field = 'redirect_uris';
    if (grants.includes('authorization_code') && redirectUris.length === 0) {
        throw invalidField(field, 'required', 'authorization_code needs a redirect URI.', 'Add at least one.');
    }
    if (grants.includes('client_credentials') && !grants.includes('authorization_code') && redirectUris.length > 0) {
        throw invalidField(
            field,
            'forbidden',
            'A client with client_credentials and without authorization_code cannot have redirect URIs.',
            'Leave redirect_uris out, or add authorization_code.'
        );
    }
    if (redirectUris.length > MAX_COUNT) {
        throw invalidField(field, 'count', `A client can have at most ${MAX_COUNT} redirect URIs.`, 'Remove some.');
    }
}

/**
 * Checks each redirect URI of a client.
 *
 * @throws ManagementError 400 for the first that is not acceptable, which `metadata.field` names by its index
 */
export function checkRedirectUris(
    type: 'public' | 'confidential',
    redirectUris: readonly string[],
    schemes: readonly string[]
): void {
    for (const [index, uri] of redirectUris.entries()) {
        const problem = redirectUriProblem(type, uri, schemes);
        if (problem !== null) {
            throw invalidField(
                `redirect_uris[${index}]`,
                'uri',
                `A redirect URI ${problem}.`,
                'Use https, http on a loopback host, or for a public client a scheme of its own, such as com.example.app:/callback.'
            );
        }
    }
}

/**
 * The rule that a redirect URI breaks (RFC 6749 §3.1.2, RFC 8252 §7), worded to follow "A redirect URI"; null when it
 * breaks none.
 *
 * @param schemes private-use schemes that may lack a period (option `redirectSchemes`)
 */
export function redirectUriProblem(
    type: 'public' | 'confidential',
    uri: string,
    schemes: readonly string[]
): string | null {
    if (uri.length > MAX_LENGTH) {
        return `must have at most ${MAX_LENGTH} characters`;
    }
    // The characters of RFC 3986 §2, so that nothing is repaired on the way from the table to a browser.
    if (
        !/^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/.test(uri) ||
        /%(?![0-9A-Fa-f]{2})/.test(uri)
    ) {
        return 'must be absolute and percent-encoded ASCII';
    }
    if (!URL.canParse(uri)) {
        return 'must be a valid absolute URI';
    }
    if (uri.includes('#')) {
        return 'must not have a fragment';
    }
    if (uri.includes('*')) {
        return 'must not contain a wildcard';
    }
    const url = new URL(uri);
    if (url.protocol === 'https:' || url.protocol === 'http:') {
        return webUriProblem(uri, url);
    }
    if (type !== 'public') {
        return 'of a confidential client must use https, or http on a loopback host';
    }
    // A reversed domain name (RFC 8252 §7.1) belongs to no program of the operating system, unlike `tel:` or `ms-msdt:`.
    const scheme = url.protocol.slice(0, -1);
    if (!scheme.includes('.') && !schemes.includes(scheme)) {
        return 'must have a scheme with a period, such as com.example.app';
    }
    return url.username !== '' || url.password !== '' || /^[^:]*:\/\/[^/?]*@/.test(uri)
        ? 'must not have user information'
        : null;
}

function webUriProblem(uri: string, url: URL): string | null {
    // A browser makes a valid URL of nearly anything. Only what it takes unchanged is exact.
    const authority = /^https?:\/\/([^/?]+)/i.exec(uri)?.[1] ?? '';
    if (authority.includes('@')) {
        return 'must not have user information';
    }
    if (authority.replace(/:\d*$/, '').toLowerCase() !== url.hostname) {
        return 'must write its host in plain form';
    }
    if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
        return 'must use https, except on a loopback host';
    }
    return null;
}
