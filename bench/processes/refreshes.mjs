// Refreshes token families over HTTP at a steady rate. Prints {"second", "latencies": [ms], "errors"} every second.
//
// node processes/refreshes.mjs <origin> <per second> <file with refresh tokens, one a line>
// A line on standard input sets a new rate; "max" sends as many as the server answers, sixteen at a time.

import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createInterface } from 'node:readline';

const [origin, rate, file] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const idle = readFileSync(file, 'utf8').trim().split('\n');
let latencies = [];
let errors = 0;

function refresh(token) {
    const body = `grant_type=refresh_token&client_id=storyden-cli&refresh_token=${token}`;
    return new Promise((resolve, reject) => {
        const request = http.request(
            `${origin}/api/oauth/token`,
            {
                method: 'POST',
                agent,
                headers: {
                    'content-type': 'application/x-www-form-urlencoded',
                    'content-length': Buffer.byteLength(body)
                }
            },
            (response) => {
                let text = '';
                response.setEncoding('utf8').on('data', (data) => (text += data));
                response.once('end', () =>
                    response.statusCode === 200
                        ? resolve(JSON.parse(text).refresh_token)
                        : reject(new Error(`${response.statusCode} ${text}`))
                );
            }
        );
        request.once('error', reject);
        request.end(body);
    });
}

async function one(due) {
    const token = idle.shift();
    if (token === undefined) {
        errors += 1;
        return;
    }
    try {
        const next = await refresh(token);
        // From when it was due, so that a stall counts for every request that it delayed.
        latencies.push(performance.now() - due);
        idle.push(next);
    } catch (error) {
        errors += 1;
        console.error(error.message);
    }
}

let perSecond = rate;
let due = performance.now();
setInterval(() => {
    const now = performance.now();
    for (; Number(perSecond) > 0 && due <= now; due += 1000 / Number(perSecond)) {
        void one(due);
    }
}, 2);

async function asFastAsPossible() {
    while (perSecond === 'max') {
        await one(performance.now());
    }
}

createInterface(process.stdin).on('line', (line) => {
    perSecond = line;
    due = performance.now();
    for (let connection = 0; line === 'max' && connection < 16; ++connection) {
        void asFastAsPossible();
    }
});

setInterval(() => {
    console.log(JSON.stringify({ second: Math.round(performance.now() / 1000), latencies, errors }));
    latencies = [];
    errors = 0;
}, 1000);
