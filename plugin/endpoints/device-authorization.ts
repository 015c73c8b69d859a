import type { ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { authorizeDevice } from '../flows/device-authorization';
import { decideDeviceConsent, readDeviceConsent } from '../flows/device-consent';
import { required } from '../parameters';
import { clientAddress } from '../http/client-address';
import { readConsentBody, readConsentQuery } from './consent-input';
import { authorizationHeader, credentialsOf, formRoute } from '../http/protocol-route';
import { sessionAuthTime, sessionRoute } from '../http/session';

/** The device authorization endpoint (RFC 8628 §3.1) and its consent, for the host's frontend. */
export function deviceRoutes(context: Context): ServerRoute[] {
    const path = '/oauth/device/consent';
    return [
        formRoute('/oauth/device_authorization', (form, request) => {
            if (authorizationHeader(request) === undefined) {
                required(form, 'client_id');
            }
            return authorizeDevice(context, credentialsOf(context, request, form), form);
        }),
        sessionRoute(context, {
            method: 'GET',
            path,
            shape: 'protocol',
            changesState: true,
            handler: (request, account) =>
                readDeviceConsent(
                    context,
                    account,
                    readConsentQuery(request, 'user_code'),
                    clientAddress(context, request)
                )
        }),
        sessionRoute(context, {
            method: 'POST',
            path,
            shape: 'protocol',
            handler: (request, account) => {
                const body = readConsentBody(request, 'user_code');
                return decideDeviceConsent(context, account, body.subject, {
                    decision: body.decision,
                    authTime: sessionAuthTime(context, request),
                    address: clientAddress(context, request)
                });
            }
        })
    ];
}
