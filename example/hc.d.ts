declare module '@hapi/cookie' {
    import type { Plugin } from '@hapi/hapi';

    export const plugin: Plugin<void>;
}
