import Joi from 'joi';
import { isLoopback } from '../loopback';

/** Pages of the host's frontend, absolute URLs. Each has a default on the issuer's origin. */
export interface Urls {
    /** The sign-in page. Default: `/login`. */
    login: string;
    /** Default: `/oauth/authorize/consent`. */
    authorizationConsent: string;
    /** Default: `/oauth/consent`. */
    deviceConsent: string;
    /** The parameter of the sign-in page that the way back is in. Default: `return_to`. */
    loginReturnParameter: string;
}

/** The pages on which people decide. */
export const CONSENT_PAGES = ['authorizationConsent', 'deviceConsent'] as const;

/** The pages among the URLs. */
export const PAGES = ['login', 'authorizationConsent', 'deviceConsent'] as const;

/** `https`, or `http` on a loopback host, in the form in which it is published (RFC 8414 §2). */
export const issuer = Joi.string()
    .max(512)
    .custom((value: string) => {
        const url = webUrl(value);
        const secure = url && (url.protocol === 'https:' || isLoopback(url.hostname));
        if (!secure || value !== url.origin + (url.pathname === '/' ? '' : url.pathname) || value.endsWith('/')) {
            throw new Error('not an issuer');
        }
        return value;
    })
    .messages({
        'any.custom':
            '{{#label}} must be an https URL (or http on a loopback host) in its plain form, without trailing slash, query or fragment'
    });

/** An origin such as `https://forum.example`, as browsers send it. */
export const origin = Joi.string()
    .custom((value: string) => {
        // hapi would treat an asterisk as a wildcard; no browser sends one.
        if (webUrl(value)?.origin !== value || value.includes('*')) {
            throw new Error('not an origin');
        }
        return value;
    })
    .messages({ 'any.custom': '{{#label}} must be an origin such as https://forum.example' });

const page = Joi.string()
    .max(2048)
    .custom((value: string) => {
        if (!webUrl(value) || value.includes('#')) {
            throw new Error('not a page');
        }
        return value;
    })
    .messages({ 'any.custom': '{{#label}} must be an absolute http or https URL without fragment' });

export const urls = Joi.object<Urls>({
    login: page.default(onIssuerOrigin('/login')),
    authorizationConsent: page.default(onIssuerOrigin('/oauth/authorize/consent')),
    deviceConsent: page.default(onIssuerOrigin('/oauth/consent')),
    loginReturnParameter: Joi.string()
        .max(64)
        .pattern(/^[\w.~-]+$/, 'letters, digits and _.~-')
        .default('return_to')
}).default();

/** A default that follows from the issuer, whose key is beside that of the group. */
function onIssuerOrigin(path: string): Joi.Reference {
    return Joi.ref('...issuer', { adjust: (value: string) => new URL(path, value).href });
}

/** An absolute http or https URL without user information; null for any other text. */
function webUrl(text: string): URL | null {
    const url = URL.canParse(text) ? new URL(text) : null;
    return url && (url.protocol === 'https:' || url.protocol === 'http:') && !url.username && !url.password
        ? url
        : null;
}
