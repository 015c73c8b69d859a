import { DEVICE_CODE_GRANT } from '../clients/grant-rules';
import { requireActive } from '../clients/require-active';
import type { Client } from '../store/clients';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import { required, type Form } from '../parameters';
import { boundResource, requestedResource } from '../resources';
import {
    findByDeviceCode,
    lengthenPollInterval,
    recordPoll,
    type DeviceAuthorization
} from '../store/device-authorizations';
import { hashSecret } from '../tokens/secret';
import { exchange } from './exchange';
import type { TokenResponse } from './token-response';
import { findSurely } from '../store/database';

/** A poll may come this much early, milliseconds: timers and networks are not exact. */
const POLL_TOLERANCE = 500;

/** What each early poll adds to the interval (RFC 8628 §3.5), seconds. */
const SLOW_DOWN = 5;

/** The device code grant: a poll, and the one exchange that follows the approval (RFC 8628 §3.4, §3.5). */
export async function deviceCodeGrant(context: Context, client: Client, form: Form): Promise<TokenResponse> {
    const deviceCode = required(form, 'device_code');
    requestedResource(context, form);
    const found = await findSurely(context.database, (queries) => findByDeviceCode(queries, hashSecret(deviceCode)));
    if (found?.device.client.id !== client.id || found.grant?.exchanged || found.grant?.revoked) {
        throw unusable();
    }
    const { device, grant } = found;
    if (device.deniedAt !== null) {
        throw OAuthError.accessDenied('The request was denied');
    }
    if (context.clock() >= device.expiresAt) {
        throw OAuthError.expiredToken('The device code has expired, ask for a new one');
    }
    const resource = boundResource(context, form, device.resource);
    if (!grant) {
        if (await pollsTooFast(context, device)) {
            throw OAuthError.slowDown('Wait five seconds longer between polls from now on');
        }
        throw OAuthError.authorizationPending('The request has not been decided yet');
    }
    const account = await context.findAccount(grant.accountId);
    if (!account) {
        throw OAuthError.accessDenied('The account that approved the request may not act');
    }
    await requireActive(context, client, account);
    const { requested } = device;
    const response = await exchange(context, {
        client,
        account,
        grant,
        grantType: DEVICE_CODE_GRANT,
        requested,
        resource
    });
    if (!response) {
        throw unusable();
    }
    return response;
}

/**
 * Records a poll of a pending authorization (RFC 8628 §3.5).
 *
 * @returns true when it came too early. The interval is longer from then on
 */
async function pollsTooFast({ clock, database }: Context, device: DeviceAuthorization): Promise<boolean> {
    const now = clock();
    const { lastPolledAt, pollInterval } = device;
    // After the clock was set back, the last poll lies in the future, and nothing says how long ago it was.
    const isEarly =
        lastPolledAt !== null && now >= lastPolledAt && now - lastPolledAt < pollInterval * 1000 - POLL_TOLERANCE;
    // Another poll that was recorded in between makes this one early after all.
    if (!isEarly && (await recordPoll(database, device, now))) {
        return false;
    }
    await lengthenPollInterval(database, device, SLOW_DOWN, now);
    return true;
}

/** The one error for a code that is unknown, another client's or used, or whose grant was revoked. */
function unusable(): OAuthError {
    return OAuthError.invalidGrant('The device code is unknown, was used already or was revoked');
}
