import type { ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { revokeAnyToken } from '../flows/revoke-grants';
import { readBody, readQuery } from '../http/validate';
import { listTokens } from '../store/token-list';
import { adminRoute, idOf, noContent, type ManagementRequest } from './management-route';
import { adminTokenQuery, empty, pageNumber } from './query-fields';

const TOKENS = '/admin/oauth/refresh-tokens';
const TOKEN = `${TOKENS}/{id}`;

/** The administrators' endpoints for all refresh tokens. */
export function adminRefreshTokenRoutes(context: Context): ServerRoute[] {
    return [adminRoute(context, 'GET', TOKENS, list), adminRoute(context, 'DELETE', TOKEN, revoke)];
}

async function list({ context, request }: ManagementRequest) {
    const query = readQuery(request, adminTokenQuery);
    const filter = {
        accountId: query.account_id,
        oauthClientId: query.oauth_client_id,
        status: query.status,
        page: pageNumber(query)
    };
    return listTokens(context.database, filter, context.clock());
}

async function revoke(call: ManagementRequest) {
    readBody(call.request, empty);
    await revokeAnyToken(call.context, idOf(call));
    return noContent(call);
}
