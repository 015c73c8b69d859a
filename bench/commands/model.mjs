// Random sequences of operations of members, applications, administrators and thieves, against a model of token families:
// runs test/model for long, on a throwaway MariaDB.
//
// npm run model -- [--sequences 10000] [--processes 2] [--seed random]

import { argument, runTests } from '../lib/random.mjs';

const sequences = argument('sequences', 10_000);
const processes = argument('processes', 2);
const seed = argument('seed', Math.floor(Math.random() * 2 ** 30));
const share = Math.floor(sequences / processes);

const began = performance.now();
const total = { sequences: 0, operations: 0 };
const passed = await runTests(
    ['test/model'],
    Array.from({ length: processes }, (_, place) => ({
        MODEL_RUNS: String(place === 0 ? sequences - share * (processes - 1) : share),
        MODEL_SEED: String((seed + place * 10_000_000) % 2 ** 31)
    })),
    (line) => {
        const report = line.startsWith('MODEL ') ? JSON.parse(line.slice('MODEL '.length)) : {};
        total.sequences += report.sequences ?? 0;
        total.operations += report.operations ?? 0;
        console.log(line);
    }
);
console.log({ ...total, seconds: Math.round((performance.now() - began) / 1000), seed, differences: passed ? 0 : 1 });
process.exitCode = passed ? 0 : 1;
