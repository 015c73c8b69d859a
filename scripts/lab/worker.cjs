'use strict';

// Runs the test files that the runner names, each as `lab <file>` would, one after the other in one process: to load
// TypeScript and TypeORM takes longer than most of the files do. Reports after each file, and its coverage at the end.

const { resolve } = require('node:path');
const Lab = require('@hapi/lab');
const settings = require('./settings.cjs');
// Ends this process, too, when the runner has ended.
require('./reporter.cjs');

process.env.NODE_ENV = 'test';
process.setSourceMapsEnabled(true);
const instrumented = Lab.coverage.instrument(settings);

async function run(file) {
    const { lab } = require(resolve(file));
    if (!lab) {
        throw new Error(`${file} does not export its lab script as "lab".`);
    }

    const reporter = './scripts/lab/reporter.cjs';
    return Lab.report([lab], { ...settings, reporter, output: null, progress: 0 });
}

process.on('message', async ({ file }) => {
    await instrumented;
    if (file === undefined) {
        process.send({ coverage: global.__$$labCov.files }, () => process.exit());
        return;
    }

    const { code, output } = await run(file);
    process.send({ code, output });
});
