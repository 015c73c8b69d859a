'use strict';

// The defaults of `lab`; the command line overrides them. The coverage threshold is the test runner's (scripts/test.mjs).
module.exports = {
    typescript: true,
    // TypeORM keeps its metadata in a global, as do zod, which the MCP SDK uses, and playwright; lab does not know this TypeScript helper.
    globals:
        '__spreadArray,typeormMetadataArgsStorage,__zod_globalConfig,__zod_globalRegistry,__core-js_shared__,Symbol(signal-exit emitter)',
    'coverage-exclude': ['dist', 'types', 'example', 'bench', 'scripts', 'eslint.config.mjs', 'plugin/pages/static'],
    timeout: 20_000,
    'context-timeout': 60_000
};
