import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import Joi from 'joi';
import { CATALOG } from './catalog';
import { STRINGS } from './strings';

/** What a permission or a standard scope is called, and what it lets an application do. */
export interface PermissionText {
    name: string;
    /** Ends the words "It will be able to": one sentence that a member understands. */
    sentence: string;
}

/** Where the pages are, below the plugin's route prefix. False leaves a page out. */
export interface PagePaths {
    /** Default `/oauth/consent`; what `urls.deviceConsent` has to name. */
    device: string | false;
    /** Default `/oauth/authorize/consent`; what `urls.authorizationConsent` has to name. */
    authorize: string | false;
    /** Default `/settings/connected-apps`. */
    connectedApps: string | false;
    /** Default `/settings/my-apps`. */
    myApps: string | false;
    /** Default `/admin/apps`. */
    admin: string | false;
    /** Styles and script. Default `/oauth/pages`. */
    assets: string;
}

/** The options of the pages. */
export interface PagesOptions {
    /** Absolute path of a folder whose files replace ours of the same name: templates, `partials/`, styles and script. */
    folder?: string;
    /** Texts that replace ours. */
    strings?: Record<string, string>;
    /** Texts of the forum's own permissions, or in place of ours. */
    permissions?: Record<string, PermissionText>;
    /** The language of the texts, for the document and its dates. Default `en`. */
    language?: string;
    /** Paths of the forum's own stylesheets, loaded after ours. */
    stylesheets?: string[];
    /** Where the forum's name leads. Default `/`. */
    home?: string;
    paths?: Partial<PagePaths>;
}

/** The options with every default filled in. */
export interface PagesSettings {
    folder: string | undefined;
    strings: Record<string, string>;
    permissions: Record<string, PermissionText>;
    language: string;
    stylesheets: string[];
    home: string;
    paths: PagePaths;
}

/** A path of this origin: not `//host`, and nothing that a template would have to mind. */
const path = Joi.string().pattern(/^\/(?!\/)[\w\-./~]*$/, 'a path of the forum');

const page = Joi.alternatives(path.pattern(/[^/]$/, 'no trailing slash'), Joi.valid(false));

const text = Joi.string().allow('').max(5000);

const folder = Joi.string()
    .custom((value: string) => {
        if (!isAbsolute(value) || !statSync(value, { throwIfNoEntry: false })?.isDirectory()) {
            throw new Error('no folder');
        }
        return value;
    })
    .messages({ 'any.custom': '{{#label}} must be the absolute path of a folder' });

/** The text of a field's error, by the field and the rule of the operation that refused it. */
const INVALID = Joi.string().pattern(/^invalid\.\w+\.\w+$/);

const schema = Joi.object({
    folder,
    strings: Joi.object().pattern(Joi.alternatives(Joi.valid(...Object.keys(STRINGS)), INVALID), text),
    permissions: Joi.object().pattern(Joi.string(), Joi.object({ name: text.required(), sentence: text.required() })),
    language: Joi.string().custom((value: string) => Intl.getCanonicalLocales(value)[0]),
    stylesheets: Joi.array().items(path),
    home: path,
    paths: Joi.object({
        device: page,
        authorize: page,
        connectedApps: page,
        myApps: page,
        admin: page,
        assets: path.pattern(/[^/]$/, 'no trailing slash')
    })
})
    .label('options')
    .prefs({ convert: false });

/** @throws Error that names the option */
export function readPagesOptions(options: unknown): PagesSettings {
    const result = schema.validate(options) as Joi.ValidationResult<PagesOptions>;
    if (result.error) {
        throw new Error(`hapi-forum-oauth-pages: ${result.error.message}`);
    }
    const given = result.value;
    return {
        folder: given.folder,
        strings: { ...STRINGS, ...given.strings },
        permissions: { ...CATALOG, ...given.permissions },
        language: given.language ?? 'en',
        stylesheets: given.stylesheets ?? [],
        home: given.home ?? '/',
        paths: {
            device: '/oauth/consent',
            authorize: '/oauth/authorize/consent',
            connectedApps: '/settings/connected-apps',
            myApps: '/settings/my-apps',
            admin: '/admin/apps',
            assets: '/oauth/pages',
            ...given.paths
        }
    };
}
