import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerRoute } from '@hapi/hapi';
import { requestTarget } from '../../http/request-target';
import type { PagesSettings } from '../options';

const STATIC = join(__dirname, '..', 'static');

const TYPES = { 'pages.css': 'text/css', 'pages.js': 'text/javascript' } as const;

/** A file that every page loads. */
export interface Asset {
    route: ServerRoute;
    /** The path, with a version that changes with the content. */
    href: string;
}

/** @param prefix of the routes */
export function asset(name: keyof typeof TYPES, { folder, paths }: PagesSettings, prefix: string): Asset {
    const own = folder === undefined ? '' : join(folder, name);
    const content = readFileSync(existsSync(own) ? own : join(STATIC, name), 'utf8');
    const version = createHash('sha256').update(content).digest('hex').slice(0, 16);
    const path = `${paths.assets}/${name}`;
    return {
        href: `${prefix}${path}?${version}`,
        route: {
            method: 'GET',
            path,
            options: { auth: false, cors: false, security: { hsts: false, noSniff: true } },
            handler: (request, h) =>
                h
                    .response(content)
                    .type(TYPES[name])
                    .header(
                        'cache-control',
                        requestTarget(request).search === `?${version}`
                            ? 'public, max-age=31536000, immutable'
                            : 'no-cache'
                    )
        }
    };
}
