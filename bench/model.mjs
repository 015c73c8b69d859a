// Sequences of what members, applications, administrators, thieves and time do, against a model of refresh chains:
// test/model at length, on a throwaway MariaDB.
//
// node model.mjs [--sequences 10000] [--processes 2] [--seed random]

import { argument, runTests } from './random.mjs';

const sequences = argument('sequences', 10_000);
const processes = argument('processes', 2);
const seed = argument('seed', Math.floor(Math.random() * 2 ** 30));
const share = Math.floor(sequences / processes);

const began = performance.now();
const total = { sequences: 0, operations: 0 };
const passed = await runTests(
    'test/model',
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
