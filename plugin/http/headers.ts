import type { Lifecycle, Request } from '@hapi/hapi';

/** Keeps a response out of every cache: it is a secret or belongs to one person (RFC 6749 §5.1). */
export const NO_STORE = { 'cache-control': 'no-store', pragma: 'no-cache' };

/** Sets headers on the response to a request, errors included. */
export function setHeaders(request: Request, headers: Readonly<Record<string, string>>): void {
    const { response } = request;
    if ('isBoom' in response) {
        Object.assign(response.output.headers, headers);
        return;
    }
    for (const [name, value] of Object.entries(headers)) {
        response.header(name, value);
    }
}

/** An `onPreResponse` that sets headers on every response, errors included. */
export function withHeaders(headers: Readonly<Record<string, string>>): Lifecycle.Method {
    return (request, h) => {
        setHeaders(request, headers);
        return h.continue;
    };
}

/** `onPreResponse` of the routes whose responses must not be cached. */
export const noStore = withHeaders(NO_STORE);
