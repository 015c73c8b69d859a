import { OAuthDeviceAuthorization } from '../../entities/index';
import { CLIENT_COLUMNS, clientFromRow, type Client, type ClientColumns } from './clients';
import type { Queries } from './database';
import { APPROVED_GRANT_COLUMNS, approvedGrantFromRow, type ApprovedGrant, type ApprovedGrantColumns } from './grants';
import { createId } from '../ids';
import { joinNames, splitNames } from '../scopes/text';

/** A device authorization as a poll or a consent page needs it. Times are epoch milliseconds. */
export interface DeviceAuthorization {
    id: string;
    client: Client;
    userCode: string;
    /** What was asked for. */
    requested: string[];
    /** The protected resource that is asked for; null for the default one. */
    resource: string | null;
    /** Seconds. */
    pollInterval: number;
    lastPolledAt: number | null;
    claimedBy: string | null;
    /** What the person was shown at last: an approval grants no more. Null until the code is claimed. */
    shown: string[] | null;
    approvedBy: string | null;
    approvedAt: number | null;
    deniedAt: number | null;
    createdAt: number;
    expiresAt: number;
}

interface Row extends ClientColumns {
    id: string;
    user_code: string;
    scope: string;
    resource: string | null;
    poll_interval: number;
    last_polled_at: number | string | null;
    claimed_by_account_id: string | null;
    approved_by_account_id: string | null;
    shown_scope: string | null;
    approved_at: number | string | null;
    denied_at: number | string | null;
    created_at: number | string;
    expires_at: number | string;
}

const COLUMNS = `${CLIENT_COLUMNS}, d.id, d.user_code, d.scope, d.resource, d.poll_interval, d.last_polled_at,
    d.claimed_by_account_id, d.shown_scope, d.approved_by_account_id, d.approved_at, d.denied_at, d.created_at,
    d.expires_at`;

const FROM = 'FROM oauth_device_authorizations d JOIN oauth_clients c ON c.id = d.oauth_client_id';

const number = (value: number | string | null): number | null => (value === null ? null : Number(value));

function fromRow(row: Row): DeviceAuthorization {
    return {
        id: row.id,
        client: clientFromRow(row),
        userCode: row.user_code,
        requested: splitNames(row.scope),
        resource: row.resource,
        pollInterval: Number(row.poll_interval),
        lastPolledAt: number(row.last_polled_at),
        claimedBy: row.claimed_by_account_id,
        shown: row.shown_scope === null ? null : splitNames(row.shown_scope),
        approvedBy: row.approved_by_account_id,
        approvedAt: number(row.approved_at),
        deniedAt: number(row.denied_at),
        createdAt: Number(row.created_at),
        expiresAt: Number(row.expires_at)
    };
}

/** A device authorization that a client asks for. */
export interface NewDeviceAuthorization {
    /** The client's `id`. */
    oauthClientId: string;
    deviceCodeHash: string;
    /** Eight characters, without the hyphen. */
    userCode: string;
    requested: readonly string[];
    /** Null for the default one. */
    resource: string | null;
    /** A MAC of the client's network; null where the host knows no address. */
    requestedFrom: string | null;
    /** Seconds. */
    pollInterval: number;
    /** Epoch milliseconds. */
    expiresAt: number;
}

/**
 * Writes a device authorization.
 *
 * @param now epoch milliseconds
 * @returns its id
 * @throws DuplicateKey when the user code is taken
 */
export async function insertDeviceAuthorization(
    queries: Queries,
    device: NewDeviceAuthorization,
    now: number
): Promise<string> {
    const id = createId(now);
    await queries.insert(OAuthDeviceAuthorization, {
        id,
        oauthClientId: device.oauthClientId,
        deviceCodeHash: device.deviceCodeHash,
        userCode: device.userCode,
        scope: joinNames(device.requested),
        resource: device.resource,
        pollInterval: device.pollInterval,
        lastPolledAt: null,
        claimedByAccountId: null,
        approvedByAccountId: null,
        shownScope: null,
        requestedFrom: device.requestedFrom,
        approvedAt: null,
        deniedAt: null,
        grantId: null,
        createdAt: now,
        expiresAt: device.expiresAt
    });
    return id;
}

