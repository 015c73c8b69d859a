import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { entities, migrations } from '../../plugin';

/** Connects to a database `forum` on a server that a test has started, and makes it where it is missing. */
export async function connectTo(server: string, options: Partial<DataSourceOptions> = {}): Promise<DataSource> {
    const url = new URL(server);
    const administration = await new DataSource({ type: 'mariadb', url: url.href }).initialize();
    await administration.query('CREATE DATABASE IF NOT EXISTS forum CHARACTER SET utf8mb4');
    await administration.destroy();
    url.pathname = '/forum';
    const settings = { type: 'mariadb', url: url.href, entities, migrations, ...options } as DataSourceOptions;
    return new DataSource(settings).initialize();
}

/**
 * Writes and deletes a thousand rows at a time on all of these servers, which share a database, so that what one of
 * them commits reaches the others later. Returns what stops it.
 */
export async function writeInBulk(dataSources: DataSource[]): Promise<() => Promise<void>> {
    await dataSources[0]!.query('CREATE TABLE bulk (id BIGINT AUTO_INCREMENT PRIMARY KEY, node INT, text CHAR(200))');
    let stopped = false;
    let written = 0;
    const writers = dataSources.map(async (dataSource, node) => {
        const values = Array.from({ length: 1000 }, () => `(${node}, REPEAT('x', 200))`).join();
        while (!stopped) {
            try {
                await dataSource.query(`INSERT INTO bulk (node, text) VALUES ${values}`);
                await dataSource.query(`DELETE FROM bulk WHERE node = ${node} LIMIT 1000`);
                ++written;
            } catch {
                // A node may roll back what meets the other's rows; the next attempt writes as much.
            }
            await sleep(20);
        }
    });
    return async () => {
        stopped = true;
        await Promise.all(writers);
        if (written === 0) {
            throw new Error('Nothing was written in bulk.');
        }
    };
}
