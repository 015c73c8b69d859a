import { mayManageClients } from '../../policy';
import type { PagesContext } from '../pages-context';
import { PageError } from '../request/page-error';
import type { Visit } from '../request/visit';

/** For the layout: the section that its navigation marks. */
export const MY_APPS = { section: { myApps: true } };

export function myAppsPath(pages: PagesContext): string {
    return pages.pathOf('myApps')!;
}

/** @throws PageError for an account that may not create and change applications */
export function checkMayManage({ account, pages }: Visit): void {
    if (!mayManageClients(pages.context, account)) {
        throw new PageError('error.may_not_manage', 403);
    }
}
