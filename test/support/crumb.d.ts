/** The package has no types. */
declare module '@hapi/crumb' {
    import type { Plugin } from '@hapi/hapi';

    export const plugin: Plugin<object>;
}
