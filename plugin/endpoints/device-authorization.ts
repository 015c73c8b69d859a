import type { Request, ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { authorizeDevice, type DeviceAuthorizationResponse } from '../flows/device-authorization';
import { authorizationHeader, credentialsOf, formRoute } from '../http/protocol-route';
import { required, type Form } from '../parameters';

/** The device authorization endpoint (RFC 8628 §3.1). */
export function deviceAuthorizationRoute(context: Context): ServerRoute {
    return formRoute(context, '/oauth/device_authorization', (form, request) => begin(context, form, request));
}

async function begin(context: Context, form: Form, request: Request): Promise<DeviceAuthorizationResponse> {
    if (authorizationHeader(request) === undefined) {
        required(form, 'client_id');
    }
    return authorizeDevice(context, credentialsOf(context, request, form), form);
}
