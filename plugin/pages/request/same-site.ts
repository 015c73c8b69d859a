import type { Request } from '@hapi/hapi';
import type { PagesContext } from '../pages-context';

type Headers = Record<string, string | undefined>;

/**
 * Whether the browser says that a form was sent by a page of the forum. `Sec-Fetch-Site` comes first, because a page
 * without a referrer sends the origin `null`. The form token decides in any case.
 */
export function isOwnForm({ context }: PagesContext, request: Request): boolean {
    const { origin, 'sec-fetch-site': site } = request.headers as Headers;
    return site === undefined
        ? origin === undefined || origin === 'null' || origin === context.settings.origin
        : isOwnSite(site);
}

/** Whether a GET may change something: it was neither prefetched nor followed from another site. */
export function isOwnNavigation({ context }: PagesContext, request: Request): boolean {
    const { origin, 'sec-fetch-site': site, 'sec-purpose': purpose } = request.headers as Headers;
    return (
        (origin === undefined || origin === context.settings.origin) &&
        (site === undefined || isOwnSite(site)) &&
        !/\bpre(fetch|render)\b/i.test(purpose ?? '')
    );
}

function isOwnSite(site: string): boolean {
    return site === 'same-origin' || site === 'none';
}
