// Loads GET routes as cheaply as possible, so that the server is the bottleneck: requests are serialized beforehand, and
// only the status and the length of a response are read. Targets take turns. At the start and the end of each turn the
// server's GET /cpu tells what CPU it has used.
//
// node processes/hammer.mjs, with a task as JSON on standard input:
//   {"targets": {name: {"origin", "path", "tokens": [], "once"?}}, "rounds", "milliseconds", "connections"}
//   once: each token is sent once only, the same number in each round; otherwise tokens are reused in turn
// Prints {name: [{"rate" (requests per second), "cpu" (µs of the server per request)} of each round]}.

import { once } from 'node:events';
import net from 'node:net';
import { json } from 'node:stream/consumers';

const { targets, rounds, milliseconds, connections } = await json(process.stdin);

const requestFor = ({ origin, path }, token) =>
    Buffer.from(
        `GET ${path} HTTP/1.1\r\nhost: ${new URL(origin).host}\r\n${token ? `authorization: Bearer ${token}\r\n` : ''}\r\n`
    );

for (const target of Object.values(targets)) {
    target.requests = target.tokens.map((token) => requestFor(target, token));
    target.next = 0;
}

const HEAD_END = '\r\n\r\n';

/** Sends the requests that `take` returns, one after the other, until it returns none. */
async function drive(socket, take) {
    let received = '';
    const answered = () => {
        const head = received.indexOf(HEAD_END);
        if (head < 0) {
            return false;
        }
        const length = Number(/content-length: (\d+)/i.exec(received)[1]);
        return received.length >= head + HEAD_END.length + length;
    };
    return new Promise((resolve, reject) => {
        const next = () => {
            received = '';
            const request = take();
            if (request) {
                socket.write(request);
            } else {
                resolve();
            }
        };
        socket.setEncoding('latin1');
        socket.on('error', reject);
        socket.on('close', () => reject(new Error('The server closed a connection')));
        socket.on('data', (text) => {
            received += text;
            if (answered()) {
                if (received.startsWith('HTTP/1.1 200 ')) {
                    next();
                } else {
                    reject(new Error(received));
                }
            }
        });
        next();
    });
}

async function cpu({ origin }) {
    const { user, system } = await (await fetch(`${origin}/cpu`)).json();
    return user + system;
}

async function turn(target) {
    const { port } = new URL(target.origin);
    const sockets = await Promise.all(
        Array.from({ length: connections }, async () => {
            const socket = net.connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
            await once(socket, 'connect');
            return socket;
        })
    );
    const last = target.next + Math.floor(target.requests.length / rounds);
    const before = await cpu(target);
    const began = performance.now();
    const until = began + milliseconds;
    let done = 0;
    const take = () => {
        if (target.once ? target.next >= last : performance.now() >= until) {
            return undefined;
        }
        done += 1;
        return target.requests[target.next++ % target.requests.length];
    };
    await Promise.all(sockets.map((socket) => drive(socket, take)));
    const seconds = (performance.now() - began) / 1000;
    const used = (await cpu(target)) - before;
    sockets.forEach((socket) => socket.removeAllListeners('close').destroy());
    return { rate: done / seconds, cpu: used / done };
}

const names = Object.keys(targets);
const measured = Object.fromEntries(names.map((name) => [name, []]));
for (let round = 0; round < rounds; ++round) {
    // In another order each round.
    for (let index = 0; index < names.length; ++index) {
        const name = names[(round + index) % names.length];
        measured[name].push(await turn(targets[name]));
    }
}
console.log(JSON.stringify(measured));
