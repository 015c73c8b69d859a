import type { ResponseObject } from '@hapi/hapi';
import { revokeAnyToken } from '../../flows/revoke-grants';
import { requestTarget } from '../../http/request-target';
import { listTokens, TOKEN_STATUSES } from '../../store/token-list';
import type { PagesContext } from '../pages-context';
import { idOf, type Visit } from '../request/visit';
import { pageNumber, pager } from '../view/paging';
import { adminPath, filterOptions, tabs } from './section';
import { sessionModels } from './session-model';

const MAX_ACCOUNT_ID = 128;

const MAX_QUERY = 1000;

/** GET: the refresh tokens of the forum, by account and status. */
export async function showSessions({ pages, query, request, view }: Visit): Promise<ResponseObject> {
    const { context, settings } = pages;
    const path = `${adminPath(pages)}/tokens`;
    const accountId = (query.get('account_id') ?? '').slice(0, MAX_ACCOUNT_ID);
    const status = TOKEN_STATUSES.find((each) => each === query.get('status'));
    const filter = { ...(accountId !== '' && { accountId }), status, page: pageNumber(query) };
    const list = await listTokens(context.database, filter, context.clock());
    const back = path + requestTarget(request).search.slice(0, MAX_QUERY);
    return view('admin-tokens', {
        title: settings.strings['admin.tokens.title'],
        ...tabs(pages, 'tokens'),
        path,
        accountId,
        whose: accountId === '' ? null : await context.findAccount(accountId),
        statuses: filterOptions('status', TOKEN_STATUSES, status),
        tokens: await sessionModels(pages, list.tokens, back),
        pager: pager(path, query, list)
    });
}

/** POST: revokes the grant of any refresh token, and returns to the page that the form was on. */
export async function revokeAnySession(visit: Visit): Promise<ResponseObject> {
    const { form, pages, redirect } = visit;
    await revokeAnyToken(pages.context, idOf(visit));
    return redirect(returnPath(pages, form.get('back') ?? ''), 'grant_ended');
}

/** The given path where it is one of these pages, else the list of sessions. */
function returnPath(pages: PagesContext, back: string): string {
    const path = adminPath(pages);
    const isAdminPage = back === path || back.startsWith(`${path}/`);
    return isAdminPage && /^[\x21-\x7e]+$/.test(back) ? back : `${path}/tokens`;
}
