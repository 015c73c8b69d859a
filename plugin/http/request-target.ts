import type { Request } from '@hapi/hapi';

/**
 * Path and query that a request asks for, as an URL of no origin in particular. hapi puts the `Host` header in front of
 * both, and that header can be anything, a path or a query included.
 */
export function requestTarget(request: Request): URL {
    const { host = '' } = request.headers as { host?: string };
    const isPlain = /^[\w.-]+(:\d+)?$|^\[[\da-f:.]+\](:\d+)?$/i.test(host);
    const search = isPlain ? request.url.search : /\?.*$/s.exec(request.raw.req.url ?? '')?.[0];
    const target = new URL('http://localhost');
    target.pathname = request.path;
    target.search = search ?? '';
    return target;
}
