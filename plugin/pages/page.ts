import type { Lifecycle, Request, ResponseObject, ResponseToolkit, ServerRoute } from '@hapi/hapi';
import type {} from '@hapi/vision';
import { boomify } from '@hapi/boom';
import type { Context } from '../context';
import { isUnavailable } from '../store/database';
import { RAW_PAYLOAD, readFormText } from '../http/body';
import { NO_STORE, setHeaders, WHOLE } from '../http/headers';
import { isTakenOver, loginUrl, signedInAccount } from '../http/session';
import { requestTarget } from '../http/request-target';
import { holds } from '../scopes/registry';
import type { Account } from '../options/options';
import type { Forms } from './forms';
import type { PagePaths, PagesSettings, PermissionText } from './options';
import { undescribed } from './catalog';

/** All that one registration of the pages works with. */
export interface Pages {
    context: Context;
    settings: PagesSettings;
    forms: Forms;
    /** The addresses of styles and script. */
    assets: { styles: string; script: string };
    /** The path of a page, route prefix included; null where it is left out. */
    pathOf(page: keyof PagePaths): string | null;
}

/** A signed-in person's request of a page. */
export interface Visit {
    pages: Pages;
    request: Request;
    h: ResponseToolkit;
    account: Account;
    /** What was sent with POST. */
    form: URLSearchParams;
    query: URLSearchParams;
    /** Renders a template. */
    view(this: void, template: string, model: object, status?: number): ResponseObject;
    /** To another page, which may say something first. */
    redirect(this: void, path: string, notice?: string): ResponseObject;
}

/** An error that a page shows, by the key of its text. */
export class PageError extends Error {
    constructor(
        readonly key: string,
        readonly status: number
    ) {
        super(key);
        boomify(this, { statusCode: status });
    }
}

export interface Page {
    method: 'GET' | 'POST';
    path: string;
    handler: (visit: Visit) => Promise<ResponseObject>;
    /** Where a form goes on after a sign-in that it lacked, if its own path has no page. */
    after?: string;
}

const CONTENT_SECURITY_POLICY = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'"
].join('; ');

const HEADERS = {
    ...NO_STORE,
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY'
};

/** A route that shows a page to somebody who is signed in, and sends everybody else to the sign-in. */
export function pageRoute(pages: Pages, { method, path, handler, after }: Page): ServerRoute {
    const { context } = pages;
    const prefix = pages.pathOf('assets')!.slice(0, -pages.settings.paths.assets.length);
    const signIn = (request: Request, h: ResponseToolkit): ResponseObject => {
        const back = after === undefined ? pathAndQuery(request) : prefix + after;
        return h.redirect(loginUrl(context.settings, back)).code(303);
    };
    return {
        method,
        path,
        options: {
            auth: { strategies: [...context.settings.session.strategies], mode: 'try' },
            cors: false,
            response: WHOLE,
            // The forum's own guard of forms does not know ours.
            plugins: { crumb: false },
            ...(method === 'POST' && { payload: RAW_PAYLOAD }),
            ext: {
                onPreResponse: [
                    {
                        // A strategy that redirects by itself does not know the way back.
                        method: (request, h) => (isTakenOver(request) ? signIn(request, h) : h.continue)
                    },
                    { method: (request, h) => showError(pages, request, h) },
                    { method: addHeaders }
                ]
            }
        },
        handler: async (request, h) => {
            const account = await signedInAccount(context, request);
            if (!account) {
                return signIn(request, h);
            }
            const form = new URLSearchParams(method === 'POST' ? (readFormText(request) ?? '') : '');
            if (method === 'POST' && !isOwnForm(pages, request, account, form)) {
                throw new PageError('error.forged', 403);
            }
            return handler(visitOf(pages, request, h, account, form));
        }
    };
}

function pathAndQuery(request: Request): string {
    const { pathname, search } = requestTarget(request);
    return pathname + search;
}

/**
 * Whether a page of ours sent a form. A page without a referrer sends the origin `null`, so what the browser says of the
 * site comes first; the token decides in any case.
 */
function isOwnForm({ context, forms }: Pages, request: Request, account: Account, form: URLSearchParams): boolean {
    const { origin, 'sec-fetch-site': site } = request.headers as Record<string, string | undefined>;
    const named = origin === undefined || origin === 'null' || origin === context.settings.origin;
    const ours = site === undefined ? named : site === 'same-origin' || site === 'none';
    return ours && forms.isOurs(request, account.id, form.get('form_token'));
}

