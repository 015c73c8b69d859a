import { randomBytes } from 'node:crypto';
import type { RowDataPacket } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import type { DataSourceOptions } from 'typeorm';
import { databaseUrl } from './servers';

export interface TestDatabase {
    url: string;
    /** For `new DataSource({ ...options, entities, migrations })`. */
    options: Extract<DataSourceOptions, { type: 'mysql' | 'mariadb' }>;
    drop(): Promise<void>;
}

type EmbeddedOptions = Extract<DataSourceOptions, { type: 'sqljs' }>;

function urlOf(database: string): URL {
    const url = new URL(databaseUrl());
    url.pathname = database;
    return url;
}

async function administer(sql: string): Promise<RowDataPacket[]> {
    const connection = await createConnection(urlOf('').href);
    try {
        const [rows] = await connection.query<RowDataPacket[]>(sql);
        return rows;
    } finally {
        await connection.end();
    }
}

let version: Promise<string> | undefined;

async function serverType(): Promise<'mariadb' | 'mysql'> {
    version ??= administer('SELECT VERSION() AS version').then((rows) => String(rows[0]?.version));
    return (await version).includes('MariaDB') ? 'mariadb' : 'mysql';
}

/** A fresh, empty database with a name of its own on the tests' server. */
export async function createDatabase(): Promise<TestDatabase> {
    const type = await serverType();
    const database = `forum_oauth_${randomBytes(8).toString('hex')}`;
    await administer(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`);

    const url = urlOf(database);
    return {
        url: url.href,
        options: {
            type,
            host: url.hostname,
            port: Number(url.port || 3306),
            username: decodeURIComponent(url.username),
            password: decodeURIComponent(url.password),
            database
        },
        async drop() {
            await administer(`DROP DATABASE IF EXISTS ${database}`);
        }
    };
}

/** A fresh, empty database in this process's memory. */
export function embeddedDatabase(): EmbeddedOptions {
    return { type: 'sqljs' };
}
