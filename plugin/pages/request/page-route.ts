import type { Request, ResponseObject, ResponseToolkit, ServerRoute } from '@hapi/hapi';
import { readFormText } from '../../http/body';
import { requestTarget } from '../../http/request-target';
import { mayBeOwnForm } from '../../http/same-site';
import { isTakenOver, loginUrl, signedInAccount } from '../../http/session';
import type { PagesContext } from '../pages-context';
import { showError } from './error-page';
import { PageError } from './page-error';
import { addSecurityHeaders } from './security-headers';
import { createVisit, type Visit } from './visit';

export interface Page {
    method: 'GET' | 'POST';
    path: string;
    handler: (visit: Visit) => Promise<ResponseObject>;
    /** Where to return after a sign-in when a form was sent without a session. Default: the form's own path. */
    after?: string;
}

/** A route that shows a page to a signed-in account, and sends everyone else to the sign-in page. */
export function pageRoute(pages: PagesContext, { method, path, handler, after }: Page): ServerRoute {
    const { context } = pages;
    const signIn = (request: Request, h: ResponseToolkit): ResponseObject => {
        const back = after === undefined ? pathAndQuery(request) : prefixOf(pages) + after;
        return h.redirect(loginUrl(context.settings, back)).code(303);
    };
    return {
        method,
        path,
        options: {
            auth: { strategies: [...context.settings.session.strategies], mode: 'try' },
            cors: false,
            ext: {
                onPreResponse: [
                    // A strategy that redirects by itself does not know where to return to.
                    { method: (request, h) => (isTakenOver(request) ? signIn(request, h) : h.continue) },
                    { method: (request, h) => showError(pages, request, h) },
                    { method: addSecurityHeaders }
                ]
            }
        },
        handler: async (request, h) => {
            const account = await signedInAccount(context, request);
            if (!account) {
                return signIn(request, h);
            }
            const form = new URLSearchParams(method === 'POST' ? (readFormText(request) ?? '') : '');
            if (method === 'POST') {
                checkNotForged(pages, request, account.id, form);
            }
            return handler(createVisit(pages, request, h, account, form));
        }
    };
}

/** @throws PageError */
function checkNotForged(pages: PagesContext, request: Request, accountId: string, form: URLSearchParams): void {
    const { context, csrfTokens } = pages;
    const isOwn = mayBeOwnForm(request.headers, context.settings.origin);
    if (!isOwn || !csrfTokens.isValid(request, accountId, form.get('form_token'))) {
        throw new PageError('error.forged', 403);
    }
}

function pathAndQuery(request: Request): string {
    const { pathname, search } = requestTarget(request);
    return pathname + search;
}

function prefixOf(pages: PagesContext): string {
    return pages.pathOf('assets')!.slice(0, -pages.settings.paths.assets.length);
}
