// Clients that follow their refresh tokens, while everything around them breaks: is a grant lost, a chain forked, an
// answer wrong?
//
// node faults.mjs [--seconds=600] [--clients=1000] [--rate=150] [--kills=20] [--database-kills=3] [--redis-kills=3]
//     [--retry-window=60] [--only=web,mariadb,redis,cuts,silence,pool,lock,slow,clock]
//
// `--rate` is how many refreshes a second all clients together aim at. The web process listens on one port, and
// another takes its place whatever ends it; between it and MariaDB is a line that can be cut and fall silent. One client in fifty is
// cut off by its account or by itself in the course of it. The last line is everything as JSON; ends with status 1
// unless all three counts are 0.

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import mysql from 'mysql2/promise';
import { createDatabase, serve } from './database.mjs';
import OAuth from './dist/plugin/index.js';
import { audit } from './faults/audit.mjs';
import { Line } from './faults/line.mjs';
import { Member } from './faults/member.mjs';
import { Records } from './faults/records.mjs';
import { registerApplications, signIn } from './faults/sign-in.mjs';
import { Supervisor } from './faults/supervisor.mjs';

const KINDS = ['web', 'mariadb', 'redis', 'cuts', 'silence', 'pool', 'lock', 'slow', 'clock'];
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
const [seconds, clients, rate] = [values.seconds, values.clients, values.rate].map(Number);
const window = values['retry-window'] === 'until-used' ? 'until-used' : Number(values['retry-window']);
const often = (each) => Math.max(1, Math.round(seconds / each));
const COUNTS = {
    web: Number(values.kills),
    mariadb: Number(values['database-kills'] ?? often(200)),
    redis: Number(values['redis-kills'] ?? often(200)),
    cuts: often(100),
    silence: often(200),
    pool: often(120),
    lock: often(200),
    slow: often(120),
    clock: often(200)
};
/** How many clients are cut off, and how long a fault that lasts does, milliseconds. */
const ENDED = 0.02;
const LASTS = Math.min(5000, seconds * 20);
const ISSUER = 'https://forum.example';

const server = await serve('durable-mariadb', 'redis');
const url = await createDatabase(server.database);
const line = await Line.open(url);
const key = await OAuth.generateSigningKey();
const web = new Supervisor({ database: line.url, redis: server.redis, key, issuer: ISSUER, window });
await web.start();

const records = new Records();
const applications = await registerApplications(web.origin);
const members = [];
while (members.length < clients) {
    const some = Array.from(
        { length: Math.min(20, clients - members.length) },
        (_none, index) => members.length + index
    );
    members.push(
        ...(await Promise.all(
            some.map(async (number) => {
                const application = applications[number % applications.length];
                const account = `account${number}`;
                const tokens = await signIn(application, account);
                return new Member({ application, account, tokens, issuer: ISSUER, key, records });
            })
        ))
    );
}
console.error(`${clients} clients signed in`);

let clock = 0;
const faults = {
    web: () => web.kill(),
    mariadb: async () => {
        await server.act('durable-mariadb', 'kill');
        await sleep(500 + Math.random() * 1500);
        await server.act('durable-mariadb', 'start');
    },
    redis: async () => {
        await server.act('redis', 'kill');
        await sleep(500 + Math.random() * 1500);
        await server.act('redis', 'start');
    },
    cuts: async () => {
        line.cut(0.02);
        await sleep(LASTS);
        line.cut(0);
    },
    silence: async () => {
        line.silence(true);
        await sleep(LASTS);
        line.silence(false);
    },
    pool: async () => {
        web.tell({ hold: LASTS });
        await sleep(LASTS);
    },
    lock: async () => {
        const connection = await mysql.createConnection(url);
        await connection.query('LOCK TABLES oauth_refresh_tokens WRITE');
        await sleep(LASTS);
        await connection.end();
    },
    slow: async () => {
        web.tell({ slow: { share: 0.3, ms: 6000 } });
        await sleep(LASTS);
        web.tell({ slow: { share: 0, ms: 0 } });
    },
    clock: () => {
        clock -= 60_000;
        web.setClock(clock);
    }
};

const began = performance.now();
const until = began + seconds * 1000;
const cpu = process.cpuUsage();

/** Does something so many times in the course of the run, at random moments. */
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
            // The lock, for one, is gone with the server that held it.
            console.error(`${kind}: ${error.message}`);
        }
        end();
    })
);
const ending = members.filter((_member, index) => index % Math.round(1 / ENDED) === 0);
const ends = spread(ending.length, (index) => ending[index].end(index % 2 === 0));
await Promise.all([...members.map((member) => member.live((clients / rate) * 1000, until)), ...happening, ...ends]);

// Nothing breaks any more: whoever was not cut off goes on, and whoever was does not.
const deadline = performance.now() + 60_000;
await Promise.all(members.filter(({ isLost }) => !isLost).map((member) => member.refresh(deadline)));
const { user, system } = process.cpuUsage(cpu);
const stopped = await web.stop();
if (stopped === null) {
    records.wrong.push('The web process did not end by itself');
}
records.wrong.push(...web.failures);
const connection = await mysql.createConnection(url);
const alive = await audit(connection, members, records);
await connection.end();
line.close();
await server.stop();

const refreshes = records.latencies.length;
const took = (performance.now() - began) / 1000;
const milliseconds = (value) => `${Math.round(value)} ms`;
console.log(`
${clients} clients of ${applications.length} applications, ${seconds} s: ${refreshes} refreshes, ${(refreshes / took).toFixed(0)} a second
faults: ${records
    .outages()
    .map(({ kind, times }) => `${kind} ${times}`)
    .join(', ')}; ${line.cuts} connections cut
answers: ${Object.entries(records.outcomes)
    .map(([outcome, times]) => `${times} × ${outcome}`)
    .join(', ')}
latency: p50 ${milliseconds(records.percentile(0.5))}, p99 ${milliseconds(records.percentile(0.99))}
longest without any refresh answered around: ${records
    .outages()
    .map(({ kind, longest }) => `${kind} ${milliseconds(longest)}`)
    .join(', ')}
grants: ${alive} alive, ${ending.length} ended on purpose; sweeps: ${web.sweeps.runs}, which removed ${web.sweeps.rows} rows
stopped by itself after ${stopped === null ? 'never' : milliseconds(stopped)}; processor time of the clients ${((user + system) / 1e6).toFixed(0)} s

grants lost ${records.lost.length}, chains forked ${records.forked.length}, wrong answers ${records.wrong.length}`);
for (const [what, list] of Object.entries({
    lost: records.lost,
    forked: records.forked,
    wrong: records.wrong,
    note: records.notes
})) {
    list.slice(0, 20).forEach((text) => console.log(`${what}: ${text}`));
}
console.log(
    JSON.stringify({
        seconds,
        clients,
        refreshes,
        outcomes: records.outcomes,
        p50: records.percentile(0.5),
        p99: records.percentile(0.99),
        outages: records.outages(),
        cuts: line.cuts,
        alive,
        lost: records.lost.length,
        forked: records.forked.length,
        wrong: records.wrong.length
    })
);
process.exitCode = records.lost.length + records.forked.length + records.wrong.length > 0 ? 1 : 0;
