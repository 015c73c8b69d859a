import { randomBytes } from 'node:crypto';
import type { RowDataPacket } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { entities, migrations } from '../../plugin';
import { databaseUrl } from './servers';

/** On the tests' server, or in this process's memory. */
export type DatabaseKind = 'server' | 'embedded';

/** A database without tables. */
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

/**
 * Creates an empty database with a name of its own on the tests' server.
 *
 * @param charset its default, with a collation if need be
 */
export async function createDatabase(charset = 'utf8mb4'): Promise<TestDatabase> {
    const type = await serverType();
    const database = `forum_oauth_${randomBytes(8).toString('hex')}`;
    await administer(`CREATE DATABASE ${database} CHARACTER SET ${charset}`);

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

/** An empty database in this process's memory. */
export function embeddedDatabase(): EmbeddedOptions {
    return { type: 'sqljs' };
}

/** What several can share, and closes or stops last. */
export interface Shared {
    dataSource: DataSource;
    /** Has something that uses the database stopped first. */
    stopFirst(user: { stop(): Promise<void> }): void;
}

/** A database with all tables, and with no rows at first. */
export class OpenDatabase implements Shared {
    dataSource!: DataSource;
    #database: TestDatabase | undefined;
    readonly #users: { stop(): Promise<void> }[] = [];

    /** @param charset the default of a database on the server */
    async open(kind: DatabaseKind = 'server', charset?: string): Promise<this> {
        this.#database = kind === 'server' ? await createDatabase(charset) : undefined;
        this.dataSource = new DataSource({ ...(this.#database?.options ?? embeddedDatabase()), entities, migrations });
        await this.dataSource.initialize();
        await this.dataSource.runMigrations();
        return this;
    }

    /** Its address on the server. */
    get url(): string {
        return this.#database!.url;
    }

    /** Connects to it once more. */
    async connect(options: object = {}): Promise<DataSource> {
        const dataSource = new DataSource({ ...this.dataSource.options, ...options });
        return dataSource.initialize();
    }

    stopFirst(user: { stop(): Promise<void> }): void {
        this.#users.push(user);
    }

    /** Drops it. */
    async close(): Promise<void> {
        await Promise.all(this.#users.map((user) => user.stop()));
        await this.dataSource.destroy();
        await this.#database?.drop();
    }

    done(): Promise<void> {
        return this.close();
    }
}

/** Opens a database of its own with all tables. */
export function openDatabase(kind: DatabaseKind = 'server'): Promise<OpenDatabase> {
    return new OpenDatabase().open(kind);
}
