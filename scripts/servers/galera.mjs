import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { freePort } from './free-port.mjs';
import { mariadb } from './mariadb.mjs';

const LIBRARIES = ['/usr/lib/galera/libgalera_smm.so', '/usr/lib64/galera-4/libgalera_smm.so'];

/** The library of the cluster; undefined where it is not on this machine. */
export const galeraLibrary = LIBRARIES.find((path) => existsSync(path));

/** What the nodes of one cluster know of each other: the ports by which they talk, once their data are there. */
const portsFile = (folder, number) => join(dirname(folder), `galera-${number}.ports`);

/** Written when a node takes part in the cluster. */
const joinedFile = (folder, number) => join(dirname(folder), `galera-${number}.joined`);

/** How long a node waits for the one before it, milliseconds. */
const JOIN_TIMEOUT = 60_000;

const isRunning = async (folder, port) => {
    const connection = await mysql.createConnection(mariadb.url(port));
    try {
        const [rows] = await connection.query('SELECT @@datadir AS folder');
        const [[{ Value: ready }]] = await connection.query("SHOW STATUS LIKE 'wsrep_ready'");
        return rows[0].folder === join(folder, 'data/') && ready === 'ON';
    } finally {
        connection.destroy();
    }
};

function settings(folder, port, { group, transfer, copy, peer }) {
    return [
        ...mariadb.arguments(folder, port),
        '--wsrep-on=ON',
        `--wsrep-provider=${galeraLibrary}`,
        ...(peer === undefined
            ? ['--wsrep-cluster-address=gcomm://', '--wsrep-new-cluster']
            : [`--wsrep-cluster-address=gcomm://127.0.0.1:${peer}`]),
        '--wsrep-sst-method=rsync',
        `--wsrep-sst-receive-address=127.0.0.1:${copy}`,
        `--wsrep-node-address=127.0.0.1:${group}`,
        `--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:${group};ist.recv_addr=127.0.0.1:${transfer};gcache.size=32M;evs.keepalive_period=PT0.2S;evs.inactive_check_period=PT0.2S;evs.suspect_timeout=PT1S;evs.inactive_timeout=PT3S`,
        '--binlog-format=ROW',
        '--innodb-autoinc-lock-mode=2'
    ];
}

/** Begins the history of a cluster and stops, so that others can begin with a copy of it. */
async function beginHistory(folder, program, ports) {
    const port = await freePort();
    const child = spawn(program, settings(folder, port, ports), { cwd: folder, stdio: 'ignore' });
    const exit = once(child, 'exit');
    while (!(await isRunning(folder, port).catch(() => false))) {
        if (child.exitCode !== null) {
            throw new Error(`mariadbd did not start with ${galeraLibrary}`);
        }
        await sleep(50);
    }
    child.kill('SIGTERM');
    await exit;
}

/** A node of a cluster of MariaDB servers on this machine. One that was killed cannot join again. */
export function galeraNode(number) {
    return {
        ...mariadb,

        async configure(folder, programs) {
            const data = join(folder, 'data');
            const ports = { group: await freePort(), transfer: await freePort(), copy: await freePort() };
            if (number === 1) {
                await beginHistory(folder, programs.mariadbd, ports);
            } else {
                while (!existsSync(portsFile(folder, 1))) {
                    await sleep(20);
                }
                rmSync(data, { recursive: true });
                cpSync(join(dirname(folder), 'galera-1', 'data'), data, { recursive: true });
            }
            // As root, rsync receives as nobody what has changed since.
            chmodSync(dirname(folder), 0o711);
            chmodSync(folder, 0o711);
            chmodSync(data, 0o777);
            writeFileSync(portsFile(folder, number), JSON.stringify(ports));
            // The first node changes its data when it starts.
            while (number === 1 && !this.others(folder).every((other) => existsSync(portsFile(folder, other)))) {
                await sleep(20);
            }
        },

        /** The other nodes of the cluster. */
        others: (folder) => [2, 3].filter((other) => existsSync(join(dirname(folder), `galera-${other}`))),

        arguments(folder, port) {
            const ports = JSON.parse(readFileSync(portsFile(folder, number), 'utf8'));
            const { group: peer } = JSON.parse(readFileSync(portsFile(folder, 1), 'utf8'));
            return settings(folder, port, { ...ports, ...(number !== 1 && { peer }) });
        },

        /** One node joins after the other: one that hands its data to two at once fails now and then. */
        async turn(folder) {
            const deadline = Date.now() + JOIN_TIMEOUT;
            while (number > 1 && !existsSync(joinedFile(folder, number - 1)) && Date.now() < deadline) {
                await sleep(20);
            }
        },

        /** Whether it is this node, and it takes part in the cluster. */
        async isReady(folder, port) {
            const isReady = await isRunning(folder, port);
            if (isReady) {
                writeFileSync(joinedFile(folder, number), '');
            }
            return isReady;
        }
    };
}
