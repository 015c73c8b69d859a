import type { Server } from '@hapi/hapi';
import type { Settings } from '../../options/options';

/**
 * Registers a cookie of the pages on the server.
 *
 * @returns its full name
 */
export function defineCookie(server: Server, { issuer }: Pick<Settings, 'issuer'>, suffix: string): string {
    const secure = issuer.startsWith('https:');
    // No other host of the domain can set a cookie with this prefix.
    const name = `${secure ? '__Host-' : ''}oauth-${suffix}`;
    server.state(name, {
        encoding: 'none',
        path: '/',
        isSecure: secure,
        isHttpOnly: true,
        // With Strict, the browser would omit the cookie when an application sends a member to the pages.
        isSameSite: 'Lax',
        ignoreErrors: true,
        clearInvalid: true
    });
    return name;
}

/** A cookie that the browser sent. */
export function readCookie(state: Record<string, unknown>, name: string): string | undefined {
    const value = state[name];
    return typeof value === 'string' ? value : undefined;
}
