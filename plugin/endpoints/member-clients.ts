import type { ServerRoute } from '@hapi/hapi';
import {
    createClient,
    deleteClient,
    getClient,
    listClients,
    rotateSecret,
    updateClient
} from '../clients/member-clients';
import type { Context } from '../context';
import { readBody, readQuery } from '../http/validate';
import { clientChange, newClient, secretRotation } from './client-fields';
import { idOf, memberRoute, noContent, type ManagementRequest } from './management-route';
import { empty, pageNumber, pageQuery } from './query-fields';

const CLIENTS = '/auth/oauth/clients';
const CLIENT = `${CLIENTS}/{id}`;
const SECRET = `${CLIENT}/secret`;

/** The endpoints for the applications that a member created. */
export function memberClientRoutes(context: Context): ServerRoute[] {
    return [
        memberRoute(context, 'GET', CLIENTS, list),
        memberRoute(context, 'POST', CLIENTS, create),
        memberRoute(context, 'GET', CLIENT, read),
        memberRoute(context, 'PATCH', CLIENT, update),
        memberRoute(context, 'DELETE', CLIENT, remove),
        memberRoute(context, 'POST', SECRET, replaceSecret)
    ];
}

async function list({ context, account, request }: ManagementRequest) {
    return listClients(context, account.id, pageNumber(readQuery(request, pageQuery)));
}

async function create({ context, account, request }: ManagementRequest) {
    return createClient(context, account, readBody(request, newClient));
}

async function read(call: ManagementRequest) {
    return getClient(call.context, call.account.id, idOf(call));
}

async function update(call: ManagementRequest) {
    return updateClient(call.context, call.account, idOf(call), readBody(call.request, clientChange));
}

async function remove(call: ManagementRequest) {
    readBody(call.request, empty);
    await deleteClient(call.context, call.account, idOf(call));
    return noContent(call);
}

async function replaceSecret(call: ManagementRequest) {
    const { overlap_seconds: overlap = 0 } = readBody(call.request, secretRotation);
    return rotateSecret(call.context, call.account, idOf(call), overlap);
}
