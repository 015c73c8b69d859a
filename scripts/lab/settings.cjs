'use strict';

// What the `lab` command makes of .labrc.js and its own defaults, for the processes that run lab without the command.

const { join } = require('node:path');
const { extensions } = require('@hapi/lab/lib/modules/typescript');
const rc = require('../../.labrc.js');

module.exports = {
    ...rc,
    globals: rc.globals.split(','),
    transform: extensions,
    sourcemaps: true,
    coveragePath: join(__dirname, '../..'),
    coveragePattern: /\.(js|mjs|cjs|ts|tsx)$/,
    coverageExclude: ['node_modules', 'test', ...rc['coverage-exclude']],
    'coverage-all': true
};
