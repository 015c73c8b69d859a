import type { ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { introspect } from '../flows/introspect';
import { credentialsOf, formRoute } from '../http/protocol-route';

/** The introspection endpoint (RFC 7662 §2): for servers, so no page of any origin may call it. */
export function introspectRoutes(context: Context): ServerRoute[] {
    return [
        formRoute(
            '/oauth/introspect',
            (form, request) => introspect(context, credentialsOf(context, request, form), form),
            false
        )
    ];
}
