import { invalidField, ManagementError } from '../errors/management-error';
import { isLoopback } from '../loopback';
import type { Account, Settings } from '../options/options';
import { covers, heldPermissions, isScope, isStandardScope, type ScopeRegistry } from '../scopes/registry';
import { DEVICE_CODE_GRANT, type Client } from './client';

/** The grant types that a client can be registered for. */
export const GRANT_TYPES = ['authorization_code', DEVICE_CODE_GRANT, 'refresh_token', 'client_credentials'];

const MAX_NAME = 200;
const MAX_REDIRECT_URIS = 20;
const MAX_REDIRECT_URI = 2048;

/** Schemes that no application of somebody's device answers to, or that run what they carry. */
const FORBIDDEN_SCHEMES = new Set([
    'about:',
    'blob:',
    'data:',
    'file:',
    'filesystem:',
    'ftp:',
    'javascript:',
    'mailto:',
    'vbscript:',
    'view-source:',
    'ws:',
    'wss:'
]);

/** Control characters and line breaks. Those that turn the direction of text are for pages to isolate. */
const CONTROLS = /[\p{Cc}\u2028\u2029]/u;

/** @throws ManagementError */
export function checkName(name: string, { firstPartyClients }: Pick<Settings, 'firstPartyClients'>): void {
    const length = [...name].length;
    if (folded(name) === '' || length > MAX_NAME) {
        throw invalidField('name', 'length', `A name has 1 to ${MAX_NAME} characters.`, 'Choose another name.');
    }
    if (CONTROLS.test(name) || !name.isWellFormed()) {
        throw invalidField('name', 'characters', 'A name has no control characters.', 'Leave them out.');
    }
    if (firstPartyClients.some((builtIn) => folded(builtIn.name) === folded(name))) {
        throw invalidField('name', 'reserved', 'The name is that of a built-in application.', 'Choose another name.');
    }
}

/** A name as it looks: letters in one case and form, no invisible characters, blanks alike. */
function folded(name: string): string {
    const visible = name.normalize('NFKC').replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '');
    // Upper case first: it brings together what lower case keeps apart, such as the two small sigmas.
    return visible.toUpperCase().toLowerCase().replaceAll(/\s+/g, ' ').trim();
}

/** @throws ManagementError */
export function checkScopes(registry: ScopeRegistry, scopes: readonly string[]): void {
    if (!scopes.every((name) => isScope(registry, name))) {
        throw invalidField(
            'allowed_scopes',
            'known',
            'A scope is unknown.',
            'Use the names that the discovery document lists under scopes_supported.'
        );
    }
}

/**
 * Nobody gives an application what he has not got himself.
 *
 * @param owner the account that the application acts for or belongs to
 * @throws ManagementError 403
 */
export function checkHeld(registry: ScopeRegistry, owner: Account, scopes: readonly string[]): void {
    const held = heldPermissions(registry, owner.permissions);
    const missing = scopes.filter((name) => !isStandardScope(name) && !covers(registry, held, name));
    if (missing.length > 0) {
        throw new ManagementError(
            'forbidden',
            'The account does not hold a permission that it would allow the application.',
            'Leave out the scopes that metadata names.',
            { field: 'allowed_scopes', rule: 'held', scopes: missing }
        );
    }
}

/** What of a client must fit together. */
export type ClientShape = Pick<Client, 'type' | 'grants' | 'redirectUris'> & { pkceRequired?: boolean | undefined };

/**
 * Checks that a new client's type, grants, redirect URIs and PKCE setting fit together.
 *
 * @throws ManagementError
 */
