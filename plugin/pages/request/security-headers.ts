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

/** `onPreResponse`: no page is framed, cached or named as a referrer, and none runs inline or foreign code. */
export const addSecurityHeaders = withHeaders({
    ...NO_STORE,
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY'
});
