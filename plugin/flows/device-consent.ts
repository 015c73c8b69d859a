import type { Client } from '../store/clients';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import { attemptUserCode } from './user-code-attempts';
import type { Account } from '../options/options';
import { resolveScope } from '../scopes/resolve';
import {
    approveDevice,
    claimDevice,
    denyDevice,
    findByUserCode,
    type DeviceAuthorization
} from '../store/device-authorizations';
import { formatUserCode, readUserCode } from '../user-code';
import { requireDecision, type Decision } from './decision';
import { requireMayAuthorize } from '../policy';

/** What a consent page shows of a device authorization. */
export interface DeviceConsent {
    user_code: string;
    client_id: string;
    client_name: string;
    /** RFC 3339. */
    expires_at: string;
    requested_scopes: string[];
    granted_scopes: string[];
    inherits_user_permissions: boolean;
}

/** What is shown of a request on a page that says who asks, and since when. */
export interface Asked<Consent> {
    consent: Consent;
    client: Client;
    /** Epoch milliseconds. */
    createdAt: number;
}

/** A person's decision about a device authorization. */
export interface DeviceDecision {
    decision: Decision;
    /** When the person signed in, epoch seconds, where the host tells. */
    authTime?: number | null;
    /** The client address that the decision comes from. Without it wrong codes count for the account only. */
    address?: string;
}

/**
 * Reads a device authorization for its consent page (RFC 8628 §3.3), which binds it to the account that reads it first.
 *
 * @throws OAuthError `access_denied` when the account may not approve applications or another account has read the code,
 * `invalid_request` for any other code, 429 after too many of them
 */
export async function readDeviceConsent(
    context: Context,
    account: Account,
    typed: string,
    address?: string
): Promise<DeviceConsent> {
    return (await askDeviceConsent(context, account, typed, address)).consent;
}

/** The same, with who asks and since when. */
export async function askDeviceConsent(
    context: Context,
    account: Account,
    typed: string,
    address?: string
): Promise<Asked<DeviceConsent>> {
    requireMayAuthorize(context, account);
    const attempt = await attemptUserCode(context, account.id, address);
    const device = await findUndecided(context, typed);
    if (!device) {
        await attempt.wasWrong();
        throw unusable();
    }
    if (device.claimedBy !== null && device.claimedBy !== account.id) {
        await attempt.wasWrong();
        throw claimed();
    }
    await attempt.wasRight();
    if (!(await claimDevice(context.database, device, account.id))) {
        throw claimed();
    }
    const { granted, inherits } = resolveScope(
        context.scopeRegistry,
        device.client,
        device.requested,
        account.permissions
    );
    const consent = {
        user_code: formatUserCode(device.userCode),
        client_id: device.client.clientId,
        client_name: device.client.name,
        expires_at: new Date(device.expiresAt).toISOString(),
        requested_scopes: device.requested,
        granted_scopes: granted,
        inherits_user_permissions: inherits
    };
    return { consent, client: device.client, createdAt: device.createdAt };
}

/**
 * Decides a device authorization that the account has read. What is granted is computed now, from the permissions that
 * the account has now.
 *
 * @throws OAuthError `access_denied` when the account may not approve applications, `invalid_request` for a code that it
 * has not read, that has expired or is decided, 429 after too many of them
 */
export async function decideDeviceConsent(
    context: Context,
    account: Account,
    typed: string,
    { decision, authTime = null, address }: DeviceDecision
): Promise<{ status: 'approved' | 'denied' }> {
    requireDecision(decision);
    if (decision === 'approve') {
        requireMayAuthorize(context, account);
    }
    const attempt = await attemptUserCode(context, account.id, address);
    const code = readUserCode(typed);
    const device = code === null ? null : await findByUserCode(context.database, code);
    if (device?.claimedBy !== account.id) {
        await attempt.wasWrong();
        throw unusable();
    }
    await attempt.wasRight();
    const { clock, database, scopeRegistry } = context;
    const scope = resolveScope(scopeRegistry, device.client, device.requested, account.permissions).granted;
    const isDecided =
        decision === 'deny'
            ? await denyDevice(database, device, account.id, clock())
            : await approveDevice(database, device, { accountId: account.id, scope, authTime }, clock());
    if (!isDecided) {
        throw unusable();
    }
    context.emit({
        type: decision === 'approve' ? 'device_authorization_approved' : 'device_authorization_denied',
        device_authorization_id: device.id,
        account_id: account.id,
        oauth_client_id: device.client.id,
        client_id: device.client.clientId
    });
    return { status: decision === 'approve' ? 'approved' : 'denied' };
}

async function findUndecided(context: Context, typed: string): Promise<DeviceAuthorization | null> {
    const code = readUserCode(typed);
    const device = code === null ? null : await findByUserCode(context.database, code);
    const pending = device?.approvedAt === null && device.deniedAt === null && context.clock() < device.expiresAt;
    return pending ? device : null;
}

/** Another account was the first to read the code. */
function claimed(): OAuthError {
    return OAuthError.accessDenied('Another account has entered this code');
}

/** The one error for a code that is unknown, expired, decided or, when it is to be decided, not this account's. */
function unusable(): OAuthError {
    return OAuthError.invalidRequest('The code is unknown, expired or already decided');
}
