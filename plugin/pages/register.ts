import type { Server } from '@hapi/hapi';
import { contextOf } from '../context';
import { adminPages } from './admin';
import { authorizePages } from './authorize';
import { connectedAppsPages } from './connected-apps';
import { devicePages } from './device';
import { Forms } from './forms';
import { myAppsPages } from './my-apps';
import { readPagesOptions, type PagePaths } from './options';
import { pageRoute, type Page, type Pages } from './page';
import { asset } from './static';
import { registerViews } from './views';

const NAME = 'hapi-forum-oauth-pages';

/** The pages by the names of their paths. */
const PAGES: Record<Exclude<keyof PagePaths, 'assets'>, (pages: Pages, path: string) => Page[]> = {
    device: devicePages,
    authorize: authorizePages,
    connectedApps: connectedAppsPages,
    myApps: myAppsPages,
    admin: adminPages
};

/** @throws Error for an option that is unknown or malformed, and for what does not fit the main plugin */
export async function registerPages(server: Server, options: unknown): Promise<void> {
    const settings = readPagesOptions(options);
    const context = contextOf(server);
    if (!context) {
        throw new Error(`${NAME}: register hapi-forum-oauth on this server first`);
    }
    const prefix = server.realm.modifiers.route.prefix ?? '';
    const styles = asset('pages.css', settings, prefix);
    const script = asset('pages.js', settings, prefix);
    const pages: Pages = {
        context,
        settings,
        forms: new Forms(server, context.settings),
        assets: { styles: styles.href, script: script.href },
        pathOf: (page) => {
            const path = settings.paths[page];
            return path === false ? null : prefix + path;
        }
    };
    checkConsentUrl(pages, 'device', 'deviceConsent');
    checkConsentUrl(pages, 'authorize', 'authorizationConsent');

    await registerViews(server, settings);
    server.route([styles.route, script.route]);
    for (const [name, create] of Object.entries(PAGES)) {
        const path = settings.paths[name as keyof typeof PAGES];
        if (path !== false) {
            server.route(create(pages, path).map((page) => pageRoute(pages, page)));
        }
    }
}

/** The main plugin sends people to its `urls`; a consent page that is somewhere else would never be seen. */
function checkConsentUrl(
    pages: Pages,
    page: 'device' | 'authorize',
    option: 'deviceConsent' | 'authorizationConsent'
): void {
    const path = pages.pathOf(page);
    const { origin, urls } = pages.context.settings;
    const expected = new URL(urls[option]);
    if (path !== null && (expected.origin !== origin || expected.pathname !== path)) {
        throw new Error(
            `${NAME}: "urls.${option}" of hapi-forum-oauth is ${urls[option]}, but "paths.${page}" puts the page at ${origin}${path}: make them the same, or set "paths.${page}" to false`
        );
    }
}
