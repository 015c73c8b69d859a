import { joinNames } from '../scopes/text';
import type { Queries } from './database';

/** The tables of what a person is asked about, each with a column `shown_scope`. */
type Asking = 'oauth_authorization_requests' | 'oauth_device_authorizations';

/**
 * Replaces what is shown of a request by less.
 *
 * @returns false when another request has replaced it since it was read
 */
export async function shrinkShownScope(
    queries: Queries,
    table: Asking,
    id: string,
    { from, to }: { from: readonly string[]; to: readonly string[] }
): Promise<boolean> {
    const shrunk = await queries.execute(`UPDATE ${table} SET shown_scope = ? WHERE id = ? AND shown_scope = ?`, [
        joinNames(to),
        id,
        joinNames(from)
    ]);
    return shrunk > 0;
}
