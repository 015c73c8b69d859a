import type { Queries } from '../database';

/** The tables that jobs remove rows from. */
export type CleanedTable =
    | 'oauth_access_keys'
    | 'oauth_authorization_codes'
    | 'oauth_authorization_requests'
    | 'oauth_clients'
    | 'oauth_device_authorizations'
    | 'oauth_grants'
    | 'oauth_login_detours'
    | 'oauth_refresh_tokens'
    | 'oauth_user_code_failures';

/** A place in an index of times and ids, after which a search continues. */
export interface Place {
    /** Epoch milliseconds. */
    time: number;
    id: string;
}

/** Before every row. */
export const START: Place = { time: -1, id: '' };

/** As many question marks as there are values. */
export function placeholders(values: readonly unknown[]): string {
    return values.map(() => '?').join(', ');
}

/**
 * Deletes rows by primary key.
 *
 * @returns how many of them there were
 */
export async function deleteByIds(queries: Queries, table: CleanedTable, ids: readonly string[]): Promise<number> {
    if (ids.length === 0) {
        return 0;
    }
    return queries.execute(`DELETE FROM ${table} WHERE id IN (${placeholders(ids)})`, ids);
}

/** The next rows of a table whose time is before `before` (epoch milliseconds), in the order of its index `(column, id)`. */
export async function findOlderRows(
    queries: Queries,
    { table, column, before }: { table: CleanedTable; column: 'created_at' | 'expires_at'; before: number },
    after: Place,
    limit: number
): Promise<Place[]> {
    const rows = await queries.query<{ id: string; time: number | string }>(
        `SELECT id, ${column} AS time FROM ${table}
        WHERE ${column} < ? AND (${column} > ? OR (${column} = ? AND id > ?)) ORDER BY ${column}, id LIMIT ${limit}`,
        [before, after.time, after.time, after.id]
    );
    return rows.map(({ id, time }) => ({ id, time: Number(time) }));
}

/** The last id of the next `limit` rows of a table in the order of their ids; undefined at its end. */
export async function findLastId(
    queries: Queries,
    table: CleanedTable,
    after: string,
    limit: number
): Promise<string | undefined> {
    const [row] = await queries.query<{ id: string | null }>(
        `SELECT MAX(id) AS id FROM (SELECT id FROM ${table} WHERE id > ? ORDER BY id LIMIT ${limit}) page`,
        [after]
    );
    return row?.id ?? undefined;
}
