import type { ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { readQuery } from '../http/validate';
import { listDeviceAuthorizations } from '../store/device-authorization-list';
import { adminRoute, type ManagementRequest } from './management-route';
import { pageNumber, pageQuery } from './query-fields';

/** The administrators' endpoint for all device authorizations. */
export function adminDeviceAuthorizationRoutes(context: Context): ServerRoute[] {
    return [adminRoute(context, 'GET', '/admin/oauth/device-authorizations', list)];
}

async function list({ context, request }: ManagementRequest) {
    return listDeviceAuthorizations(context.database, pageNumber(readQuery(request, pageQuery)));
}
