import type { Account } from '../../options/options';
import { isAdministrator } from '../../policy';
import type { PagesContext } from '../pages-context';

/** What the layout around every page shows. */
export function layoutModel(pages: PagesContext, account: Account | null): object {
    const { assets, context, settings } = pages;
    return {
        language: settings.language,
        home: settings.home,
        styles: [assets.styles, ...settings.stylesheets],
        script: assets.script,
        account,
        links: {
            connectedApps: pages.pathOf('connectedApps'),
            myApps: pages.pathOf('myApps'),
            admin: account !== null && isAdministrator(context, account) ? pages.pathOf('admin') : null
        }
    };
}