/** How many device authorizations a network has that nobody has decided yet. @param now epoch milliseconds */
export async function countPendingFrom(queries: Queries, requestedFrom: string, now: number): Promise<number> {
    const [row] = await queries.query<{ pending: number | string }>(
        `SELECT COUNT(*) AS pending FROM oauth_device_authorizations
        WHERE requested_from = ? AND expires_at > ? AND approved_at IS NULL AND denied_at IS NULL`,
        [requestedFrom, now]
    );
    return Number(row?.pending ?? 0);
}

/** The device authorization with this device code, and the grant of its approval; null where there is none. */
export async function findByDeviceCode(
    queries: Queries,
    hash: string
): Promise<{ device: DeviceAuthorization; grant: ApprovedGrant | null } | null> {
    const [row] = await queries.query<Row & (ApprovedGrantColumns | { g_id: null })>(
        `SELECT ${COLUMNS}, ${APPROVED_GRANT_COLUMNS} ${FROM} LEFT JOIN oauth_grants g ON g.id = d.grant_id
        WHERE d.device_code_hash = ?`,
        [hash]
    );
    return row ? { device: fromRow(row), grant: row.g_id === null ? null : approvedGrantFromRow(row) } : null;
}

/** @param userCode eight characters, as `readUserCode` gives them */
export async function findByUserCode(queries: Queries, userCode: string): Promise<DeviceAuthorization | null> {
    const [row] = await queries.query<Row>(`SELECT ${COLUMNS} ${FROM} WHERE d.user_code = ? AND c.deleted_at IS NULL`, [
        userCode
    ]);
    return row ? fromRow(row) : null;
}

/**
 * Notes the time of a poll.
 *
 * @returns false when another poll was noted since the authorization was read
 */
export async function recordPoll(queries: Queries, device: DeviceAuthorization, now: number): Promise<boolean> {
    const recorded = await queries.execute(
        `UPDATE oauth_device_authorizations SET last_polled_at = ?
        WHERE id = ? AND COALESCE(last_polled_at, -1) = ?`,
        // Always another time than before: a driver may count only rows that change.
        [now === device.lastPolledAt ? now + 1 : now, device.id, device.lastPolledAt ?? -1]
    );
    return recorded > 0;
}

/** Notes the time of an early poll and lengthens the interval for good. @param by seconds */
export async function lengthenPollInterval(
    queries: Queries,
    device: DeviceAuthorization,
    by: number,
    now: number
): Promise<void> {
    await queries.execute(
        'UPDATE oauth_device_authorizations SET last_polled_at = ?, poll_interval = poll_interval + ? WHERE id = ?',
        [now, by, device.id]
    );
}

/**
 * Binds an authorization to the account that reads it first, with what that account is shown.
 *
 * @returns false when an account was first
 */
export async function claimDevice(
    queries: Queries,
    device: DeviceAuthorization,
    { accountId, shown }: { accountId: string; shown: readonly string[] }
): Promise<boolean> {
    const claimed = await queries.execute(
        `UPDATE oauth_device_authorizations SET claimed_by_account_id = ?, shown_scope = ?
        WHERE id = ? AND claimed_by_account_id IS NULL`,
        [accountId, joinNames(shown), device.id]
    );
    return claimed > 0;
}

const UNDECIDED = `id = ? AND claimed_by_account_id = ? AND approved_at IS NULL AND denied_at IS NULL
    AND expires_at > ?`;

/**
 * Approves for the account that claimed it.
 *
 * @returns false when it was decided, has expired, or shows less since it was read
 */
export async function approveDevice(
    queries: Queries,
    device: DeviceAuthorization,
    { accountId, grantId }: { accountId: string; grantId: string },
    now: number
): Promise<boolean> {
    const approved = await queries.execute(
        `UPDATE oauth_device_authorizations SET approved_at = ?, approved_by_account_id = ?, grant_id = ?
        WHERE ${UNDECIDED} AND shown_scope = ?`,
        [now, accountId, grantId, device.id, accountId, now, joinNames(device.shown ?? [])]
    );
    return approved > 0;
}

/** Denies for the account that claimed it. False when it was decided or has expired meanwhile. */
export async function denyDevice(
    queries: Queries,
    device: DeviceAuthorization,
    accountId: string,
    now: number
): Promise<boolean> {
    const denied = await queries.execute(`UPDATE oauth_device_authorizations SET denied_at = ? WHERE ${UNDECIDED}`, [
        now,
        device.id,
        accountId,
        now
    ]);
    return denied > 0;
}
