import { randomBytes } from 'node:crypto';
import mysql from 'mysql2/promise';
import { DataSource } from 'typeorm';
import { startServers } from '../scripts/servers/index.mjs';
import OAuth from './dist/plugin/index.js';

/**
 * Throwaway servers for a measurement; they end with this process.
 *
 * @param names `durable-mariadb`, `mariadb`, `redis`
 */
export async function serve(...names) {
    const servers = startServers(names);
    const { urls, control } = await servers.ready;
    return {
        database: urls['durable-mariadb'] ?? urls.mariadb,
        redis: urls.redis,
        act: async (name, action) => {
            await fetch(new URL(`${name}/${action}`, control), { method: 'POST' });
        },
        stop: () => servers.stop()
    };
}

/** A DataSource with the plugin's entities. */
export async function connect(url, options = {}) {
    const dataSource = new DataSource({
        type: 'mariadb',
        url,
        entities: OAuth.entities,
        migrations: OAuth.migrations,
        ...options
    });
    return dataSource.initialize();
}

/** An empty database of its own; returns its URL. */
export async function createEmptyDatabase(server, name = `bench_${randomBytes(4).toString('hex')}`) {
    const connection = await mysql.createConnection(server);
    await connection.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
    await connection.end();
    return `${server}/${name}`;
}

/** A database of its own with the plugin's tables; returns its URL. */
export async function createDatabase(server, name) {
    const url = await createEmptyDatabase(server, name);
    const dataSource = await connect(url);
    await dataSource.runMigrations();
    await dataSource.destroy();
    return url;
}

/** Milliseconds that `work` takes. */
export async function time(work) {
    const began = performance.now();
    await work();
    return performance.now() - began;
}

/** Resident memory of a process, MB. */
export async function residentMemory(pid) {
    const { readFile } = await import('node:fs/promises');
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024;
}
