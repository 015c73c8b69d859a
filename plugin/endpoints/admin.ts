import type { ServerRoute } from '@hapi/hapi';
import Joi from 'joi';
import {
    createAnyClient,
    deleteAnyClient,
    getAnyClient,
    listAllClients,
    updateAnyClient
} from '../clients/admin-clients';
import type { Context } from '../context';
import { requireAdministrator } from '../policy';
import { listDeviceAuthorizations } from '../store/device-authorization-list';
import { listTokens, TOKEN_STATUSES, type TokenStatus } from '../store/token-list';
import { revokeAnyToken } from '../flows/revoke-grants';
import { accountId, adminClientChange, adminNewClient, nothing, oauthClientId, page } from './fields';
import { sessionRoute, type SessionEndpoint } from '../http/session';
import { readBody, readQuery } from '../http/validate';

const paged = Joi.object<{ page?: string }>({ page });

const tokenQuery = Joi.object<{
    page?: string;
    account_id?: string;
    oauth_client_id?: string;
    status?: TokenStatus;
}>({ page, account_id: accountId, oauth_client_id: oauthClientId, status: Joi.valid(...TOKEN_STATUSES) });

/** What an administrator sees of all members' clients and tokens, and does with them. */
export function adminRoutes(context: Context): ServerRoute[] {
    const clients = '/admin/oauth/clients';
    return [
        route(context, {
            method: 'GET',
            path: clients,
            handler: (request) => listAllClients(context, { page: Number(readQuery(request, paged).page ?? 1) })
        }),
        route(context, {
            method: 'POST',
            path: clients,
            handler: (request, account) => createAnyClient(context, account, readBody(request, adminNewClient))
        }),
        route(context, {
            method: 'GET',
            path: `${clients}/{id}`,
            handler: (request) => getAnyClient(context, request.params.id as string)
        }),
        route(context, {
            method: 'PATCH',
            path: `${clients}/{id}`,
            handler: (request, account) =>
                updateAnyClient(context, account, request.params.id as string, readBody(request, adminClientChange))
        }),
        route(context, {
            method: 'DELETE',
            path: `${clients}/{id}`,
            handler: async (request, account, h) => {
                readBody(request, nothing);
                await deleteAnyClient(context, account, request.params.id as string);
                return h.response().code(204);
            }
        }),
        route(context, {
            method: 'GET',
            path: '/admin/oauth/device-authorizations',
            handler: (request) => listDeviceAuthorizations(context, Number(readQuery(request, paged).page ?? 1))
        }),
        route(context, {
            method: 'GET',
            path: '/admin/oauth/refresh-tokens',
            handler: (request) => {
                const query = readQuery(request, tokenQuery);
                const filter = {
                    accountId: query.account_id,
                    oauthClientId: query.oauth_client_id,
                    status: query.status,
                    page: Number(query.page ?? 1)
                };
                return listTokens(context.database, filter, context.clock());
            }
        }),
        route(context, {
            method: 'DELETE',
            path: '/admin/oauth/refresh-tokens/{id}',
            handler: async (request, _account, h) => {
                readBody(request, nothing);
                await revokeAnyToken(context, request.params.id as string);
                return h.response().code(204);
            }
        })
    ];
}

/** An endpoint for accounts with the wildcard permission only. */
function route(context: Context, endpoint: Omit<SessionEndpoint, 'shape'>): ServerRoute {
    return sessionRoute(context, {
        ...endpoint,
        shape: 'management',
        handler: (request, account, h) => {
            requireAdministrator(context, account);
            return endpoint.handler(request, account, h);
        }
    });
}
