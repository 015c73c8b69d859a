import Joi from 'joi';
import { isLoopback } from '../loopback';
import { STANDARD_SCOPES } from '../scopes/registry';
import type { PermissionSettings } from './permissions';

/** A protected resource (RFC 9728) that tokens can be issued for. */
export interface Resource {
    /** `https`, or `http` on a loopback host, without query and fragment. It is `aud` of its tokens, exactly as given. */
    identifier: string;
    /** The permissions that are of use there. It describes, it does not limit. */
    scopes?: string[];
    name?: string;
    documentation?: string;
    policyUri?: string;
    tosUri?: string;
}

const identifier = Joi.string()
    .max(512)
    .custom((value: string) => {
        const url = URL.canParse(value) ? new URL(value) : null;
        const isSecure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
        const isPlain =
            url !== null && !/[?#]/.test(value) && url.username === '' && url.password === '' && !value.includes('@');
        const endsWell = url !== null && (url.pathname === '/' || !value.endsWith('/'));
        // As a URL is written: a route is made of its path, and two that mean the same must look the same.
        const isAsWritten = url !== null && isWrittenPlainly(url, value);
        if (!isSecure || !isPlain || !endsWell || !isAsWritten) {
            throw new Error('not a resource');
        }
        return value;
    })
    .messages({
        'any.custom':
            '{{#label}} must be an https URL (or http on a loopback host) without query, fragment, user information and trailing slash, in its plain form: no default port, no dot segments, and no %-escapes that are not needed'
    });

/** Whether a URL is in the form in which browsers write it, but for the case of its host and a missing path. */
function isWrittenPlainly({ href, origin, pathname }: URL, value: string): boolean {
    const given = value.slice(origin.length);
    const escapes = pathname.match(/%[0-9a-f]{2}/gi) ?? [];
    return (
        value.slice(0, origin.length).toLowerCase() === origin &&
        (given === '' || origin + given === href) &&
        escapes.every((each) => /^%[0-9A-F]{2}$/.test(each) && !/[\w.~-]/.test(characterOf(each)))
    );
}

/** The character of a %-escape. */
function characterOf(escape: string): string {
    return String.fromCharCode(Number.parseInt(escape.slice(1), 16));
}

const webPage = Joi.string()
    .max(2048)
    .uri({ scheme: ['https', 'http'] });

/** Protected resources; the first is the default. */
export const resources = Joi.array()
    .items(
        Joi.object<Resource>({
            identifier: identifier.required(),
            scopes: Joi.array().items(Joi.string()).unique(),
            name: Joi.string().max(200),
            documentation: webPage,
            policyUri: webPage,
            tosUri: webPage
        })
    )
    .min(1)
    .max(50)
    .unique((one: Resource, other: Resource) => comparable(one.identifier) === comparable(other.identifier));

/**
 * A resource in the form in which two are compared: scheme and host in lower case, and without one slash at the end. Text
 * that is no URL stays as it is.
 */
export function comparable(resource: string): string {
    const [, origin, path = ''] = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]*)(.*)$/is.exec(resource) ?? [];
    return origin === undefined ? resource : origin.toLowerCase() + path.replace(/\/$/, '');
}

/** What the options say of the tokens: whom they are for, and which scopes are offered. */
interface TokenOptions {
    issuer: string;
    permissions: PermissionSettings;
    audience?: string;
    resources?: Resource[];
    advertisedScopes?: string[];
}

/**
 * Fills in what depends on several options.
 *
 * @throws Error where they contradict each other
 */
export function tokensOf({ issuer, permissions, audience, resources: given = [], advertisedScopes }: TokenOptions): {
    audience: string;
    resources: Resource[];
    advertisedScopes: string[];
} {
    const first = given[0]?.identifier;
    if (first !== undefined && audience !== undefined && audience !== first) {
        throw new Error(`hapi-forum-oauth: "audience" must be the first of "resources", ${first}, but got ${audience}`);
    }
    for (const [place, { scopes = [] }] of given.entries()) {
        for (const name of scopes) {
            if (name === 'offline_access' || name === permissions.administrator) {
                throw new Error(`hapi-forum-oauth: "resources[${place}].scopes" must not name ${name}`);
            }
            requireKnown(`resources[${place}].scopes`, name, permissions);
        }
    }
    for (const name of advertisedScopes ?? []) {
        requireKnown('advertisedScopes', name, permissions);
    }
    return {
        audience: audience ?? first ?? issuer,
        resources: given,
        // Some clients request all that is listed.
        advertisedScopes: advertisedScopes ?? [
            ...STANDARD_SCOPES,
            ...permissions.all.filter((name) => name !== permissions.administrator)
        ]
    };
}

function requireKnown(option: string, name: string, { all }: PermissionSettings): void {
    if (!STANDARD_SCOPES.some((each) => each === name) && !all.includes(name)) {
        throw new Error(`hapi-forum-oauth: "${option}" must have scopes that the forum knows, but got ${name}`);
    }
}
