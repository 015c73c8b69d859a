// A process that loads servers over keep-alive connections. It reads one task a line, as JSON, from its standard input, and
// answers each with a line {"done", "errors", "seconds", "p50", "p99"} (ms).
//
//   {"kind": "refresh", "url", "tokens", "seconds" or "count"}: each connection follows a chain of its own;
//       answers also {"tokens"}, the heads then
//   {"kind": "poll", "url", "bodies", "seconds"}: the bodies in turn; pending is the answer that is expected
//   {"kind": "each", "url", "items": [{"headers"?, "body"?}], "status"?, "connections"?}: each once, POST where there is a body
//   {"kind": "alternate", "sides": [{"url", "items"}], "status"?}: one request at a time, first to one side, then to the
//       other; answers {"sides": [{"p50", "p99"}]}

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

/** What was sent: latencies, and how many answers were not what was expected. */
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
        const answer = await response.body.text();
        this.latencies.push(performance.now() - began);
        if (response.statusCode !== status) {
            this.errors += 1;
            if (this.errors === 1) {
                console.error(url, response.statusCode, answer);
            }
        }
        return answer;
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

    async poll({ url, bodies, seconds }) {
        const tally = new Tally();
        const until = performance.now() + seconds * 1000;
        let next = 0;
        await inParallel(CONNECTIONS, async () => {
            while (performance.now() < until) {
                await tally.send(url, { body: bodies[next++ % bodies.length] }, 400);
            }
        });
        return tally.result();
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
            // The second to be asked may find warmer caches than the first, so they take turns in that too.
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
