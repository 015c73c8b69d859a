'use strict';

// lab's console reporter, which also tells the test runner how many tests passed and failed, over the channel that the
// runner opened.

const ConsoleReporter = require('@hapi/lab/lib/reporters/console');

// A runner that was killed can stop nothing any more: then neither tests nor a report are wanted.
if (!process.connected) {
    process.exit(1);
}

process.once('disconnect', () => process.exit(1));

module.exports = class extends ConsoleReporter {
    constructor(options) {
        super(options);
        // To lab, which is about to open it, this is a file where there is one reporter only.
        if (options.output === 'stdout') {
            options.output = process.stdout;
        }
    }

    async end(notebook) {
        super.end(notebook);

        const tests = [...new Set(notebook.tests)].filter((test) => !test.skipped && !test.todo);
        const failed = tests.filter((test) => test.err).length;

        const counts = {
            passed: tests.length - failed,
            // An afterEach that fails is an error of the script and of none of its tests.
            failed: failed || notebook.errors.length
        };

        await new Promise((resolve) => process.send({ counts }, resolve));
    }
};
