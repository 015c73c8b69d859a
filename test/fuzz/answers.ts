import type { RequestRoute, ServerInjectResponse } from '@hapi/hapi';
import { ISSUER } from '../support/forum';
import { ADMINISTRATOR, type Setting } from './setting';
import type { Sent } from './requests';

/** What a route is, and so how it has to answer. */
type Kind = 'protocol' | 'public' | 'management' | 'page' | 'asset' | 'host';

const PROTOCOL_CODES = new Set([
    'access_denied',
    'authorization_pending',
    'consent_required',
    'expired_token',
    'invalid_client',
    'invalid_client_metadata',
    'invalid_grant',
    'invalid_redirect_uri',
    'invalid_request',
    'invalid_scope',
    'invalid_target',
    'invalid_token',
    'insufficient_scope',
    'login_required',
    'slow_down',
    'temporarily_unavailable',
    'unapproved_software_statement',
    'unauthorized_client',
    'unsupported_grant_type',
    'unsupported_token_type'
]);

const MANAGEMENT_CODES: Record<string, number> = {
    invalid_request: 400,
    unauthorized: 401,
    forbidden: 403,
    not_found: 404,
    conflict: 409,
    rate_limited: 429
};

/** Answers whose very purpose is to hand out a secret. */
const HAND_OUT =
    /^(post \/api\/(oauth\/(token|register|device_authorization|authorize\/consent)|(auth|admin)\/oauth\/clients(\/\{id\}\/secret)?)|post \/(settings|oauth|admin)\/.*)$/;

/** What only the inside of a server says. Nothing that is short enough to be found in a random text now and then. */
const INTERNAL =
    /\n\s+at |node_modules|\/plugin\/|(?<![\w-])ER_[A-Z]+_[A-Z_]+(?![\w-])|oauth_(clients|grants|refresh_tokens|device_auth|authorization_|user_code_f)|sqlMessage|"errno"|(Type|Range|Reference|Syntax|URI|Database)Error/;

/** Long enough for a secret, and of the characters that secrets have. */
const SECRETLIKE = /[A-Za-z0-9_.~-]{40,}/g;

/** Whether hapi itself answered: no route matched, or a preflight. */
export const isSpecial = ({ method }: RequestRoute): boolean => (method as string) === '_special';

const isPreflight = (sent: Sent): boolean => sent.method === 'OPTIONS';

/**
 * Says what is wrong with an answer, whatever was asked.
 *
 * @returns nothing for one that is right
 */
export async function faultOf(
    setting: Setting,
    sent: Sent,
    response: ServerInjectResponse
): Promise<string | undefined> {
    const { route } = response.request;
    const { headers, payload, statusCode: status } = response;
    if (status >= 500) {
        return 'the server failed';
    }
    if (status === 429 && kindOf(route) !== 'host' && !/^\d+$/.test(String(headers['retry-after']))) {
        return 'too many, and not until when';
    }
    const kind = kindOf(route);
    if (kind !== 'asset' && INTERNAL.test(payload) && !INTERNAL.test(textOf(sent))) {
        return 'the body tells of the inside';
    }
    const fault = isSpecial(route) || isPreflight(sent) ? undefined : faultOfKind(kind, sent, route, response);
    return (
        fault ??
        faultOfSession(kind, sent, route, status) ??
        faultOfSecrets(setting, kind, sent, route, response) ??
        (await faultOfRedirect(setting, route, response))
    );
}

function kindOf({ path, realm }: RequestRoute): Kind {
    if (realm.plugin === 'hapi-forum-oauth-pages') {
        return path.startsWith('/oauth/pages/') ? 'asset' : 'page';
    }
    if (realm.plugin === 'hapi-forum-oauth/well-known' || path.endsWith('/jwks')) {
        return 'public';
    }
    if (realm.plugin !== 'hapi-forum-oauth') {
        return 'host';
    }
    return path.startsWith('/api/oauth/') ? 'protocol' : 'management';
}

