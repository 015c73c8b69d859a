import type { script } from '@hapi/lab';
import type { Options } from '../../plugin';
import { OpenDatabase, type DatabaseKind, type Shared } from './database';
import { Forum, type Host } from './forum';
import { RunningForum, type RunningForumOptions } from './running-forum';

// Each function sets something up before the first test of the `describe` that calls it, and takes it down after the
// last. What it returns can be used from the first `before` of the caller's own on.

type Lab = Pick<script.Script, 'before' | 'after'>;

/** What `useForum` takes of an option that has to be made first, such as a key. */
type Lazy<Value> = Value | (() => Value | Promise<Value>);

/** Sets up a database with all tables. */
export function useDatabase(lab: Lab, kind: DatabaseKind = 'server', charset?: string): OpenDatabase {
    const database = new OpenDatabase();
    lab.before(async () => {
        await database.open(kind, charset);
    });
    lab.after(() => database.close());
    return database;
}

export interface ForumSetup extends Host {
    /** The kind of a database of its own, or what it shares one with. Default: `'server'`. */
    database?: DatabaseKind | Shared;
    /** Replace those that the tests usually have. */
    options?: Lazy<Partial<Options>>;
}

/** Sets up a forum. */
export function useForum(lab: Lab, { database = 'server', options = {}, ...host }: ForumSetup = {}): Forum {
    const used = typeof database === 'string' ? useDatabase(lab, database) : database;
    const forum = new Forum();
    lab.before(async () => {
        await forum.start(used.dataSource, typeof options === 'function' ? await options() : options, host);
        used.stopFirst(forum);
    });
    lab.after(() => forum.stop());
    return forum;
}

/** Opens one more forum on a database that is set up already. It stops before the database is closed. */
export async function openForum(database: Shared, options: Partial<Options> = {}, host: Host = {}): Promise<Forum> {
    const forum = await new Forum().start(database.dataSource, options, host);
    database.stopFirst(forum);
    return forum;
}

export interface RunningForumSetup extends Omit<RunningForumOptions, 'options'> {
    database: Shared;
    options?: Lazy<Partial<Options>>;
}

/** Sets up a forum that listens. */
export function useRunningForum(lab: Lab, { database, options = {}, ...rest }: RunningForumSetup): RunningForum {
    const running = new RunningForum();
    lab.before(async () => {
        await running.start(database.dataSource, {
            ...rest,
            options: typeof options === 'function' ? await options() : options
        });
        database.stopFirst(running);
    });
    lab.after(() => running.stop());
    return running;
}