/** Whether a GET that changes something may do so: another site's link only fills a form in. */
export function isOwnNavigation({ context }: Pages, { headers }: Request): boolean {
    const { origin, 'sec-fetch-site': site, 'sec-purpose': purpose } = headers as Record<string, string | undefined>;
    return (
        (origin === undefined || origin === context.settings.origin) &&
        (site === undefined || site === 'same-origin' || site === 'none') &&
        !/\bpre(fetch|render)\b/i.test(purpose ?? '')
    );
}

function visitOf(pages: Pages, request: Request, h: ResponseToolkit, account: Account, form: URLSearchParams): Visit {
    return {
        pages,
        request,
        h,
        account,
        form,
        query: requestTarget(request).searchParams,
        view: (template, model, status = 200) => {
            const { forms } = pages;
            const { secret, isNew } = forms.secretOf(request);
            const key = forms.takeNotice(request);
            const notice = key === undefined ? undefined : pages.settings.strings[`notice.${key}`];
            const response = h
                .view(template, {
                    ...frame(pages, account),
                    formToken: forms.token(secret, account.id),
                    notice,
                    ...model
                })
                .code(status);
            if (isNew) {
                forms.keepSecret(response, secret);
            }
            if (key !== undefined) {
                forms.clearNotice(response);
            }
            return response;
        },
        redirect: (path, notice) => {
            const response = h.redirect(path).code(303);
            return notice === undefined ? response : pages.forms.leaveNotice(response, notice);
        }
    };
}

/** What the layout shows around every page. */
function frame(pages: Pages, account: Account | null): object {
    const { assets, context, settings } = pages;
    const { scopeRegistry } = context;
    const isAdministrator = account !== null && holds(scopeRegistry, account.permissions, scopeRegistry.administrator);
    return {
        language: settings.language,
        home: settings.home,
        styles: [assets.styles, ...settings.stylesheets],
        script: assets.script,
        account,
        links: {
            connectedApps: pages.pathOf('connectedApps'),
            myApps: pages.pathOf('myApps'),
            admin: isAdministrator ? pages.pathOf('admin') : null
        }
    };
}

/** The texts of an error by the code of the error that was thrown, or by its status. */
const BY_STATUS: Record<number, string> = {
    401: 'error.forbidden',
    403: 'error.forbidden',
    404: 'error.not_found',
    409: 'error.conflict',
    429: 'error.too_many'
};

function showError(pages: Pages, request: Request, h: ResponseToolkit): Lifecycle.ReturnValue {
    const { response } = request;
    if (!('isBoom' in response)) {
        return h.continue;
    }
    const thrown: Error = response;
    const unavailable = isUnavailable(thrown) || response.output.statusCode === 503;
    const status = thrown instanceof PageError ? thrown.status : unavailable ? 503 : response.output.statusCode;
    if (status === 500) {
        request.log(['oauth', 'error'], thrown);
    }
    const key =
        thrown instanceof PageError
            ? thrown.key
            : unavailable
              ? 'error.unavailable'
              : (BY_STATUS[status] ?? (status < 500 ? 'error.malformed' : 'error.internal'));
    const shown = h
        .view('error', { ...frame(pages, null), title: pages.settings.strings['error.title'], key })
        .code(status);
    const wait = response.output.headers['retry-after'] ?? (unavailable ? '5' : undefined);
    return wait === undefined ? shown : shown.header('retry-after', String(wait));
}

const addHeaders: Lifecycle.Method = (request, h) => {
    setHeaders(request, HEADERS);
    return h.continue;
};

/** A scope as a page shows it. */
export interface ShownScope extends PermissionText {
    /** The name that it has in tokens. */
    scope: string;
}

export function describeScope({ settings }: Pages, scope: string): ShownScope {
    // `hasOwn`, for a permission may have any name.
    const known = Object.hasOwn(settings.permissions, scope) ? settings.permissions[scope] : undefined;
    return { scope, ...(known ?? { name: undescribed(scope), sentence: '' }) };
}

/** `page` of a query; 1 for anything that is none. */
export function pageNumber(query: URLSearchParams): number {
    const page = query.get('page') ?? '1';
    return /^[1-9]\d{0,5}$/.test(page) ? Number(page) : 1;
}

/** The links before and after one page of a list. */
export function pager(
    path: string,
    query: URLSearchParams,
    {
        current_page: current,
        total_pages: total,
        next_page: next
    }: { current_page: number; total_pages: number; next_page?: number }
): object | undefined {
    if (total < 2 && current === 1) {
        return undefined;
    }
    const link = (page: number): string => {
        const parameters = new URLSearchParams([...query].filter(([name, value]) => name !== 'page' && value !== ''));
        parameters.set('page', String(page));
        return `${path}?${parameters.toString()}`;
    };
    return {
        current: String(current),
        total: String(total),
        ...(current > 1 && { previous: link(current - 1) }),
        ...(next !== undefined && { next: link(next) })
    };
}
