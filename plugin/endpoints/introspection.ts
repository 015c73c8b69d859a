import type { Request, ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { introspect, type Introspection } from '../flows/introspect';
import { credentialsOf, formRoute } from '../http/protocol-route';
import type { Form } from '../parameters';

/** The introspection endpoint (RFC 7662 §2). It is for servers, so it allows no origin. */
export function introspectionRoute(context: Context): ServerRoute {
    return formRoute(context, '/oauth/introspect', (form, request) => introspectToken(context, form, request), false);
}

async function introspectToken(context: Context, form: Form, request: Request): Promise<Introspection> {
    return introspect(context, credentialsOf(context, request, form), form);
}
