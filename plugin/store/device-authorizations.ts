import { OAuthDeviceAuthorization } from '../../entities/index';
import { CLIENT_COLUMNS, clientFromRow, type Client, type ClientColumns } from './clients';
import type { Context } from '../context';
import { DuplicateKey, type Queries } from './database';
import { createId } from '../ids';
import { joinNames, splitNames } from '../scopes/text';
import { hashSecret, randomSecret } from '../tokens/secret';
import { createUserCode } from '../tokens/user-code';

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

/** How often a user code that is taken is drawn again: among 2^40 codes one draw is nearly always enough. */
const DRAWS = 5;

/** Writes a new device authorization and returns what the device is told. */
export async function createDeviceAuthorization(
    { clock, database, settings }: Context,
    client: Client,
    requested: readonly string[]
): Promise<{ id: string; deviceCode: string; userCode: string }> {
    const now = clock();
    const { deviceCode: lifetime, devicePollInterval } = settings.lifetimes;
    for (let draws = 1; ; ++draws) {
        const deviceCode = randomSecret();
        const userCode = createUserCode();
        const id = createId(now);
        try {
            await database.insert(OAuthDeviceAuthorization, {
                id,
                oauthClientId: client.id,
                deviceCodeHash: hashSecret(deviceCode),
                userCode,
                scope: joinNames(requested),
                pollInterval: devicePollInterval,
                lastPolledAt: null,
                claimedByAccountId: null,
                approvedByAccountId: null,
                approvedScope: null,
                authTime: null,
                approvedAt: null,
                deniedAt: null,
                consumedAt: null,
                createdAt: now,
                expiresAt: now + lifetime * 1000
            });
            return { id, deviceCode, userCode };
        } catch (error) {
            if (!(error instanceof DuplicateKey) || draws === DRAWS) {
                throw error;
            }
        }
    }
}

export async function findByDeviceCode(queries: Queries, deviceCode: string): Promise<DeviceAuthorization | null> {
    const [row] = await queries.query<Row>(`${SELECT} WHERE d.device_code_hash = ?`, [hashSecret(deviceCode)]);
    return row ? fromRow(row) : null;
}

/** @param userCode eight characters, as `readUserCode` gives them */
export async function findByUserCode(queries: Queries, userCode: string): Promise<DeviceAuthorization | null> {
    const [row] = await queries.query<Row>(`${SELECT} WHERE d.user_code = ? AND c.deleted_at IS NULL`, [userCode]);
    return row ? fromRow(row) : null;
}

/** A poll may come this much early, milliseconds: timers and networks are not exact. */
const POLL_TOLERANCE = 500;

/** What each early poll adds to the interval (RFC 8628 §3.5), seconds. */
const SLOW_DOWN = 5;

/**
 * Notes a poll of a pending authorization.
 *
 * @returns true when it came too early, which has lengthened the interval for good
 */
export async function recordPoll({ clock, database }: Context, device: DeviceAuthorization): Promise<boolean> {
    const now = clock();
    // After a poll that lies ahead, the clock having been set back since, nobody knows how long ago it was.
    const early =
        device.lastPolledAt !== null &&
        now >= device.lastPolledAt &&
        now - device.lastPolledAt < device.pollInterval * 1000 - POLL_TOLERANCE;
    if (!early) {
        const noted = await database.execute(
            `UPDATE oauth_device_authorizations SET last_polled_at = ?
            WHERE id = ? AND COALESCE(last_polled_at, -1) = ?`,
            [now, device.id, device.lastPolledAt ?? -1]
        );
        if (noted > 0) {
            return false;
        }
        // Another poll came in between, so this one is early after all.
    }
    await database.execute(
        'UPDATE oauth_device_authorizations SET last_polled_at = ?, poll_interval = poll_interval + ? WHERE id = ?',
        [now, SLOW_DOWN, device.id]
    );
    return true;
}

/** Binds an unread authorization to the account that reads it first. False when somebody was first. */
export async function claim({ database }: Context, device: DeviceAuthorization, accountId: string): Promise<boolean> {
    const claimed = await database.execute(
        `UPDATE oauth_device_authorizations SET claimed_by_account_id = ?
        WHERE id = ? AND (claimed_by_account_id IS NULL OR claimed_by_account_id = ?)`,
        [accountId, device.id, accountId]
    );
    return claimed > 0;
}

const UNDECIDED = `id = ? AND claimed_by_account_id = ? AND approved_at IS NULL AND denied_at IS NULL
    AND consumed_at IS NULL AND expires_at > ?`;

/** Approves for the account that claimed it. False when it was decided or has expired meanwhile. */
export async function approve(
    { clock, database }: Context,
    device: DeviceAuthorization,
    decision: { accountId: string; scope: readonly string[]; authTime: number | null }
): Promise<boolean> {
    const now = clock();
    const approved = await database.execute(
        `UPDATE oauth_device_authorizations
        SET approved_at = ?, approved_by_account_id = ?, approved_scope = ?, auth_time = ? WHERE ${UNDECIDED}`,
        [now, decision.accountId, joinNames(decision.scope), decision.authTime, device.id, decision.accountId, now]
    );
    return approved > 0;
}

/** Denies for the account that claimed it. False when it was decided or has expired meanwhile. */
export async function deny(
    { clock, database }: Context,
    device: DeviceAuthorization,
    accountId: string
): Promise<boolean> {
    const now = clock();
    const denied = await database.execute(`UPDATE oauth_device_authorizations SET denied_at = ? WHERE ${UNDECIDED}`, [
        now,
        device.id,
        accountId,
        now
    ]);
    return denied > 0;
}

/** Spends an approved authorization. False when another request has. */
export async function consume(queries: Queries, device: DeviceAuthorization, now: number): Promise<boolean> {
    const consumed = await queries.execute(
        'UPDATE oauth_device_authorizations SET consumed_at = ? WHERE id = ? AND consumed_at IS NULL',
        [now, device.id]
    );
    return consumed > 0;
}
