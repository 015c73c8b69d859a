import type { ResponseObject } from '@hapi/hapi';
import { NO_STORE, withHeaders } from '../../http/headers';

const CONTENT_SECURITY_POLICY = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'"
].join('; ');

/** No page is framed, cached or named as a referrer, and none runs inline or foreign code. */
const SECURITY_HEADERS = {
    ...NO_STORE,
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY'
};

/** `onPreResponse` of the pages. */
export const addSecurityHeaders = withHeaders(SECURITY_HEADERS);

/** The same headers on a page that another route responds with. */
export function setPageHeaders(response: ResponseObject): ResponseObject {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
        response.header(name, value);
    }
    return response;
}
