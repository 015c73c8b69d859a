import { isLoopback } from '../loopback';

/** `http` on a host, with or without port, and what follows: exactly as written. */
const HTTP = /^(http:\/\/([^/?#:@[\]]+|\[[^/?#@[\]]+\]))(?::(\d{1,5}))?((?:[/?].*)?)$/;

/**
 * True when a redirect URI is one of those that a client registered: byte for byte, except that the port of an `http`
 * URI on a loopback host is left out of the comparison (RFC 9700 §2.1, RFC 8252 §7.3).
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

/** A redirect URI with parameters added to its query (RFC 6749 §4.1.2), and otherwise as it was. */
export function withParameters(uri: string, parameters: Record<string, string | null>): string {
    const given = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== null);
    const separator = !uri.includes('?') ? '?' : /[?&]$/.test(uri) ? '' : '&';
    return uri + separator + new URLSearchParams(given).toString();
}
