// Three workers and three web processes on one Redis and one MariaDB, with schedules of one second: does each tick run
// exactly once?
//
// npm run ticks -- [seconds, 300]

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { QueueEvents } from 'bullmq';
import { createDatabase, serve } from '../lib/database.mjs';
import { fill } from '../lib/fill.mjs';
import { Process, residentMemory } from '../lib/process.mjs';

const seconds = Number(process.argv[2] ?? 300);
const server = await serve('mariadb', 'redis');
const url = await createDatabase(server.database);
const { usable } = await fill(url, 30_000, { usable: 600 });

const { hostname: host, port } = new URL(server.redis);
const events = new QueueEvents('oauth-maintenance', { connection: { host, port: Number(port) } });
await events.waitUntilReady();
const ticks = new Map();
const note = (jobId, what) => {
    const tick = ticks.get(jobId) ?? { active: 0, completed: 0, failed: 0 };
    tick[what] += 1;
    ticks.set(jobId, tick);
};
for (const what of ['active', 'completed', 'failed']) {
    events.on(what, ({ jobId }) => note(jobId, what));
}

const folder = mkdtempSync(join(tmpdir(), 'bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const webs = Array.from({ length: 3 }, () => new Process('processes/forum.mjs', [url]));
const loads = [];
for (const [index, web] of webs.entries()) {
    const { origin } = await web.line();
    const file = join(folder, String(index));
    writeFileSync(file, usable.filter((_token, position) => position % 3 === index).join('\n'));
    loads.push(new Process('processes/refreshes.mjs', [origin, '5', file]));
}
const workers = Array.from({ length: 3 }, () => new Process('processes/worker.mjs', [url, server.redis]));
await Promise.all(workers.map((worker) => worker.line((line) => line.started)));
await sleep(5000);
const memory = await Promise.all(workers.map(({ pid }) => residentMemory(pid)));
await sleep((seconds - 5) * 1000);
const memoryAfter = await Promise.all(workers.map(({ pid }) => residentMemory(pid)));
await Promise.all(workers.map((worker) => worker.stop()));
await sleep(500);

for (const job of ['expire-device-codes', 'prune-refresh-chains']) {
    const own = [...ticks].filter(([id]) => id.includes(job));
    const times = own.map(([id]) => Number(/(\d+)$/.exec(id)[1])).sort((one, other) => one - other);
    const gaps = times.slice(1).map((time, index) => time - times[index]);
    const runs = own.map(([, tick]) => tick);
    console.log(job, {
        ticks: own.length,
        'run once': runs.filter((tick) => tick.active === 1 && tick.completed === 1).length,
        'run more than once': runs.filter((tick) => tick.active > 1 || tick.completed > 1).length,
        'not run': runs.filter((tick) => tick.completed === 0).length,
        failed: runs.filter((tick) => tick.failed > 0).length,
        'shortest and longest gap, ms': [Math.min(...gaps), Math.max(...gaps)],
        'seconds from first to last': (times.at(-1) - times[0]) / 1000
    });
}
const byWorker = workers.map(({ lines }) => lines.filter((line) => line.job).length);
const refreshes = loads.flatMap(({ lines }) => lines);
console.log('runs by worker', byWorker);
console.log('refreshes', {
    answered: refreshes.reduce((sum, line) => sum + line.latencies.length, 0),
    errors: refreshes.reduce((sum, line) => sum + line.errors, 0)
});
console.log('worker memory, MB, at the start and the end', memory.map(Math.round), memoryAfter.map(Math.round));
await Promise.all([...loads, ...webs].map((child) => child.stop('SIGKILL')));
await events.close();
await server.stop();
