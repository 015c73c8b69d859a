import type { ServerRoute } from '@hapi/hapi';
import Joi from 'joi';
import type { Context } from '../context';
import { revokeAllGrants, revokeAnyToken } from '../flows/revoke-grants';
import { readBody, readQuery } from '../http/validate';
import { listTokens } from '../store/token-list';
import { adminRoute, idOf, noContent, type ManagementRequest } from './management-route';
import { accountId, adminTokenQuery, empty, oauthClientId, pageNumber } from './query-fields';

const TOKENS = '/admin/oauth/refresh-tokens';
const TOKEN = `${TOKENS}/{id}`;

/** The query of a request to revoke all grants of a client, of an account, or of an account to a client. */
const grantQuery = Joi.object<{ oauth_client_id?: string; account_id?: string }>({
    oauth_client_id: oauthClientId,
    account_id: accountId
})
    .or('oauth_client_id', 'account_id')
    .messages({ 'object.missing': 'The query must have oauth_client_id, account_id or both' });

/** The administrators' endpoints for all refresh tokens. */
export function adminRefreshTokenRoutes(context: Context): ServerRoute[] {
    return [
        adminRoute(context, 'GET', TOKENS, list),
        adminRoute(context, 'DELETE', TOKENS, revokeAll),
        adminRoute(context, 'DELETE', TOKEN, revoke)
    ];
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

async function revokeAll(call: ManagementRequest) {
    readBody(call.request, empty);
    const query = readQuery(call.request, grantQuery);
    await revokeAllGrants(call.context, { oauthClientId: query.oauth_client_id, accountId: query.account_id });
    return noContent(call);
}
