import type { Server } from '@hapi/hapi';
import { contextOf } from '../context';
import { isolated } from '../http/isolated-route';
import type { PagePaths } from './options';
import { refusalPage } from './consent/refusal';
import { readPagesOptions } from './options-schema';
import type { PagesContext } from './pages-context';
import { CsrfTokens } from './request/csrf';
import { Notices } from './request/notices';
import { pageRoute } from './request/page-route';
import { SpentForms } from './request/spent-forms';
import { pagesAt } from './routes';
import { asset } from './view/static';
import { registerViews } from './view/views';

const NAME = 'hapi-forum-oauth-pages';

/** @throws Error for an option that is unknown or malformed, or that does not fit the options of the main plugin */
export async function registerPages(server: Server, options: unknown): Promise<void> {
    const settings = readPagesOptions(options);
    const context = contextOf(server);
    if (!context) {
        throw new Error(`${NAME}: register hapi-forum-oauth on this server first`);
    }
    const prefix = server.realm.modifiers.route.prefix ?? '';
    const styles = asset('pages.css', settings, prefix);
    const script = asset('pages.js', settings, prefix);
    const pages: PagesContext = {
        context,
        settings,
        csrfTokens: new CsrfTokens(server, context.settings),
        notices: new Notices(server, context.settings),
        spentForms: new SpentForms(server, context.settings),
        assets: { styles: styles.href, script: script.href },
        pathOf: (page) => {
            const path = settings.paths[page];
            return path === false ? null : prefix + path;
        }
    };
    checkConsentUrl(pages, 'device', 'deviceConsent');
    checkConsentUrl(pages, 'authorize', 'authorizationConsent');

    await registerViews(server, settings);
    context.pages.refusal = refusalPage(server, pages);
    const routes = pagesAt(settings.paths).map((page) => pageRoute(pages, page));
    server.route([styles.route, script.route, ...routes].map(isolated));
}

/** The main plugin sends members to its `urls`, so a consent page anywhere else would never be seen. */
function checkConsentUrl(
    pages: PagesContext,
    page: keyof Pick<PagePaths, 'device' | 'authorize'>,
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
