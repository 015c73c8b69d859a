'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { promisify } = require('node:util');
const { startWorker } = require('hapi-forum-oauth/worker');

const TIMEOUT = 30_000;

/** A worker on Redis, until each of its jobs has run. */
exports.runWorker = async function runWorker({ dataSource, connection, prefix }) {
    const jobs = new Set();
    let worker;
    await new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`Only ran: ${[...jobs]}`)), TIMEOUT);
        worker = startWorker({
            dataSource,
            connection,
            prefix,
            every: { 'expire-device-codes': 1, 'prune-refresh-chains': 1, 'remove-unused': 1 },
            onSweep: ({ job }) => {
                jobs.add(job);
                if (jobs.size === 3) {
                    clearTimeout(timer);
                    resolve();
                }
            },
            onError: reject
        });
    });
    await worker.close();
};

/** The command, as a service manager or cron would start it. */
exports.runCommand = async function runCommand(databaseUrl) {
    const command = require.resolve('./node_modules/.bin/forum-oauth-worker');
    const { stdout } = await promisify(execFile)(process.execPath, [command, '--once'], {
        env: { ...process.env, DATABASE_URL: databaseUrl },
        timeout: TIMEOUT
    });
    assert.equal(stdout.trim().split('\n').length, 3, stdout);
};
