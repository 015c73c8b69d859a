import type { Request, ResponseObject, ResponseToolkit } from '@hapi/hapi';
import type {} from '@hapi/vision';
import { requestTarget } from '../../http/request-target';
import type { Account } from '../../options/options';
import type { PagesContext } from '../pages-context';
import { layoutModel } from '../view/layout';

/** A request for a page by a signed-in account. */
export interface Visit {
    pages: PagesContext;
    request: Request;
    account: Account;
    /** The fields that were sent with POST. */
    form: URLSearchParams;
    query: URLSearchParams;
    /** Renders a template. */
    view(this: void, template: string, model: object, status?: number): ResponseObject;
    /** Redirects to another page, which may show a notice. */
    redirect(this: void, path: string, notice?: string): ResponseObject;
}

export function createVisit(
    pages: PagesContext,
    request: Request,
    h: ResponseToolkit,
    account: Account,
    form: URLSearchParams
): Visit {
    return {
        pages,
        request,
        account,
        form,
        query: requestTarget(request).searchParams,
        view: (template, model, status = 200) => {
            const { csrfTokens, notices, settings } = pages;
            const { token, newSecret } = csrfTokens.issue(request, account.id);
            const notice = notices.read(request);
            const response = h
                .view(template, {
                    ...layoutModel(pages, account),
                    formToken: token,
                    notice: notice === undefined ? undefined : settings.strings[`notice.${notice}`],
                    ...model
                })
                .code(status);
            if (newSecret !== undefined) {
                csrfTokens.keepSecret(response, newSecret);
            }
            if (notice !== undefined) {
                notices.clear(response);
            }
            return response;
        },
        redirect: (path, notice) => {
            const response = h.redirect(path).code(303);
            return notice === undefined ? response : pages.notices.leave(response, notice);
        }
    };
}

/** The `{id}` in the page's path. */
export function idOf({ request }: Visit): string {
    return request.params.id as string;
}
