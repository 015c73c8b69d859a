import type { Queries } from '../database';

/** The tables whose rows name a client. */
const REFERRING = [
    'oauth_grants',
    'oauth_device_authorizations',
    'oauth_authorization_requests',
    'oauth_authorization_codes'
];

/**
 * The clients after `after` up to `last`, by their ids, that were deleted no later than `cutoff` (epoch milliseconds) and that
 * no row names any more.
 */
export async function findRemovableClients(
    queries: Queries,
    { after, last, cutoff }: { after: string; last: string; cutoff: number }
): Promise<string[]> {
    const unnamed = REFERRING.map(
        (table) => `AND NOT EXISTS (SELECT 1 FROM ${table} r WHERE r.oauth_client_id = c.id)`
    );
    const rows = await queries.query<{ id: string }>(
        `SELECT id FROM oauth_clients c WHERE id > ? AND id <= ? AND deleted_at <= ? ${unnamed.join(' ')}`,
        [after, last, cutoff]
    );
    return rows.map((row) => row.id);
}
