import { requireAdministrator } from '../../policy';
import type { PagesContext } from '../pages-context';
import type { Page } from '../request/page-route';

/** The longest text that the filters take. */
export const MAX_FILTER = 200;

type Tab = 'apps' | 'devices' | 'tokens';

/** The same pages, for accounts with the administrator permission only. */
export function forAdministrators(pages: Page[]): Page[] {
    return pages.map((page) => ({
        ...page,
        handler: async (visit) => {
            requireAdministrator(visit.pages.context, visit.account);
            return page.handler(visit);
        }
    }));
}

export function adminPath(pages: PagesContext): string {
    return pages.pathOf('admin')!;
}

/** The sessions of one account. */
export function accountPath(pages: PagesContext, accountId: string): string {
    return `${adminPath(pages)}/tokens?account_id=${encodeURIComponent(accountId)}`;
}

/** For the layout: the section and its tabs. */
export function tabs(pages: PagesContext, current: Tab): object {
    const path = adminPath(pages);
    return {
        section: { admin: true },
        tabs: { apps: path, devices: `${path}/devices`, tokens: `${path}/tokens`, current: { [current]: true } }
    };
}

/** The options of a filter: all, or one of the values. The text of each is `<prefix>.<value>`. */
export function filterOptions(prefix: string, values: readonly string[], selected: string | undefined): object[] {
    return ['', ...values].map((value) => ({
        value,
        key: `${prefix}.${value || 'any'}`,
        selected: value === (selected ?? '')
    }));
}
