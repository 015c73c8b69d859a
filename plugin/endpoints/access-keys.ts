import type { ServerRoute } from '@hapi/hapi';
import Joi from 'joi';
import type { Context } from '../context';
import {
    createOwnAccessKey,
    deleteAnyAccessKey,
    deleteOwnAccessKey,
    listOwnAccessKeys,
    type NewAccessKey
} from '../flows/access-keys';
import { readBody, readQuery } from '../http/validate';
import { listAllAccessKeys } from '../store/access-keys';
import { adminRoute, idOf, memberRoute, noContent, type ManagementRequest } from './management-route';
import { accountPageQuery, empty, pageNumber } from './query-fields';

const KEYS = '/auth/access-keys';
const ADMIN_KEYS = '/admin/access-keys';

/** The body in which a member creates a key. What the fields must be is checked by the rules in flows/. */
export const newAccessKey = Joi.object<NewAccessKey>({
    name: Joi.string().max(1000).required(),
    expires_at: Joi.string().max(64),
    scopes: Joi.array().items(Joi.string().max(128)).max(200)
});

/** The endpoints for personal access keys; none where the option `accessKeys` is off. */
export function accessKeyRoutes(context: Context): ServerRoute[] {
    if (!context.settings.accessKeys) {
        return [];
    }
    return [
        memberRoute(context, 'GET', KEYS, list),
        memberRoute(context, 'POST', KEYS, create),
        memberRoute(context, 'DELETE', `${KEYS}/{id}`, remove),
        adminRoute(context, 'GET', ADMIN_KEYS, listAll),
        adminRoute(context, 'DELETE', `${ADMIN_KEYS}/{id}`, removeAny)
    ];
}

async function list({ context, account, request }: ManagementRequest) {
    readQuery(request, empty);
    return { keys: await listOwnAccessKeys(context, account.id) };
}

async function create({ context, account, request }: ManagementRequest) {
    return createOwnAccessKey(context, account, readBody(request, newAccessKey));
}

async function remove(call: ManagementRequest) {
    readBody(call.request, empty);
    await deleteOwnAccessKey(call.context, call.account, idOf(call));
    return noContent(call);
}

async function listAll({ context, request }: ManagementRequest) {
    const query = readQuery(request, accountPageQuery);
    return listAllAccessKeys(
        context.database,
        { page: pageNumber(query), accountId: query.account_id },
        context.clock()
    );
}

async function removeAny(call: ManagementRequest) {
    readBody(call.request, empty);
    await deleteAnyAccessKey(call.context, call.account, idOf(call));
    return noContent(call);
}
