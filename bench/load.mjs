// A process that loads a server over 64 keep-alive connections, and prints one line: {"done", "errors", "seconds", "p50",
// "p99"}. Requests are answered in turn on each connection.
//
// node load.mjs, with what to do as JSON on its standard input, one of
//   {"kind": "refresh", "url", "tokens": [], "seconds"}: each connection follows its own chain
//   {"kind": "form", "url", "bodies": [], "status", "connections"?}: each body once
//   {"kind": "poll", "url", "bodies": [], "seconds"}: the bodies in turn; pending is the answer that is expected
//   {"kind": "get", "url", "headers": [], "connections"?}: each once

import { text } from 'node:stream/consumers';
import { Pool } from 'undici';

const { kind, url, connections = 64, ...task } = JSON.parse(await text(process.stdin));
const { origin, pathname } = new URL(url);
const pool = new Pool(origin, { connections, pipelining: 1 });
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const latencies = [];
let errors = 0;

async function send(method, headers, body, accepted) {
    const began = performance.now();
    const response = await pool.request({ path: pathname, method, headers, body });
    const answer = await response.body.text();
    latencies.push(performance.now() - began);
    if (response.statusCode !== accepted) {
        errors += 1;
        if (errors === 1) {
            console.error(kind, response.statusCode, answer);
        }
    }
    return answer;
}

async function refresh(first, until) {
    for (let token = first; performance.now() < until && token !== undefined;) {
        const body = `grant_type=refresh_token&client_id=storyden-cli&refresh_token=${token}`;
        token = JSON.parse(await send('POST', FORM, body, 200)).refresh_token;
    }
}

/** Lets each connection take the next of `items` until there are none. */
async function each(items, work) {
    let next = 0;
    const one = async () => {
        while (next < items.length) {
            await work(items[next++]);
        }
    };
    await Promise.all(Array.from({ length: connections }, one));
}

const began = performance.now();
const until = began + task.seconds * 1000;
if (kind === 'refresh') {
    await Promise.all(task.tokens.map((token) => refresh(token, until)));
} else if (kind === 'form') {
    await each(task.bodies, (body) => send('POST', FORM, body, task.status));
} else if (kind === 'poll') {
    let next = 0;
    const one = async () => {
        while (performance.now() < until) {
            await send('POST', FORM, task.bodies[next++ % task.bodies.length], 400);
        }
    };
    await Promise.all(Array.from({ length: connections }, one));
} else {
    await each(task.headers, (headers) => send('GET', headers, undefined, 200));
}
const seconds = (performance.now() - began) / 1000;
latencies.sort((one, other) => one - other);
console.log(
    JSON.stringify({
        done: latencies.length,
        errors,
        seconds,
        p50: latencies[Math.floor(latencies.length * 0.5)],
        p99: latencies[Math.floor(latencies.length * 0.99)]
    })
);
await pool.close();
