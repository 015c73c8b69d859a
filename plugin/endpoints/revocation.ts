import type { Request, ResponseObject, ResponseToolkit, ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { revoke } from '../flows/revoke';
import { credentialsOf, formRoute } from '../http/protocol-route';
import type { Form } from '../parameters';

/** The revocation endpoint (RFC 7009 §2). */
export function revocationRoute(context: Context): ServerRoute {
    return formRoute('/oauth/revoke', (form, request, h) => revokeToken(context, form, request, h));
}

async function revokeToken(
    context: Context,
    form: Form,
    request: Request,
    h: ResponseToolkit
): Promise<ResponseObject> {
    await revoke(context, credentialsOf(context, request, form), form);
    return h.response().code(200);
}
