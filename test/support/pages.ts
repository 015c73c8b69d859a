import type { Options } from '../../plugin';
import { pages, type PagesOptions } from '../../plugin/pages';
import { Forum, type OpenDatabase } from './forum';
import type { Shown } from './visitor';

/** An id that no row has. */
export const ABSENT = 'cc5lnd2s1s4652adtu50';

/** Where the settings and administrator pages are by default. */
export const CONNECTED = '/settings/connected-apps';
export const MINE = '/settings/my-apps';
export const ADMIN = '/admin/apps';

/** A forum with the pages. */
export async function withPages(
    database: OpenDatabase,
    {
        options = {},
        pages: settings = {},
        prefix
    }: { options?: Partial<Options>; pages?: PagesOptions; prefix?: string } = {}
): Promise<Forum> {
    const forum = await Forum.create(database.dataSource, options);
    await forum.server.register({
        plugin: pages,
        options: settings,
        ...(prefix !== undefined && { routes: { prefix } })
    });
    return forum;
}

/** The text of a page, without its tags. */
export function textOf({ html }: Shown): string {
    return html
        .replace(/<head>.*<\/head>/s, '')
        .replace(/<[^>]*>/g, ' ')
        .replace(/\s+/g, ' ');
}
