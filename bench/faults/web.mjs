// The web process that faults happen to: a forum with the plugin, and a worker of its jobs.
//
// node faults/web.mjs
// Prints {"listening": true} when it listens, {"cleanup"} for each run of a job and {"failure"} for each response of 500.
// Reads lines of JSON:
//   {"start": {…}}                starts with these settings; until then it is on standby, with all its code loaded
//   {"clock": ms}                 sets its clock to this difference from the true time
//   {"slow": {"share", "ms"}}     makes this share of `accounts.find` take up to this long
//   {"hold": ms}                  keeps every connection of its pool busy for this long

import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startWorker } from '../dist/jobs/index.js';
import { connect } from '../lib/database.mjs';
import { Hapi, OAuth } from '../lib/plugin.mjs';
import { PERMISSIONS } from '../lib/work.mjs';

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
    // Faults of the database and hapi's own limits are answered with 503, which the clients count.
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
        // All clients of a run share one client address; the limits see one for each account.
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
    onSweep: (report) => tell({ cleanup: report })
});
await server.start();
tell({ listening: true });

holdPool = (ms) => {
    for (let held = 0; held < pool; ++held) {
        dataSource.query(`SELECT SLEEP(${ms / 1000})`).catch(() => undefined);
    }
};
// It ends with the process that started it.
process.stdin.once('end', () => process.exit(1));
process.once('SIGTERM', async () => {
    input.close();
    await server.stop({ timeout: 5000 });
    await worker.close();
    await dataSource.destroy();
    counters.disconnect();
});
