// Malformed requests to every route: runs test/fuzz for long, on a throwaway MariaDB. Stops at the first wrong response,
// and prints the request and the seed that repeats it.
//
// npm run fuzz -- [--requests 1000000] [--processes 2] [--seed random]
// A tenth of the requests run with the default limits, which reject most of them with 429; the others run without limits.

import { argument, runTests } from '../lib/random.mjs';

const requests = argument('requests', 1_000_000);
const processes = argument('processes', 2);
const seed = argument('seed', Math.floor(Math.random() * 2 ** 30));
const limited = Math.floor(requests / 10);
const share = Math.floor((requests - limited) / processes);

const began = performance.now();
const last = [];
const passed = [];
const run = async (environments) =>
    passed.push(
        await runTests(['test/fuzz'], environments, (line, number) => {
            if (!line.startsWith('FUZZ ')) {
                console.log(line);
                return;
            }
            const report = JSON.parse(line.slice('FUZZ '.length));
            last[environments[number].PLACE] = report;
            const { statuses: _statuses, ...shown } = report;
            console.log(environments[number].PLACE, JSON.stringify(shown));
        })
    );
const environment = (place, count, more) => ({
    PLACE: String(place),
    FUZZ_REQUESTS: String(count),
    // Each part of a thousand requests increases its seed by one.
    FUZZ_SEED: String((seed + place * 1_000_000) % 2 ** 31),
    ...more
});
await run(
    Array.from({ length: processes }, (_, place) =>
        environment(place, place === 0 ? requests - limited - share * (processes - 1) : share)
    )
);
if (limited > 0) {
    await run([environment(processes, limited, { FUZZ_LIMITS: '1' })]);
}

const statuses = {};
for (const report of last) {
    for (const [status, count] of Object.entries(report?.statuses ?? {})) {
        statuses[status] = (statuses[status] ?? 0) + count;
    }
}
const failures = Object.entries(statuses).filter(([status]) => /^(socket )?5\d\d$/.test(status));
console.log({
    requests: last.reduce((sum, report) => sum + (report?.requests ?? 0), 0),
    seconds: Math.round((performance.now() - began) / 1000),
    seed,
    statuses,
    'responses of 500 and above': failures.reduce((sum, [, count]) => sum + count, 0)
});
process.exitCode = passed.every(Boolean) ? 0 : 1;
