import type { Lifecycle } from '@hapi/hapi';
import { NO_STORE, setHeaders } from '../../http/headers';

const CONTENT_SECURITY_POLICY = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'"
].join('; ');

const HEADERS = {
    ...NO_STORE,
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY'
};

/** For `onPreResponse`: no page is framed, cached or named as a referrer, and none runs inline or foreign code. */
export const addSecurityHeaders: Lifecycle.Method = (request, h) => {
    setHeaders(request, HEADERS);
    return h.continue;
};
