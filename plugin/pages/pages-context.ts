import type { Context } from '../context';
import type { PagePaths, PagesSettings } from './options';
import type { CsrfTokens } from './request/csrf';
import type { Notices } from './request/notices';
import type { SpentForms } from './request/spent-forms';

/** Everything that one registration of the pages works with. */
export interface PagesContext {
    /** The context of the main plugin on the same server. */
    context: Context;
    settings: PagesSettings;
    csrfTokens: CsrfTokens;
    notices: Notices;
    spentForms: SpentForms;
    /** The URLs of the stylesheet and the script. */
    assets: { styles: string; script: string };
    /** The path of a page, route prefix included; null for a page that is left out. */
    pathOf(page: keyof PagePaths): string | null;
}
