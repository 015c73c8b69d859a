// Clients that refresh their tokens while everything around them breaks: does one lose its grant, does a token family fork,
// is a response wrong?
//
// npm run faults -- [--seconds=600] [--clients=1000] [--rate=150] [--kills=20] [--database-kills=3] [--redis-kills=3]
//     [--retry-window=60] [--only=web,mariadb,redis,cuts,silence,pool,lock,slow,clock]
//
// --rate: refreshes per second that all clients together aim at. --retry-window: seconds, or "until-used". One client in
// fifty is revoked during the run, by its account or by itself. The last line is the whole report as JSON. Exits with 1
// unless all three counts are 0.

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import mysql from 'mysql2/promise';
import { audit } from '../faults/audit.mjs';
import { createFaults, KINDS } from '../faults/kinds.mjs';
import { Line } from '../faults/line.mjs';
import { Member } from '../faults/member.mjs';
import { Records } from '../faults/records.mjs';
import { report } from '../faults/report.mjs';
import { Supervisor } from '../faults/supervisor.mjs';
import { createDatabase, serve } from '../lib/database.mjs';
import { inBatches } from '../lib/mint.mjs';
import { OAuth } from '../lib/plugin.mjs';
import { registerApplications, signIn } from '../lib/sign-in.mjs';
import { ISSUER } from '../lib/work.mjs';

/** Share of the clients that are revoked. */
const REVOKED = 0.02;

const { values } = parseArgs({
    options: {
        seconds: { type: 'string', default: '600' },
        clients: { type: 'string', default: '1000' },
        rate: { type: 'string', default: '150' },
        kills: { type: 'string', default: '20' },
        'database-kills': { type: 'string' },
        'redis-kills': { type: 'string' },
        'retry-window': { type: 'string', default: '60' },
        only: { type: 'string', default: KINDS.join(',') }
    }
});
const only = values.only.split(',');
const unknown = only.filter((kind) => !KINDS.includes(kind));
if (unknown.length > 0) {
    throw new Error(`Unknown fault ${unknown.join(', ')}: use ${KINDS.join(', ')}`);
}
const [seconds, clients, rate] = [values.seconds, values.clients, values.rate].map(Number);
const window = values['retry-window'] === 'until-used' ? 'until-used' : Number(values['retry-window']);
/** How often something happens in a run when it happens every so many seconds. */
const every = (interval) => Math.max(1, Math.round(seconds / interval));
const COUNTS = {
    web: Number(values.kills),
    mariadb: Number(values['database-kills'] ?? every(200)),
    redis: Number(values['redis-kills'] ?? every(200)),
    cuts: every(100),
    silence: every(200),
    pool: every(120),
    lock: every(200),
    slow: every(120),
    clock: every(200)
};

const server = await serve('durable-mariadb', 'redis');
const url = await createDatabase(server.database);
const line = await Line.open(url);
const key = await OAuth.generateSigningKey();
const web = new Supervisor({ database: line.url, redis: server.redis, key, issuer: ISSUER, window });
await web.start();
const faults = createFaults({ server, url, line, web, duration: Math.min(5000, seconds * 20) });

const records = new Records();
const applications = await registerApplications(web.origin);
const members = await inBatches(clients, async (number) => {
    const application = applications[number % applications.length];
    const account = `account${number}`;
    const tokens = await signIn(application, account);
    return new Member({ application, account, tokens, issuer: ISSUER, key, records });
});
console.error(`${clients} clients signed in`);

const began = performance.now();
const until = began + seconds * 1000;
const cpu = process.cpuUsage();

/** Repeats `work` at random moments spread over the run. */
const spread = (times, work) =>
    Array.from({ length: times }, async (_none, index) => {
        await sleep(seconds * 1000 * (0.02 + (0.93 * (index + Math.random())) / times));
        await work(index);
    });
const happening = only.flatMap((kind) =>
    spread(COUNTS[kind], async () => {
        console.error(`${((performance.now() - began) / 1000).toFixed(1)} s: ${kind}`);
        const end = records.fault(kind);
        try {
            await faults[kind]();
        } catch (error) {
            // A table lock, for example, is gone with the killed server.
            console.error(`${kind}: ${error.message}`);
        }
        end();
    })
);
const revoked = members.filter((_member, index) => index % Math.round(1 / REVOKED) === 0);
const revocations = spread(revoked.length, (index) => revoked[index].revoke(index % 2 === 0));
await Promise.all([
    ...members.map((member) => member.live((clients / rate) * 1000, until)),
    ...happening,
    ...revocations
]);

// Nothing breaks any more: every client refreshes once more. Revoked ones must be refused, all others must not.
const deadline = performance.now() + 60_000;
await Promise.all(members.filter(({ isLost }) => !isLost).map((member) => member.refresh(deadline)));
const { user, system } = process.cpuUsage(cpu);
const stopped = await web.stop();
if (stopped === null) {
    records.wrong.push('The web process did not stop after SIGTERM');
}
records.wrong.push(...web.failures);
const connection = await mysql.createConnection(url);
const alive = await audit(connection, members, records);
await connection.end();
line.close();
await server.stop();

report({
    seconds,
    clients,
    applications: applications.length,
    took: (performance.now() - began) / 1000,
    processorTime: (user + system) / 1e6,
    revoked: revoked.length,
    cleanups: web.cleanups,
    cuts: line.cuts,
    alive,
    stopped,
    records
});
process.exitCode = records.lost.length + records.forked.length + records.wrong.length > 0 ? 1 : 0;