export function checkGrants({ type, grants, redirectUris, pkceRequired }: ClientShape): void {
    const field = 'allowed_grants';
    if (grants.length === 0 || !grants.every((grant) => GRANT_TYPES.includes(grant))) {
        throw invalidField(
            field,
            'known',
            'A grant type is unknown, or there is none.',
            `Use ${GRANT_TYPES.join(', ')}.`
        );
    }
    if (grants.includes('client_credentials') && type !== 'confidential') {
        throw invalidField(
            field,
            'confidential',
            'client_credentials needs a confidential client.',
            'Make the client confidential, or leave the grant out.'
        );
    }
    if (grants.includes(DEVICE_CODE_GRANT) && type !== 'public') {
        throw invalidField(
            field,
            'public',
            'The device code grant needs a public client.',
            'Make the client public, or leave the grant out.'
        );
    }
    if (
        grants.includes('refresh_token') &&
        !grants.includes('authorization_code') &&
        !grants.includes(DEVICE_CODE_GRANT)
    ) {
        throw invalidField(
            field,
            'refresh_token',
            'No other grant of the client yields a refresh token.',
            'Add authorization_code or the device code grant, or leave refresh_token out.'
        );
    }
    if (type === 'public' && grants.includes('authorization_code') && pkceRequired !== true) {
        throw invalidField(
            'pkce_required',
            'public',
            'A public client with authorization_code must use PKCE.',
            'Send pkce_required: true.'
        );
    }
    checkRedirectUriCount(grants, redirectUris);
}

/** @throws ManagementError */
export function checkRedirectUriCount(grants: readonly string[], redirectUris: readonly string[]): void {
    const field = 'redirect_uris';
    if (grants.includes('authorization_code') && redirectUris.length === 0) {
        throw invalidField(field, 'required', 'authorization_code needs a redirect URI.', 'Add at least one.');
    }
    if (grants.includes('client_credentials') && !grants.includes('authorization_code') && redirectUris.length > 0) {
        throw invalidField(
            field,
            'forbidden',
            'A client with client_credentials alone is redirected nowhere.',
            'Leave redirect_uris out, or add authorization_code.'
        );
    }
    if (redirectUris.length > MAX_REDIRECT_URIS) {
        throw invalidField(field, 'count', `A client has at most ${MAX_REDIRECT_URIS} redirect URIs.`, 'Remove some.');
    }
}

/** @throws ManagementError for the first redirect URI that is not acceptable */
export function checkRedirectUris(type: Client['type'], redirectUris: readonly string[]): void {
    for (const [place, uri] of redirectUris.entries()) {
        const problem = redirectUriProblem(type, uri);
        if (problem !== null) {
            throw invalidField(
                `redirect_uris[${place}]`,
                'uri',
                `A redirect URI ${problem}.`,
                'Use https, http on a loopback host, or for a public client a scheme of its own.'
            );
        }
    }
}

/** What is wrong with a redirect URI (RFC 6749 §3.1.2, RFC 8252 §7); null when nothing is. */
export function redirectUriProblem(type: Client['type'], uri: string): string | null {
    if (uri.length > MAX_REDIRECT_URI) {
        return `has at most ${MAX_REDIRECT_URI} characters`;
    }
    // The characters of RFC 3986 §2, so that nothing is repaired on the way from the table to a browser.
    if (
        !/^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/.test(uri) ||
        /%(?![0-9A-Fa-f]{2})/.test(uri)
    ) {
        return 'is absolute and percent-encoded ASCII';
    }
    if (!URL.canParse(uri)) {
        return 'is a valid absolute URI';
    }
    if (uri.includes('#')) {
        return 'has no fragment';
    }
    if (uri.includes('*')) {
        return 'has no wildcard';
    }
    const url = new URL(uri);
    if (url.protocol === 'https:' || url.protocol === 'http:') {
        return webUriProblem(uri, url);
    }
    if (type !== 'public') {
        return 'of a confidential client is https, or http on a loopback host';
    }
    if (FORBIDDEN_SCHEMES.has(url.protocol)) {
        return 'has another scheme than this';
    }
    return url.username !== '' || url.password !== '' || /^[^:]*:\/\/[^/?]*@/.test(uri)
        ? 'has no user information'
        : null;
}

function webUriProblem(uri: string, url: URL): string | null {
    // A browser makes a valid URL of nearly anything; only what it takes as it stands is exact.
    const authority = /^https?:\/\/([^/?]+)/i.exec(uri)?.[1] ?? '';
    if (authority.includes('@')) {
        return 'has no user information';
    }
    if (authority.replace(/:\d*$/, '').toLowerCase() !== url.hostname) {
        return 'has a host in its plain form';
    }
    if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
        return 'is https, except on a loopback host';
    }
    return null;
}
