import { DEVICE_CODE_GRANT } from '../clients/grant-rules';
import type { Client } from '../store/clients';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import type { Form } from '../parameters';
import { consume, findByDeviceCode, recordPoll } from '../store/device-authorizations';
import type { TokenResponse } from './token-response';
import { exchange } from './exchange';
import { checkResource, required } from '../parameters';

/** The device code grant: a poll, and the one exchange that follows the approval (RFC 8628 §3.4, §3.5). */
export async function deviceCodeGrant(context: Context, client: Client, form: Form): Promise<TokenResponse> {
    const deviceCode = required(form, 'device_code');
    checkResource(context, form);
    const device = await findByDeviceCode(context.database, deviceCode);
    if (device?.client.id !== client.id || device.consumedAt !== null) {
        throw unusable();
    }
    if (device.deniedAt !== null) {
        throw OAuthError.accessDenied('The request was denied');
    }
    if (context.clock() >= device.expiresAt) {
        throw OAuthError.expiredToken('The device code has expired, ask for a new one');
    }
    if (device.approvedAt === null) {
        if (await recordPoll(context, device)) {
            throw OAuthError.slowDown('Wait five seconds longer between polls from now on');
        }
        throw OAuthError.authorizationPending('The request has not been decided yet');
    }
    const account = await context.findAccount(device.approvedBy!);
    if (!account) {
        throw OAuthError.accessDenied('The account that approved the request may not act');
    }
    const response = await exchange(context, {
        client,
        account,
        grantType: DEVICE_CODE_GRANT,
        requested: device.requested,
        approved: device.approved,
        authTime: device.authTime,
        spend: (queries) => consume(queries, device, context.clock())
    });
    if (!response) {
        throw unusable();
    }
    return response;
}

/** The one answer for a code that is unknown, another client's or used. */
function unusable(): OAuthError {
    return OAuthError.invalidGrant('The device code is unknown or was used already');
}
