import type { Request, ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { revoke } from '../flows/revoke';
import { credentialsOf, formRoute } from '../http/protocol-route';
import type { Form } from '../parameters';

/** The revocation endpoint (RFC 7009 §2). */
export function revocationRoute(context: Context): ServerRoute {
    return formRoute(context, '/oauth/revoke', (form, request) => revokeToken(context, form, request));
}

async function revokeToken(context: Context, form: Form, request: Request): Promise<object> {
    await revoke(context, credentialsOf(context, request, form), form);
    // RFC 7009 §2.2 leaves the body open. Some clients parse it as JSON.
    return {};
}
