import type { Request, RouteOptionsResponse } from '@hapi/hapi';

/** Sets a header on whatever the request is answered with, errors included. */
export function setHeaders(request: Request, headers: Record<string, string>): void {
    const { response } = request;
    if ('isBoom' in response) {
        Object.assign(response.output.headers, headers);
        return;
    }
    for (const [name, value] of Object.entries(headers)) {
        response.header(name, value);
    }
}

/** For answers that are a secret or somebody's (RFC 6749 §5.1). */
export const NO_STORE = { 'cache-control': 'no-store', pragma: 'no-cache' };

/** Answers come whole: hapi would cut a page in pieces for whoever asks, and answer a wrong `Range` in its own shape. */
export const WHOLE: RouteOptionsResponse = { ranges: false };
