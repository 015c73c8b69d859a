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
