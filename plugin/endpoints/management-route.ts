import type { Lifecycle, Request, ResponseObject, ResponseToolkit, ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { sessionRoute, type SessionEndpoint } from '../http/session-route';
import type { Account } from '../options/options';
import { requireAdministrator } from '../policy';

/** A request to a management endpoint, with the account whose session it came with. */
export interface ManagementRequest {
    context: Context;
    account: Account;
    request: Request;
    h: ResponseToolkit;
}

type Handler = (call: ManagementRequest) => Promise<Lifecycle.ReturnValueTypes>;

/** A route of a management endpoint that every signed-in account may use. */
export function memberRoute(
    context: Context,
    method: SessionEndpoint['method'],
    path: string,
    handler: Handler
): ServerRoute {
    return sessionRoute(context, {
        method,
        path,
        shape: 'management',
        handler: (request, account, h) => handler({ context, account, request, h })
    });
}

/** A route of a management endpoint that only administrators may use. */
export function adminRoute(
    context: Context,
    method: SessionEndpoint['method'],
    path: string,
    handler: Handler
): ServerRoute {
    return memberRoute(context, method, path, async (call) => {
        requireAdministrator(context, call.account);
        return handler(call);
    });
}

/** The `{id}` of a path. */
export function idOf({ request }: ManagementRequest): string {
    return request.params.id as string;
}

/** 204. */
export function noContent({ h }: ManagementRequest): ResponseObject {
    return h.response().code(204);
}
