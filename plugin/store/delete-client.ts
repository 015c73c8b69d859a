import type { Context } from '../context';

/** What is pending for a client and goes with it. */
const PENDING = ['oauth_device_authorizations', 'oauth_authorization_requests', 'oauth_authorization_codes'];

/**
 * Deletes a client: it can no longer authenticate, its grants end, what was pending is gone. Its row stays for as long
 * as the lists of ended grants name it.
 *
 * @returns false when there is no such client, or no longer
 */
export function deleteClientRow({ clock, database }: Context, id: string): Promise<boolean> {
    const now = clock();
    return database.transaction(async (queries) => {
        const deleted = await queries.execute(
            `UPDATE oauth_clients SET deleted_at = ?, updated_at = ?, secret_hash = NULL, previous_secret_hash = NULL,
                previous_secret_expires_at = NULL WHERE id = ? AND deleted_at IS NULL`,
            [now, now, id]
        );
        if (deleted === 0) {
            return false;
        }
        await queries.execute(
            "UPDATE oauth_grants SET ended_at = ?, end_reason = 'client_deleted' WHERE oauth_client_id = ? AND ended_at IS NULL",
            [now, id]
        );
        for (const table of PENDING) {
            await queries.execute(`DELETE FROM ${table} WHERE oauth_client_id = ?`, [id]);
        }
        return true;
    });
}
