import type { Page } from '../../store/paging';

/** The number of a list's page in the query; 1 for anything that is not a valid number. */
export function pageNumber(query: URLSearchParams): number {
    const page = query.get('page') ?? '1';
    return /^[1-9]\d{0,5}$/.test(page) ? Number(page) : 1;
}

/**
 * The links to the previous and the next page of a list; undefined where the list has one page only.
 *
 * @param path of the list
 * @param query of the current page, whose filters the links keep
 */
export function pager(path: string, query: URLSearchParams, list: Page): object | undefined {
    const { current_page: current, total_pages: total, next_page: next } = list;
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
