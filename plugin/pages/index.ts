import { createRequire } from 'node:module';
import type { Plugin } from '@hapi/hapi';
import type { PagesOptions } from './options';
import type * as Registration from './register';

const load = createRequire(__filename);

/**
 * Ready-made pages for a forum that has none of its own: a second plugin, registered after the first on the same server.
 * The code that renders them is loaded on registration, so that a forum without the pages does not load it.
 */
export const pages: Plugin<PagesOptions> = {
    name: 'hapi-forum-oauth-pages',
    requirements: { hapi: '>=21.0.0' },
    register: (server, options) => (load('./register') as typeof Registration).registerPages(server, options)
};

export type { PagePaths, PagesOptions } from './options';
export type { PermissionText } from './permission-texts';
