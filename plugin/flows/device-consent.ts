import { requireActive } from '../clients/require-active';
import type { Client } from '../store/clients';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import { attemptUserCode } from './user-code-attempts';
import type { Account } from '../options/options';
import { inheritsPermissions, resolveScope } from '../scopes/resolve';
import { joinNames } from '../scopes/text';
import { DatabaseUnavailable } from '../store/database-errors';
import {
    approveDevice,
    claimDevice,
    denyDevice,
    findByUserCode,
    type DeviceAuthorization
} from '../store/device-authorizations';
import { insertGrant } from '../store/grants';
import { shrinkShownScope } from '../store/shown-scope';
import { formatUserCode, readUserCode } from '../user-code';
import { approvedGrant, settleApproval } from './approved-grant';
import { requireDecision, type Decision } from './decision';
import { stillShown } from './shown-scope';
import { requireMayAuthorize } from '../policy';
import { consentDetails, type ConsentDetails } from './consent-details';

/** What a consent page shows of a device authorization. */
export interface DeviceConsent extends ConsentDetails {
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
    await requireActive(context, device.client, account);
    const { client, requested } = device;
    const consent = {
        user_code: formatUserCode(device.userCode),
        client_id: client.clientId,
        client_name: client.name,
        expires_at: new Date(device.expiresAt).toISOString(),
        requested_scopes: requested,
        granted_scopes: await showDevice(context, account, device),
        inherits_user_permissions: inheritsPermissions(client, requested),
        ...(await consentDetails(context, client, { redirectUri: null, resource: device.resource }))
    };
    return { consent, client, createdAt: device.createdAt };
}

/** How often a device authorization is read while other requests read or decide it. */
const ATTEMPTS = 5;

/**
 * What the account is shown of a device authorization now, which is stored before it is shown. The first time claims it.
 *
 * @throws OAuthError when another account was first, or it was decided meanwhile
 */
async function showDevice(context: Context, account: Account, device: DeviceAuthorization): Promise<string[]> {
    const { database, scopeRegistry } = context;
    let read: DeviceAuthorization | null = device;
    for (let attempts = 1; attempts <= ATTEMPTS; ++attempts) {
        if (!read) {
            throw unusable();
        }
        if (read.claimedBy === null || read.shown === null) {
            const { granted } = resolveScope(scopeRegistry, read.client, read.requested, account.permissions);
            if (await claimDevice(database, read, { accountId: account.id, shown: granted })) {
                return granted;
            }
        } else if (read.claimedBy !== account.id) {
            throw claimed();
        } else {
            const shown = stillShown(context, read, read.shown, account);
            const change = { from: read.shown, to: shown };
            if (
                joinNames(shown) === joinNames(read.shown) ||
                (await shrinkShownScope(database, 'oauth_device_authorizations', read.id, change))
            ) {
                return shown;
            }
        }
        read = await findUndecided(context, device.userCode);
    }
    throw new DatabaseUnavailable('consent');
}

/**
 * Decides a device authorization that the account has read. An approval grants what was shown at last, less what client or
 * account have lost since, and makes the grant at once.
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
    const device = await findClaimed(context, account, typed);
    if (!device) {
        await attempt.wasWrong();
        throw unusable();
    }
    await attempt.wasRight();
    const isDecided =
        decision === 'deny'
            ? await denyDevice(context.database, device, account.id, context.clock())
            : await approve(context, account, device, authTime);
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

/**
 * What an account has decided about a device authorization, so that a page can show it again.
 *
 * @returns null for a code that the account has not decided
 */
export async function findDeviceDecision(
    context: Context,
    account: Account,
    typed: string
): Promise<'approved' | 'denied' | null> {
    const device = await findClaimed(context, account, typed);
    if (!device) {
        return null;
    }
    return device.approvedAt !== null ? 'approved' : device.deniedAt !== null ? 'denied' : null;
}

/** @returns false when it was decided, has expired, or shows less since it was read */
async function approve(
    context: Context,
    account: Account,
    device: DeviceAuthorization,
    authTime: number | null
): Promise<boolean> {
    const { client, expiresAt } = device;
    await requireActive(context, client, account);
    const scope = stillShown(context, device, device.shown ?? [], account);
    const now = context.clock();
    const grant = approvedGrant(context, { client, account, scope, authTime, resource: device.resource, expiresAt });
    const approved = await context.database.transaction(async (queries) => {
        const first = await approveDevice(queries, device, { accountId: account.id, grantId: grant.id }, now);
        if (first) {
            await insertGrant(queries, grant, now);
        }
        return first;
    });
    if (approved) {
        await settleApproval(context, account, client);
    }
    return approved;
}

/** The device authorization that the account has read; null for any other. */
async function findClaimed(
    { database }: Context,
    account: Account,
    typed: string
): Promise<DeviceAuthorization | null> {
    const code = readUserCode(typed);
    if (code === null) {
        return null;
    }
    const device = await findByUserCode(database.sure, code);
    return device?.claimedBy === account.id ? device : null;
}

/**
 * A device authorization that waits for its decision. Codes are looked up by one locking read each: what was stored elsewhere
 * a moment ago is no wrong code, and a second look for the wrong ones only would let right ones overtake them in a burst of
 * guesses.
 */
async function findUndecided({ clock, database }: Context, typed: string): Promise<DeviceAuthorization | null> {
    const code = readUserCode(typed);
    if (code === null) {
        return null;
    }
    const device = await findByUserCode(database.sure, code);
    const pending = device?.approvedAt === null && device.deniedAt === null && clock() < device.expiresAt;
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
