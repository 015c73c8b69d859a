import type { Lifecycle, Request, ResponseToolkit } from '@hapi/hapi';
import { isUnavailable } from '../../store/database-errors';
import type { PagesContext } from '../pages-context';
import { layoutModel } from '../view/layout';
import { PageError } from './page-error';

/** The keys of the texts for statuses that have one of their own. */
const TEXT_BY_STATUS: Record<number, string> = {
    401: 'error.forbidden',
    403: 'error.forbidden',
    404: 'error.not_found',
    409: 'error.conflict',
    429: 'error.too_many',
    503: 'error.unavailable'
};

/** For `onPreResponse`: replaces an error with a page that explains it. */
export function showError(pages: PagesContext, request: Request, h: ResponseToolkit): Lifecycle.ReturnValue {
    const { response } = request;
    if (!('isBoom' in response)) {
        return h.continue;
    }
    const thrown: Error = response;
    const status = statusOf(thrown, response.output.statusCode);
    if (status === 500) {
        request.log(['oauth', 'error'], thrown);
    }
    const page = h
        .view('error', {
            ...layoutModel(pages, null),
            title: pages.settings.strings['error.title'],
            key: thrown instanceof PageError ? thrown.key : textOf(status)
        })
        .code(status);
    const retryAfter = response.output.headers['retry-after'] ?? (status === 503 ? '5' : undefined);
    return retryAfter === undefined ? page : page.header('retry-after', String(retryAfter));
}

function statusOf(thrown: Error, status: number): number {
    return isUnavailable(thrown) ? 503 : status;
}

function textOf(status: number): string {
    return TEXT_BY_STATUS[status] ?? (status < 500 ? 'error.malformed' : 'error.internal');
}
