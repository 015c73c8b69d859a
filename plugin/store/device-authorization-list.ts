import { formatUserCode } from '../user-code';
import type { Queries } from './database';
import { isPastEnd, MAX_COUNTED, PAGE_SIZE, pageOf, type Page } from './paging';
import { rfc3339 } from './rfc3339';

/** A device authorization as administrators see it. */
export interface DeviceAuthorizationDescription {
    id: string;
    createdAt: string;
    /** The client's `id`. */
    client_id: string;
    user_code: string;
    scope: string;
    expires_at: string;
    poll_interval_seconds: number;
    last_polled_at?: string;
    approved_by_account_id?: string;
    approved_at?: string;
    denied_at?: string;
    consumed_at?: string;
}

type Time = number | string;

interface Row {
    id: string;
    created_at: Time;
    oauth_client_id: string;
    user_code: string;
    scope: string;
    expires_at: Time;
    poll_interval: number | string;
    last_polled_at: Time | null;
    approved_by_account_id: string | null;
    approved_at: Time | null;
    denied_at: Time | null;
    consumed_at: Time | null;
}

/** One page of all device authorizations that the cleanup has not removed, newest first. @param page from 1 */
export async function listDeviceAuthorizations(
    queries: Queries,
    page: number
): Promise<Page & { device_authorisations: DeviceAuthorizationDescription[] }> {
    const [{ total } = { total: 0 }] = await queries.query<{ total: number | string }>(
        `SELECT COUNT(*) AS total FROM
            (SELECT 1 AS one FROM oauth_device_authorizations LIMIT ${MAX_COUNTED}) counted`
    );
    if (isPastEnd(page, Number(total))) {
        return { ...pageOf(page, 0, Number(total)), device_authorisations: [] };
    }
    const rows = await queries.query<Row>(
        `SELECT d.id, d.created_at, d.oauth_client_id, d.user_code, d.scope, d.expires_at, d.poll_interval,
            d.last_polled_at, d.approved_by_account_id, d.approved_at, d.denied_at, g.exchanged_at AS consumed_at
        FROM oauth_device_authorizations d LEFT JOIN oauth_grants g ON g.id = d.grant_id
        ORDER BY d.created_at DESC, d.id DESC LIMIT ${PAGE_SIZE} OFFSET ${(page - 1) * PAGE_SIZE}`
    );
    return { ...pageOf(page, rows.length, Number(total)), device_authorisations: rows.map(describe) };
}

function describe(row: Row): DeviceAuthorizationDescription {
    return {
        id: row.id,
        createdAt: rfc3339(row.created_at),
        client_id: row.oauth_client_id,
        user_code: formatUserCode(row.user_code),
        scope: row.scope,
        expires_at: rfc3339(row.expires_at),
        poll_interval_seconds: Number(row.poll_interval),
        ...(row.last_polled_at !== null && { last_polled_at: rfc3339(row.last_polled_at) }),
        ...(row.approved_by_account_id !== null && { approved_by_account_id: row.approved_by_account_id }),
        ...(row.approved_at !== null && { approved_at: rfc3339(row.approved_at) }),
        ...(row.denied_at !== null && { denied_at: rfc3339(row.denied_at) }),
        ...(row.consumed_at !== null && { consumed_at: rfc3339(row.consumed_at) })
    };
}
