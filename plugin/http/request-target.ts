import type { Request } from '@hapi/hapi';

/** Path and query that a request asks for. Its origin says nothing. */
export function requestTarget(request: Request): URL {
    try {
        return request.url;
    } catch {
        // hapi puts the Host header in front, which can be anything.
        return new URL(`http://localhost${request.raw.req.url}`);
    }
}
