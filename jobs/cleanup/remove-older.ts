import { findOlderRows, START, type CleanedTable } from '../../plugin/store/cleanup/rows';
import type { Cleanup } from './cleanup';

/**
 * Removes the rows of a table whose time has passed, oldest first.
 *
 * @param rows the table, its indexed time, and before which time (epoch milliseconds) its rows are not needed any more
 * @returns how many rows were removed
 */
export function removeOlder(
    cleanup: Cleanup,
    rows: { table: CleanedTable; column: 'created_at' | 'expires_at'; before: number }
): Promise<number> {
    let after = START;
    return cleanup.run(async (size) => {
        const found = await findOlderRows(cleanup.database, rows, after, size);
        const removed = await cleanup.delete(
            rows.table,
            found.map(({ id }) => id)
        );
        after = found.at(-1) ?? after;
        return { removed, more: found.length === size };
    });
}
