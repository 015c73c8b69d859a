import type { ServerRoute } from '@hapi/hapi';
import {
    createAnyClient,
    deleteAnyClient,
    getAnyClient,
    listAllClients,
    updateAnyClient
} from '../clients/admin-clients';
import type { Context } from '../context';
import { readBody, readQuery } from '../http/validate';
import { adminClientChange, adminNewClient } from './client-fields';
import { adminRoute, idOf, noContent, type ManagementRequest } from './management-route';
import { clientQuery, empty, pageNumber } from './query-fields';

const CLIENTS = '/admin/oauth/clients';
const CLIENT = `${CLIENTS}/{id}`;

/** The administrators' endpoints for all clients. */
export function adminClientRoutes(context: Context): ServerRoute[] {
    return [
        adminRoute(context, 'GET', CLIENTS, list),
        adminRoute(context, 'POST', CLIENTS, create),
        adminRoute(context, 'GET', CLIENT, read),
        adminRoute(context, 'PATCH', CLIENT, update),
        adminRoute(context, 'DELETE', CLIENT, remove)
    ];
}

async function list({ context, request }: ManagementRequest) {
    const { page, ...filter } = readQuery(request, clientQuery);
    return listAllClients(context, { ...filter, page: pageNumber({ ...(page !== undefined && { page }) }) });
}

async function create({ context, account, request }: ManagementRequest) {
    return createAnyClient(context, account, readBody(request, adminNewClient));
}

async function read(call: ManagementRequest) {
    return getAnyClient(call.context, idOf(call));
}

async function update(call: ManagementRequest) {
    return updateAnyClient(call.context, call.account, idOf(call), readBody(call.request, adminClientChange));
}

async function remove(call: ManagementRequest) {
    readBody(call.request, empty);
    await deleteAnyClient(call.context, call.account, idOf(call));
    return noContent(call);
}
