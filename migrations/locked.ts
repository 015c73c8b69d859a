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
        return steps();
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
