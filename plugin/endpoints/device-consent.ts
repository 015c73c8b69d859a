import type { Request, ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { decideDeviceConsent, readDeviceConsent, type DeviceConsent } from '../flows/device-consent';
import { clientAddress } from '../http/client-address';
import { sessionAuthTime } from '../http/session';
import { sessionRoute } from '../http/session-route';
import type { Account } from '../options/options';
import { readConsentBody, readConsentQuery } from './consent-input';

const CONSENT = '/oauth/device/consent';

/** The consent to a device authorization (RFC 8628 §3.3), for the forum's own frontend. */
export function deviceConsentRoutes(context: Context): ServerRoute[] {
    return [
        sessionRoute(context, {
            method: 'GET',
            path: CONSENT,
            shape: 'protocol',
            // The first account that reads a code claims it.
            changesState: true,
            scriptsOnly: true,
            takesUserCodes: true,
            handler: (request, account) => read(context, request, account)
        }),
        sessionRoute(context, {
            method: 'POST',
            path: CONSENT,
            shape: 'protocol',
            takesUserCodes: true,
            handler: (request, account) => decide(context, request, account)
        })
    ];
}

async function read(context: Context, request: Request, account: Account): Promise<DeviceConsent> {
    const userCode = readConsentQuery(request, 'user_code');
    return readDeviceConsent(context, account, userCode, clientAddress(context, request));
}

async function decide(
    context: Context,
    request: Request,
    account: Account
): Promise<{ status: 'approved' | 'denied' }> {
    const { subject, decision } = readConsentBody(request, 'user_code');
    return decideDeviceConsent(context, account, subject, {
        decision,
        authTime: sessionAuthTime(context, request),
        address: clientAddress(context, request)
    });
}
