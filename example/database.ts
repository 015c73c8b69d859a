import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import * as OAuth from '../plugin';
import { entities } from './entities';
import { migrations } from './migrations';
import { DATA_DIRECTORY } from './settings';

const FILE = join(DATA_DIRECTORY, 'forum.sqlite');

export interface ForumDatabase {
    dataSource: DataSource;
    /** For people. */
    description: string;
    /** Saves what there is to save, and closes it. */
    close(): Promise<void>;
}

/**
 * Opens the database and brings its tables up to date.
 *
 * @param url of a MySQL or MariaDB server, `:memory:`, or undefined for the embedded database in a file
 */
export async function openDatabase(url: string | undefined): Promise<ForumDatabase> {
    if (url === undefined) {
        await mkdir(DATA_DIRECTORY, { recursive: true, mode: 0o700 });
        const writes = new FileWrites(FILE);
        const dataSource = await open({
            type: 'sqljs',
            location: FILE,
            autoSave: true,
            autoSaveCallback: (content: Uint8Array) => writes.write(content)
        });
        return {
            dataSource,
            description: `the embedded database in ${FILE}`,
            close: async () => {
                await writes.write(dataSource.sqljsManager.exportDatabase());
                await dataSource.destroy();
            }
        };
    }
    const dataSource = await open(
        url === ':memory:'
            ? { type: 'sqljs' }
            : { type: url.startsWith('mariadb:') ? 'mariadb' : 'mysql', url, charset: 'utf8mb4' }
    );
    return {
        dataSource,
        description: url === ':memory:' ? 'the embedded database, in memory' : `the database at ${new URL(url).host}`,
        close: () => dataSource.destroy()
    };
}

async function open(options: DataSourceOptions): Promise<DataSource> {
    const dataSource = new DataSource({
        ...options,
        // The plugin's tables live beside the forum's.
        entities: [...entities, ...OAuth.entities],
        migrations: [...migrations, ...OAuth.migrations]
    });
    await dataSource.initialize();
    try {
        await dataSource.runMigrations();
    } catch (error) {
        await dataSource.destroy();
        throw error;
    }
    return dataSource;
}

/** Writes a file again and again: one write after the other, and each takes the file's place when it is complete. */
class FileWrites {
    #last: Promise<void> = Promise.resolve();

    constructor(private readonly file: string) {}

    write(content: Uint8Array): Promise<void> {
        const draft = `${this.file}.new`;
        const done = this.#last.then(async () => {
            await writeFile(draft, content, { mode: 0o600 });
            await rename(draft, this.file);
        });
        this.#last = done.catch(() => undefined);
        return done;
    }
}
