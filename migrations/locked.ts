import type { QueryRunner } from 'typeorm';

/** Seconds that a process waits for another one that migrates. */
const WAIT = 600;

/**
 * Runs the steps of a migration in one process at a time. The other ones run them afterwards, so every step has to look
 * whether it was done: MySQL commits each change of a table, so an interrupted migration is begun again in its middle too.
 *
 * @throws Error if another process holds the lock for ten minutes
 */
export async function locked(runner: QueryRunner, steps: () => Promise<void>): Promise<void> {
    if (runner.connection.options.type === 'sqljs') {
        return withoutForeignKeys(runner, steps);
    }
    const name = "CONCAT('hapi-forum-oauth ', LEFT(DATABASE(), 40))";
    const [row] = (await runner.query(`SELECT GET_LOCK(${name}, ${WAIT}) AS granted`)) as {
        granted: number | string;
    }[];
    if (Number(row?.granted) !== 1) {
        throw new Error(`Another process has been migrating the tables of hapi-forum-oauth for ${WAIT} seconds`);
    }
    try {
        await steps();
    } finally {
        await runner.query(`SELECT RELEASE_LOCK(${name})`);
    }
}

/**
 * SQLite changes a table by making it anew, which fails while other rows name its rows. It turns foreign keys off between
 * transactions only, and TypeORM's way back turns them off too late.
 */
async function withoutForeignKeys(runner: QueryRunner, steps: () => Promise<void>): Promise<void> {
    const [row] = (await runner.query('PRAGMA foreign_keys')) as { foreign_keys: number }[];
    if (row?.foreign_keys !== 1) {
        return steps();
    }
    const isInTransaction = runner.isTransactionActive;
    const pragma = async (state: 'ON' | 'OFF'): Promise<void> => {
        if (runner.isTransactionActive) {
            await runner.commitTransaction();
        }
        await runner.query(`PRAGMA foreign_keys = ${state}`);
        if (isInTransaction) {
            await runner.startTransaction();
        }
    };
    await pragma('OFF');
    try {
        await steps();
    } finally {
        await pragma('ON');
    }
}
