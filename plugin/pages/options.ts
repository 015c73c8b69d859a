import type { PermissionText } from './permission-texts';

/** Where the pages are, below the route prefix of their registration. False leaves a page out. */
export interface PagePaths {
    /** Default `/oauth/consent`. Must be the path of `urls.deviceConsent`. */
    device: string | false;
    /** Default `/oauth/authorize/consent`. Must be the path of `urls.authorizationConsent`. */
    authorize: string | false;
    /** Default `/settings/connected-apps`. */
    connectedApps: string | false;
    /** Default `/settings/my-apps`. */
    myApps: string | false;
    /** Default `/admin/apps`. */
    admin: string | false;
    /** Stylesheet and script. Default `/oauth/pages`. */
    assets: string;
}

/** The options of the pages. */
export interface PagesOptions {
    /** Absolute path of a folder whose files replace the pages' own: templates, `partials/`, stylesheet and script. */
    folder?: string;
    /** Texts that replace the pages' own, by their keys. */
    strings?: Record<string, string>;
    /** Texts for the forum's own permissions, or that replace the pages' own. */
    permissions?: Record<string, PermissionText>;
    /** The language of the texts, as a BCP 47 tag, for the documents and their dates. Default `en`. */
    language?: string;
    /** Paths of the forum's own stylesheets, which load after the pages' own. */
    stylesheets?: string[];
    /** Where the forum's name links to. Default `/`. */
    home?: string;
    paths?: Partial<PagePaths>;
}

/** The options with every default filled in. */
export interface PagesSettings {
    folder?: string;
    strings: Record<string, string>;
    permissions: Record<string, PermissionText>;
    language: string;
    stylesheets: string[];
    home: string;
    paths: PagePaths;
}
