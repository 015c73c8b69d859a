import { OAuthDeviceAuthorization } from '../../entities/index';
import type { Context } from '../context';
import { MAX_COUNTED, PAGE_SIZE, pageOf, type Page } from './paging';
import { formatUserCode } from '../user-code';

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

/** One page of all device authorizations that have not been swept away, newest first. */
export async function listDeviceAuthorizations(
    { database }: Context,
    page: number
): Promise<Page & { device_authorisations: DeviceAuthorizationDescription[] }> {
    const [{ total } = { total: 0 }] = await database.query<{ total: number | string }>(
        `SELECT COUNT(*) AS total FROM
            (SELECT 1 AS one FROM oauth_device_authorizations LIMIT ${MAX_COUNTED}) counted`
    );
    const rows = await database.with(OAuthDeviceAuthorization, (devices) =>
        devices.find({
            order: { createdAt: 'DESC', id: 'DESC' },
            skip: (page - 1) * PAGE_SIZE,
            take: PAGE_SIZE
        })
    );
    return { ...pageOf(page, rows.length, Number(total)), device_authorisations: rows.map(describe) };
}

function describe(row: OAuthDeviceAuthorization): DeviceAuthorizationDescription {
    return {
        id: row.id,
        createdAt: new Date(row.createdAt).toISOString(),
        client_id: row.oauthClientId,
        user_code: formatUserCode(row.userCode),
        scope: row.scope,
        expires_at: new Date(row.expiresAt).toISOString(),
        poll_interval_seconds: row.pollInterval,
        ...(row.lastPolledAt !== null && { last_polled_at: new Date(row.lastPolledAt).toISOString() }),
        ...(row.approvedByAccountId !== null && { approved_by_account_id: row.approvedByAccountId }),
        ...(row.approvedAt !== null && { approved_at: new Date(row.approvedAt).toISOString() }),
        ...(row.deniedAt !== null && { denied_at: new Date(row.deniedAt).toISOString() }),
        ...(row.consumedAt !== null && { consumed_at: new Date(row.consumedAt).toISOString() })
    };
}
