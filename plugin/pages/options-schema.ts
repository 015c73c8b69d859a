import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import Joi from 'joi';
import type { PagesSettings } from './options';
import { PERMISSION_TEXTS } from './permission-texts';
import { STRINGS } from './strings';

/** A path of the forum's origin: not `//host`, and nothing that a template would have to escape. */
const path = Joi.string().pattern(/^\/(?!\/)[\w\-./~]*$/, 'a path of the forum');

const mountPath = path.pattern(/[^/]$/, 'no trailing slash');

const page = Joi.alternatives(mountPath, Joi.valid(false));

const text = Joi.string().allow('').max(5000);

const folder = Joi.string()
    .custom((value: string) => {
        if (!isAbsolute(value) || !statSync(value, { throwIfNoEntry: false })?.isDirectory()) {
            throw new Error('not a folder');
        }
        return value;
    })
    .messages({ 'any.custom': '{{#label}} must be the absolute path of a folder' });

/** The key of a field's error: `invalid`, the field and the rule that refused it. */
const invalidKey = Joi.string().pattern(/^invalid\.\w+\.\w+$/);

const schema = Joi.object<PagesSettings>({
    folder,
    strings: Joi.object().pattern(Joi.alternatives(Joi.valid(...Object.keys(STRINGS)), invalidKey), text),
    permissions: Joi.object().pattern(Joi.string(), Joi.object({ name: text.required(), sentence: text.required() })),
    language: Joi.string()
        .custom((value: string) => Intl.getCanonicalLocales(value)[0])
        .default('en'),
    stylesheets: Joi.array().items(path).default([]),
    home: path.default('/'),
    paths: Joi.object({
        device: page.default('/oauth/consent'),
        authorize: page.default('/oauth/authorize/consent'),
        connectedApps: page.default('/settings/connected-apps'),
        myApps: page.default('/settings/my-apps'),
        admin: page.default('/admin/apps'),
        assets: mountPath.default('/oauth/pages')
    }).default()
})
    .label('options')
    .prefs({ convert: false });

/** @throws Error that names the option */
export function readPagesOptions(options: unknown): PagesSettings {
    const result = schema.validate(options);
    if (result.error) {
        throw new Error(`hapi-forum-oauth-pages: ${result.error.message}`);
    }
    const { strings, permissions, ...rest } = result.value;
    return {
        ...rest,
        strings: { ...STRINGS, ...strings },
        permissions: { ...PERMISSION_TEXTS, ...permissions }
    };
}
