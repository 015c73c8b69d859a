import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DATA_DIRECTORY } from './settings';

/**
 * A secret that is made once and then kept in a file that only its owner may read.
 *
 * @param name of the file
 * @param make makes the secret where there is no file yet
 */
export async function kept(name: string, make: () => Promise<string> | string): Promise<string> {
    const file = join(DATA_DIRECTORY, name);
    const found = await read(file);
    if (found !== null) {
        return found;
    }
    await mkdir(DATA_DIRECTORY, { recursive: true, mode: 0o700 });
    // Written aside and linked into its place: two forums that start together end up with one secret, a whole one.
    const draft = `${file}.${randomBytes(6).toString('hex')}`;
    try {
        await writeFile(draft, await make(), { mode: 0o600 });
        await link(draft, file).catch((error: NodeJS.ErrnoException) => {
            if (error.code !== 'EEXIST') {
                throw error;
            }
        });
    } finally {
        await rm(draft, { force: true });
    }
    return readFile(file, 'utf8');
}

async function read(file: string): Promise<string | null> {
    try {
        return await readFile(file, 'utf8');
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
            return null;
        }
        throw error;
    }
}
