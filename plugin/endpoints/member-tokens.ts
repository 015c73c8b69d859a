import type { ServerRoute } from '@hapi/hapi';
import Joi from 'joi';
import type { Context } from '../context';
import { revokeClientTokens, revokeToken } from '../flows/revoke-grants';
import { readBody, readQuery } from '../http/validate';
import { listTokens } from '../store/token-list';
import { idOf, memberRoute, noContent, type ManagementRequest } from './management-route';
import { empty, oauthClientId, pageNumber, tokenQuery } from './query-fields';

const TOKENS = '/auth/oauth/tokens';
const TOKEN = `${TOKENS}/{id}`;

/** The query of a request to revoke all grants of one application. */
const clientQuery = Joi.object<{ oauth_client_id: string }>({ oauth_client_id: oauthClientId.required() });

/** The endpoints for the applications that a member authorized. */
export function memberTokenRoutes(context: Context): ServerRoute[] {
    return [
        memberRoute(context, 'GET', TOKENS, list),
        memberRoute(context, 'DELETE', TOKEN, revoke),
        memberRoute(context, 'DELETE', TOKENS, revokeAllOfClient)
    ];
}

async function list({ context, account, request }: ManagementRequest) {
    const query = readQuery(request, tokenQuery);
    const filter = {
        accountId: account.id,
        oauthClientId: query.oauth_client_id,
        status: query.status,
        page: pageNumber(query)
    };
    return listTokens(context.database, filter, context.clock());
}

async function revoke(call: ManagementRequest) {
    readBody(call.request, empty);
    await revokeToken(call.context, call.account.id, idOf(call));
    return noContent(call);
}

async function revokeAllOfClient(call: ManagementRequest) {
    readBody(call.request, empty);
    const { oauth_client_id: client } = readQuery(call.request, clientQuery);
    await revokeClientTokens(call.context, call.account.id, client);
    return noContent(call);
}
