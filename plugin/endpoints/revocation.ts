import type { ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { revoke } from '../flows/revoke';
import { credentialsOf, formRoute } from '../http/protocol-route';

/** The revocation endpoint (RFC 7009 §2). */
export function revokeRoutes(context: Context): ServerRoute[] {
    return [
        formRoute('/oauth/revoke', async (form, request, h) => {
            await revoke(context, credentialsOf(context, request, form), form);
            return h.response().code(200);
        })
    ];
}