function faultOfKind(usual: Kind, sent: Sent, route: RequestRoute, response: ServerInjectResponse): string | undefined {
    const { headers, payload, statusCode: status } = response;
    // What the authorization endpoint refuses without a redirect, the pages show.
    const isShown = route.path === '/api/oauth/authorize' && String(headers['content-type']).startsWith('text/html');
    const kind = isShown ? 'page' : usual;
    const isPrivate = kind === 'protocol' || kind === 'management' || kind === 'page';
    if (isPrivate && (headers['cache-control'] !== 'no-store' || headers.pragma !== 'no-cache')) {
        return 'it may be stored';
    }
    if (kind === 'public' && status < 400 && !/^public, max-age=\d+/.test(String(headers['cache-control']))) {
        return 'it may not be stored';
    }
    if (kind === 'page' && !String(headers['content-security-policy']).includes("default-src 'none'")) {
        return 'a page without a policy';
    }
    if (sent.method === 'HEAD' || status === 204 || status === 303 || status === 302 || status === 304) {
        return payload === '' ? undefined : 'a body where there is none';
    }
    if (kind === 'page') {
        const isHtml = headers['content-type'] === 'text/html; charset=utf-8' && payload.startsWith('<!doctype html>');
        return isHtml ? undefined : 'no page';
    }
    if (kind === 'asset' || (route.path === '/api/oauth/revoke' && status === 200)) {
        return undefined;
    }
    const body = parse(headers['content-type'], payload);
    if (body === undefined) {
        return 'no JSON';
    }
    if (status < 400) {
        return undefined;
    }
    if (kind === 'protocol' || kind === 'public') {
        return faultOfProtocolError(sent, status, headers['www-authenticate'], body);
    }
    if (kind === 'management') {
        return faultOfManagementError(status, body);
    }
    return status === 401 && !/^Bearer/.test(String(headers['www-authenticate'])) ? 'no challenge' : undefined;
}

function parse(type: unknown, payload: string): Record<string, unknown> | undefined {
    if (!String(type).startsWith('application/json')) {
        return undefined;
    }
    try {
        const value: unknown = JSON.parse(payload);
        return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
    } catch {
        return undefined;
    }
}

function faultOfProtocolError(
    sent: Sent,
    status: number,
    challenge: unknown,
    body: Record<string, unknown>
): string | undefined {
    const { error, error_description: description, ...others } = body;
    if (!PROTOCOL_CODES.has(error as string) || Object.keys(others).length > 0) {
        return 'not the shape of an OAuth error';
    }
    if (typeof description !== 'string' || !/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(description)) {
        return 'a description that RFC 6749 does not allow';
    }
    if (![400, 401, 403, 429].includes(status)) {
        return 'a status that the endpoint does not have';
    }
    // The authorization endpoint authenticates nobody.
    const isClient = error === 'invalid_client' && !sent.url.startsWith('/api/oauth/authorize');
    if (isClient && (challenge !== undefined) !== (sent.headers.authorization !== undefined)) {
        return 'a challenge to who did not use the header, or none';
    }
    return isClient && status !== 401 ? 'an invalid client with another status' : undefined;
}

function faultOfManagementError(status: number, body: Record<string, unknown>): string | undefined {
    const { error, message, error_description: description, suggested, metadata, ...others } = body;
    const isTold =
        typeof message === 'string' &&
        message !== '' &&
        description === message &&
        typeof suggested === 'string' &&
        suggested !== '';
    const isObject = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata);
    if (MANAGEMENT_CODES[error as string] !== status || !isTold || !isObject || Object.keys(others).length > 0) {
        return 'not the shape of a management error';
    }
    const { field, rule } = metadata as Record<string, unknown>;
    return error === 'invalid_request' && (typeof field !== 'string' || typeof rule !== 'string')
        ? 'a validation error without field and rule'
        : undefined;
}

/** Whose session a request came with. */
export function accountOf(sent: Sent): string | undefined {
    const found = [...(sent.headers.cookie ?? '').matchAll(/(?:^|;)\s*session="?([^;"]*)/g)];
    return found.length === 1 ? found[0]![1]!.trim() : undefined;
}

