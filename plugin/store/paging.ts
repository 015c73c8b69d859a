/** Rows on a page of a list. */
export const PAGE_SIZE = 50;

/** Totals stop counting here: no one pages further, and counting a large table is slow. */
export const MAX_COUNTED = 10_000;

/** True for a page after the last one, which nobody has to look for: a database would read all rows before it. */
export function isPastEnd(page: number, total: number, pageSize = PAGE_SIZE): boolean {
    return (page - 1) * pageSize >= total;
}

/** The frame of a list's page. */
export interface Page {
    page_size: number;
    /** How many this page has. */
    results: number;
    total_pages: number;
    current_page: number;
    next_page?: number;
}

/**
 * The frame of one page.
 *
 * @param total rows in all, counted up to `MAX_COUNTED`
 */
export function pageOf(page: number, results: number, total: number, pageSize = PAGE_SIZE): Page {
    const totalPages = Math.ceil(total / pageSize);
    return {
        page_size: pageSize,
        results,
        total_pages: totalPages,
        current_page: page,
        ...(page < totalPages && { next_page: page + 1 })
    };
}
