// Races between two forums on two nodes of a Galera cluster, kills of nodes, a late replica, Redis Cluster and Sentinel: runs
// test/topologies for long.
//
// npm run cluster -- [--rounds 2000] [--kills 20]
// Exits with 1 where a grant is lost or forked, or works after its revocation has answered.

import { argument, runTests } from '../lib/random.mjs';

const rounds = argument('rounds', 2000);
const kills = argument('kills', 20);
const began = performance.now();
const passed = await runTests(
    ['-v', 'test/topologies'],
    [{ CLUSTER_ROUNDS: String(rounds), CLUSTER_KILLS: String(kills) }],
    (line) => console.log(line)
);
console.log({ rounds, kills, seconds: Math.round((performance.now() - began) / 1000), passed });
process.exitCode = passed ? 0 : 1;
