import type { ServerRoute } from '@hapi/hapi';
import Joi from 'joi';
import {
    createClient,
    deleteClient,
    getClient,
    listClients,
    MAX_OVERLAP,
    rotateSecret,
    updateClient
} from '../clients/member-clients';
import type { Context } from '../context';
import { listTokens, TOKEN_STATUSES, type TokenStatus } from '../store/token-list';
import { revokeClientTokens, revokeToken } from '../flows/revoke-grants';
import { clientChange, newClient, nothing, oauthClientId, page } from './fields';
import { sessionRoute, type SessionEndpoint } from '../http/session';
import { readBody, readQuery } from '../http/validate';

const rotation = Joi.object<{ overlap_seconds?: number }>({
    overlap_seconds: Joi.number().integer().min(0).max(MAX_OVERLAP)
});

interface TokenQuery {
    page?: string;
    status?: TokenStatus;
    oauth_client_id?: string;
}

const tokenQuery = Joi.object<TokenQuery>({
    page,
    status: Joi.valid(...TOKEN_STATUSES),
    oauth_client_id: oauthClientId
});

const clientTokens = Joi.object<{ oauth_client_id: string }>({ oauth_client_id: oauthClientId.required() });

/** What a member does with the applications that he created and with those that he authorised. */
export function memberRoutes(context: Context): ServerRoute[] {
    const route = (endpoint: Omit<SessionEndpoint, 'shape'>): ServerRoute =>
        sessionRoute(context, { ...endpoint, shape: 'management' });
    const clients = '/auth/oauth/clients';
    const tokens = '/auth/oauth/tokens';
    return [
        route({
            method: 'GET',
            path: clients,
            handler: async (request, account) => {
                readQuery(request, nothing);
                return { clients: await listClients(context, account.id) };
            }
        }),
        route({
            method: 'POST',
            path: clients,
            handler: (request, account) => createClient(context, account, readBody(request, newClient))
        }),
        route({
            method: 'GET',
            path: `${clients}/{id}`,
            handler: (request, account) => getClient(context, account.id, request.params.id as string)
        }),
        route({
            method: 'PATCH',
            path: `${clients}/{id}`,
            handler: (request, account) =>
                updateClient(context, account, request.params.id as string, readBody(request, clientChange))
        }),
        route({
            method: 'DELETE',
            path: `${clients}/{id}`,
            handler: async (request, account, h) => {
                readBody(request, nothing);
                await deleteClient(context, account, request.params.id as string);
                return h.response().code(204);
            }
        }),
        route({
            method: 'POST',
            path: `${clients}/{id}/secret`,
            handler: (request, account) => {
                const { overlap_seconds: overlap = 0 } = readBody(request, rotation);
                return rotateSecret(context, account, request.params.id as string, overlap);
            }
        }),
        route({
            method: 'GET',
            path: tokens,
            handler: (request, account) => {
                const query = readQuery(request, tokenQuery);
                const filter = {
                    accountId: account.id,
                    oauthClientId: query.oauth_client_id,
                    status: query.status,
                    page: Number(query.page ?? 1)
                };
                return listTokens(context.database, filter, context.clock());
            }
        }),
        route({
            method: 'DELETE',
            path: `${tokens}/{id}`,
            handler: async (request, account, h) => {
                readBody(request, nothing);
                await revokeToken(context, account.id, request.params.id as string);
                return h.response().code(204);
            }
        }),
        route({
            method: 'DELETE',
            path: tokens,
            handler: async (request, account, h) => {
                readBody(request, nothing);
                await revokeClientTokens(context, account.id, readQuery(request, clientTokens).oauth_client_id);
                return h.response().code(204);
            }
        })
    ];
}
