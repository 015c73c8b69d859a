import { randomBytes } from 'node:crypto';
import mysql from 'mysql2/promise';
import { startServers } from '../../scripts/servers/index.mjs';
import { DataSource, OAuth } from './plugin.mjs';

/**
 * Starts throwaway servers for a measurement. They stop with this process.
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

/** Opens a DataSource with the plugin's entities and migrations. */
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

/** Creates an empty database; returns its URL. */
export async function createEmptyDatabase(server, name = `bench_${randomBytes(4).toString('hex')}`) {
    const connection = await mysql.createConnection(server);
    await connection.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
    await connection.end();
    return `${server}/${name}`;
}

/** Creates a database with the plugin's tables; returns its URL. */
export async function createDatabase(server) {
    const url = await createEmptyDatabase(server);
    const dataSource = await connect(url);
    await dataSource.runMigrations();
    await dataSource.destroy();
    return url;
}

/** Sets how many connections a server accepts at a time. */
export async function allowConnections(url, count) {
    const connection = await mysql.createConnection(url);
    await connection.query('SET GLOBAL max_connections = ?', [count]);
    await connection.end();
}