/** Nothing is done without a session, without rights, or for another site. */
function faultOfSession(kind: Kind, sent: Sent, route: RequestRoute, status: number): string | undefined {
    const { method, path } = route;
    const needsSession = kind === 'management' || kind === 'page' || /consent$/.test(path);
    if (!needsSession || status >= 300 || isSpecial(route) || isPreflight(sent)) {
        return undefined;
    }
    const account = accountOf(sent);
    if (account === undefined || account === '') {
        return 'it went through without a session';
    }
    if (/^(\/api)?\/admin\//.test(path) && account !== ADMINISTRATOR) {
        return 'it went through without being an administrator';
    }
    const { origin, 'sec-fetch-site': site } = sent.headers;
    const isForeign = origin !== undefined ? origin !== ISSUER : site === 'cross-site' || site === 'same-site';
    const isOpaque = kind === 'page' && origin === 'null';
    return isForeign && !isOpaque && method !== 'get' ? 'it went through from another site' : undefined;
}

function faultOfSecrets(
    { under, secrets }: Setting,
    kind: Kind,
    sent: Sent,
    { method, path }: RequestRoute,
    { payload, statusCode: status }: ServerInjectResponse
): string | undefined {
    const told = under.events.length + under.log.length > 0 ? JSON.stringify([under.events, under.log]) : '';
    if (leaks(told, secrets)) {
        return `a secret in events or logs: ${told}`;
    }
    if (status < 400 && HAND_OUT.test(`${method} ${path}`)) {
        return undefined;
    }
    // A management error names a field, and a form that is shown again has in it what was entered.
    const brought = kind === 'protocol' || kind === 'public' ? '' : textOf(sent);
    return leaks(payload, secrets, brought) ? 'a secret where it does not belong' : undefined;
}

/** What a member has put into a name or another field of their own is no secret any more. */
export function forgetPublished({ secrets }: Setting, sent: Sent, { request, statusCode }: ServerInjectResponse): void {
    const kind = kindOf(request.route);
    if (statusCode < 400 && (kind === 'management' || kind === 'page')) {
        forgetAll(secrets, sent);
    }
}

/** Takes what a request has in it for no secret any more. */
export function forgetAll(secrets: Set<string>, sent: Sent): void {
    (textOf(sent).match(SECRETLIKE) ?? []).forEach((text) => secrets.delete(text));
}

function leaks(text: string, secrets: ReadonlySet<string>, brought = ''): boolean {
    const found = (text.match(SECRETLIKE) ?? []).filter((each) => secrets.has(each));
    return found.some((secret) => !brought.includes(secret));
}

/** A browser is sent to the forum itself, or where a client has registered. */
async function faultOfRedirect(
    { forum }: Setting,
    route: RequestRoute,
    { headers }: ServerInjectResponse
): Promise<string | undefined> {
    const { location } = headers;
    if (location === undefined) {
        return undefined;
    }
    if (typeof location !== 'string' || /[^\x21-\x7e]/.test(location)) {
        return 'a malformed redirect';
    }
    if (new URL(location, ISSUER).origin === ISSUER) {
        return undefined;
    }
    if (route.path !== '/api/oauth/authorize') {
        return 'a redirect away';
    }
    const rows: { redirect_uris: string }[] = await forum.dataSource.query('SELECT redirect_uris FROM oauth_clients');
    const registered = rows.flatMap((row) => JSON.parse(row.redirect_uris) as string[]);
    const withoutPort = (uri: string): string => uri.replace(/^(http:\/\/(?:127\.[\d.]+|\[::1\]|localhost)):\d+/, '$1');
    return registered.some((uri) => withoutPort(location).startsWith(withoutPort(uri)))
        ? undefined
        : 'a redirect to where no client is';
}

/** What a request has in it, decoded where that is possible. */
function textOf({ method, url, headers, payload }: Sent): string {
    const raw = `${method} ${url} ${JSON.stringify(headers)} ${payload.toString('utf8')}`;
    try {
        return raw + decodeURIComponent(raw.replaceAll('+', ' '));
    } catch {
        return raw;
    }
}

/** What the server has logged that nobody's request may cause. */
export function faultOfLog({ under }: Setting): string | undefined {
    return under.log.find((line) => {
        const { channel, tags } = JSON.parse(line) as { channel: string; tags: string[] };
        return (
            channel === 'error' || tags.includes('implementation') || (channel !== 'internal' && tags.includes('error'))
        );
    });
}
