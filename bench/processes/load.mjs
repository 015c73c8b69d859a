// Loads servers over keep-alive connections. Reads tasks, one a line of JSON, from standard input, and prints a line
// {"done", "errors", "seconds", "p50", "p99"} (ms) for each.
//
//   {"kind": "refresh", "url", "tokens", "seconds" or "count"}: each connection refreshes its own token family;
//       also prints {"tokens"}, the heads of the families
//   {"kind": "each", "url", "items": [{"headers"?, "body"?}], "status"?, "connections"?}: each item once; POST with a body
//   {"kind": "alternate", "sides": [{"url", "items"}], "status"?}: one request at a time, to both sides in turn; also
//       prints {"sides": [{"p50", "p99"}]}

import { createInterface } from 'node:readline';
import { Pool } from 'undici';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const CONNECTIONS = 64;
const pools = new Map();

function poolFor(url, connections) {
    const { origin } = new URL(url);
    const key = `${origin} ${connections}`;
    if (!pools.has(key)) {
        pools.set(key, new Pool(origin, { connections, pipelining: 1 }));
    }
    return pools.get(key);
}

/** Latencies, and how many responses were not the expected ones. */
class Tally {
    latencies = [];
    errors = 0;
    began = performance.now();

    async send(url, { headers = {}, body }, status = 200, connections = CONNECTIONS) {
        const began = performance.now();
        const response = await poolFor(url, connections).request({
            path: new URL(url).pathname,
            method: body === undefined ? 'GET' : 'POST',
            headers: body === undefined ? headers : { ...FORM, ...headers },
            body
        });
        const text = await response.body.text();
        this.latencies.push(performance.now() - began);
        if (response.statusCode !== status) {
            this.errors += 1;
            if (this.errors === 1) {
                console.error(url, response.statusCode, text);
            }
        }
        return text;
    }

    percentiles() {
        const sorted = this.latencies.toSorted((one, other) => one - other);
        return { p50: sorted[Math.floor(sorted.length * 0.5)], p99: sorted[Math.floor(sorted.length * 0.99)] };
    }

    result() {
        const seconds = (performance.now() - this.began) / 1000;
        return { done: this.latencies.length, errors: this.errors, seconds, ...this.percentiles() };
    }
}

const inParallel = (count, work) => Promise.all(Array.from({ length: count }, (_, index) => work(index)));

const kinds = {
    async refresh({ url, tokens, seconds = Infinity, count = Infinity }) {
        const tally = new Tally();
        const until = performance.now() + seconds * 1000;
        let sent = 0;
        const heads = await inParallel(tokens.length, async (index) => {
            const start = 'grant_type=refresh_token&client_id=storyden-cli&refresh_token=';
            let token = tokens[index];
            while (performance.now() < until && sent++ < count && token !== undefined) {
                token = JSON.parse(await tally.send(url, { body: start + encodeURIComponent(token) })).refresh_token;
            }
            return token;
        });
        return { ...tally.result(), tokens: heads };
    },

    async each({ url, items, status, connections = CONNECTIONS }) {
        const tally = new Tally();
        let next = 0;
        await inParallel(connections, async () => {
            while (next < items.length) {
                await tally.send(url, items[next++], status, connections);
            }
        });
        return tally.result();
    },

    async alternate({ sides, status }) {
        const tallies = sides.map(() => new Tally());
        for (let index = 0; index < sides[0].items.length; ++index) {
            // The second request may find warmer caches than the first, so the sides take turns at being first.
            for (const side of index % 2 === 0 ? [0, 1] : [1, 0]) {
                await tallies[side].send(sides[side].url, sides[side].items[index], status, 1);
            }
        }
        const errors = tallies.reduce((sum, tally) => sum + tally.errors, 0);
        return { ...tallies[0].result(), errors, sides: tallies.map((tally) => tally.percentiles()) };
    }
};

for await (const line of createInterface(process.stdin)) {
    const { kind, ...task } = JSON.parse(line);
    console.log(JSON.stringify(await kinds[kind](task)));
}
await Promise.all([...pools.values()].map((pool) => pool.close()));
