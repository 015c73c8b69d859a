// A web process that faults happen to: a forum with the plugin, and the worker of its jobs beside it.
//
// node web.mjs. It prints {"listening": true} once it answers, {"sweep": {…}} for each run of a job and {"failure": "…"} for
// each answer of 500. It reads JSON lines:
//   {"start": {…}}                begins, with these settings; until then it stands by, with all its code loaded
//   {"clock": ms}                 moves its clock to that far from the true time
//   {"slow": {"share", "ms"}}     that share of `accounts.find` takes up to so long
//   {"hold": ms}                  every connection of its pool is busy for so long

import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import Hapi from '@hapi/hapi';
import { Redis } from 'ioredis';
import { connect } from '../database.mjs';
import { startWorker } from '../dist/jobs/index.js';
import OAuth from '../dist/plugin/index.js';
import { PERMISSIONS } from '../peers/work.mjs';

const tell = (line) => console.log(JSON.stringify(line));
const state = { clock: 0, slow: { share: 0, ms: 0 } };
const clock = () => Date.now() + state.clock;
let holdPool = () => undefined;

const input = createInterface(process.stdin);
const { port, database, redis, pool, key, issuer, window } = await new Promise((resolve) => {
    input.on('line', (line) => {
        const { start, hold, ...changes } = JSON.parse(line);
        if (start) {
            state.clock = start.clock;
            resolve(start);
        }
        if (hold) {
            holdPool(hold);
        }
        Object.assign(state, changes);
    });
});

const dataSource = await connect(database, { extra: { connectionLimit: pool, queueLimit: 200 } });
const server = Hapi.server({ host: '127.0.0.1', port, debug: false });
server.auth.scheme('member', () => ({
    authenticate: (request, h) => h.authenticated({ credentials: { accountId: request.headers['x-account'] } })
}));
server.auth.strategy('session', 'member');
const counters = new Redis(redis);
counters.on('error', () => undefined);
server.events.on({ name: 'request', channels: 'error' }, (_request, { error }) => {
    // What the database or hapi's own limits cause is answered 503, and the load counts it.
    if (error.output?.statusCode !== 503) {
        tell({ failure: error.stack });
    }
});
await server.register({
    plugin: OAuth,
    routes: { prefix: '/api' },
    options: {
        issuer,
        dataSource,
        accounts: {
            find: async (id) => {
                const { share, ms } = state.slow;
                if (Math.random() < share) {
                    await sleep(Math.random() * ms);
                }
                return { id, handle: id, name: id, permissions: PERMISSIONS };
            }
        },
        session: { strategy: 'session' },
        signingKeys: [key],
        lifetimes: { refreshRetryWindow: window },
        // All clients of a run have one address; here each account has its own.
        limits: { redis: counters, address: ({ headers }) => headers['x-account'] },
        clock
    }
});
server.route({
    method: 'GET',
    path: '/whoami',
    options: { auth: 'oauth' },
    handler: ({ auth: { credentials } }) => ({ account: credentials.accountId, client: credentials.clientId })
});

const worker = startWorker({
    dataSource,
    connection: redis,
    clock,
    every: { 'expire-device-codes': 5, 'prune-refresh-chains': 5 },
    retention: 90,
    onSweep: (report) => tell({ sweep: report })
});
await server.start();
tell({ listening: true });

holdPool = (ms) => {
    for (let held = 0; held < pool; ++held) {
        dataSource.query(`SELECT SLEEP(${ms / 1000})`).catch(() => undefined);
    }
};
// It does not outlive who started it.
process.stdin.once('end', () => process.exit(1));
process.once('SIGTERM', async () => {
    input.close();
    await server.stop({ timeout: 5000 });
    await worker.close();
    await dataSource.destroy();
    counters.disconnect();
});
