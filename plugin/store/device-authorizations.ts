import { OAuthDeviceAuthorization } from '../../entities/index';
import { CLIENT_COLUMNS, clientFromRow, type Client, type ClientColumns } from './clients';
import { type Queries } from './database';
import { createId } from '../ids';
import { joinNames, splitNames } from '../scopes/text';

/** A device authorization as a poll or a consent page needs it. Times are epoch milliseconds. */
export interface DeviceAuthorization {
    id: string;
    client: Client;
    userCode: string;
    /** What was asked for. */
    requested: string[];
    /** Seconds. */
    pollInterval: number;
    lastPolledAt: number | null;
    claimedBy: string | null;
    approvedBy: string | null;
    approved: string[];
    /** When the approving person signed in, epoch seconds. */
    authTime: number | null;
    approvedAt: number | null;
    deniedAt: number | null;
    consumedAt: number | null;
    createdAt: number;
    expiresAt: number;
}

interface Row extends ClientColumns {
    id: string;
    user_code: string;
    scope: string;
    poll_interval: number;
    last_polled_at: number | string | null;
    claimed_by_account_id: string | null;
    approved_by_account_id: string | null;
    approved_scope: string | null;
    auth_time: number | string | null;
    approved_at: number | string | null;
    denied_at: number | string | null;
    consumed_at: number | string | null;
    created_at: number | string;
    expires_at: number | string;
}

const SELECT = `
    SELECT ${CLIENT_COLUMNS}, d.id, d.user_code, d.scope, d.poll_interval, d.last_polled_at, d.claimed_by_account_id,
        d.approved_by_account_id, d.approved_scope, d.auth_time, d.approved_at, d.denied_at, d.consumed_at, d.created_at,
        d.expires_at
    FROM oauth_device_authorizations d JOIN oauth_clients c ON c.id = d.oauth_client_id`;

const number = (value: number | string | null): number | null => (value === null ? null : Number(value));

function fromRow(row: Row): DeviceAuthorization {
    return {
        id: row.id,
        client: clientFromRow(row),
        userCode: row.user_code,
        requested: splitNames(row.scope),
        pollInterval: Number(row.poll_interval),
        lastPolledAt: number(row.last_polled_at),
        claimedBy: row.claimed_by_account_id,
        approvedBy: row.approved_by_account_id,
        approved: splitNames(row.approved_scope ?? ''),
        authTime: number(row.auth_time),
        approvedAt: number(row.approved_at),
        deniedAt: number(row.denied_at),
        consumedAt: number(row.consumed_at),
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
        pollInterval: device.pollInterval,
        lastPolledAt: null,
        claimedByAccountId: null,
        approvedByAccountId: null,
        approvedScope: null,
        authTime: null,
        approvedAt: null,
        deniedAt: null,
        consumedAt: null,
        createdAt: now,
        expiresAt: device.expiresAt
    });
    return id;
}

export async function findByDeviceCode(queries: Queries, hash: string): Promise<DeviceAuthorization | null> {
    const [row] = await queries.query<Row>(`${SELECT} WHERE d.device_code_hash = ?`, [hash]);
    return row ? fromRow(row) : null;
}

/** @param userCode eight characters, as `readUserCode` gives them */
export async function findByUserCode(queries: Queries, userCode: string): Promise<DeviceAuthorization | null> {
    const [row] = await queries.query<Row>(`${SELECT} WHERE d.user_code = ? AND c.deleted_at IS NULL`, [userCode]);
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
        [now, device.id, device.lastPolledAt ?? -1]
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

/** Binds an authorization to the account that reads it first. False when another account was first. */
export async function claimDevice(queries: Queries, device: DeviceAuthorization, accountId: string): Promise<boolean> {
    const claimed = await queries.execute(
        `UPDATE oauth_device_authorizations SET claimed_by_account_id = ?
        WHERE id = ? AND (claimed_by_account_id IS NULL OR claimed_by_account_id = ?)`,
        [accountId, device.id, accountId]
    );
    return claimed > 0;
}

const UNDECIDED = `id = ? AND claimed_by_account_id = ? AND approved_at IS NULL AND denied_at IS NULL
    AND consumed_at IS NULL AND expires_at > ?`;

/** Approves for the account that claimed it. False when it was decided or has expired meanwhile. */
export async function approveDevice(
    queries: Queries,
    device: DeviceAuthorization,
    decision: { accountId: string; scope: readonly string[]; authTime: number | null },
    now: number
): Promise<boolean> {
    const approved = await queries.execute(
        `UPDATE oauth_device_authorizations
        SET approved_at = ?, approved_by_account_id = ?, approved_scope = ?, auth_time = ? WHERE ${UNDECIDED}`,
        [now, decision.accountId, joinNames(decision.scope), decision.authTime, device.id, decision.accountId, now]
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

/** Spends an approved authorization. False when another request has. */
export async function consumeDevice(queries: Queries, device: DeviceAuthorization, now: number): Promise<boolean> {
    const consumed = await queries.execute(
        'UPDATE oauth_device_authorizations SET consumed_at = ? WHERE id = ? AND consumed_at IS NULL',
        [now, device.id]
    );
    return consumed > 0;
}
