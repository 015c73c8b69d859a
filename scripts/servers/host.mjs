// Owns the throwaway servers, in a process of its own, so that they end when the process that wanted them ends, however
// it ends: that one holds the other end of our standard input.
//
// node host.mjs <server>... prints one line of JSON when all are up: {"control": url, "urls": {server: url}}.

import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { galeraNode } from './galera.mjs';
import { durableMariadb, mariadb } from './mariadb.mjs';
import { locate } from './programs.mjs';
import { redisCluster, sentinel } from './redis-topologies.mjs';
import { redis } from './redis.mjs';
import { primaryMariadb, replicaMariadb } from './replicated-mariadb.mjs';
import { Server } from './server.mjs';
import { tlsMariadb } from './tls-mariadb.mjs';

const definitions = {
    mariadb,
    'durable-mariadb': durableMariadb,
    'tls-mariadb': tlsMariadb,
    'primary-mariadb': primaryMariadb,
    'replica-mariadb': replicaMariadb,
    'galera-1': galeraNode(1),
    'galera-2': galeraNode(2),
    'galera-3': galeraNode(3),
    redis,
    'redis-2': redis,
    'redis-cluster': redisCluster,
    sentinel
};
const servers = new Map();
let folder;
let stopping;

function stop(code) {
    stopping ??= (async () => {
        await Promise.all([...servers.values()].map((server) => server.stop()));
        if (folder) {
            rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
        }

        process.exit(code);
    })();
}

async function start(names) {
    const wanted = names.map((name) => [name, definitions[name]]);
    const programs = locate(wanted.map(([, definition]) => definition));
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'forum-oauth-')));

    for (const [name, definition] of wanted) {
        servers.set(name, new Server(definition, programs, join(folder, name)));
    }

    await Promise.all(
        [...servers.values()].map(async (server) => {
            await server.prepare();
            await server.start();
        })
    );
}

const actions = {
    kill: (server) => server.kill(),
    start: (server) => server.start(),
    pause: (server) => server.signal('SIGSTOP'),
    resume: (server) => server.signal('SIGCONT')
};

/** POST /<server>/<action>, for tests that take a server away. */
async function listen() {
    const control = createServer(async (request, response) => {
        const [, name, action] = request.url.split('/');
        try {
            await actions[action](servers.get(name));
            response.writeHead(204).end();
        } catch (error) {
            response.writeHead(500).end(error.message);
        }
    });

    control.listen(0, '127.0.0.1');
    await once(control, 'listening');
    return `http://127.0.0.1:${control.address().port}/`;
}

process.stdin.resume().once('close', () => stop(0));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => stop(0));
}

try {
    await start(process.argv.slice(2));
    const urls = Object.fromEntries([...servers].map(([name, server]) => [name, server.url]));
    console.log(JSON.stringify({ control: await listen(), urls }));
} catch (error) {
    if (!stopping) {
        console.error(error.message);
        stop(1);
    }
}
