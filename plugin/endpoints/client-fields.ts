import Joi from 'joi';
import type { AdminClientChange, AdminNewClient, ClientChange, NewClient } from '../clients/fields';
import { MAX_OVERLAP } from '../clients/member-clients';
import { accountId } from './query-fields';

// Types and sizes, field by field. What the fields must be together is checked by the rules in clients/.

/** Lists of scopes or grant types. */
const names = Joi.array().items(Joi.string().max(128)).max(200);

const name = Joi.string().max(1000);

const redirectUris = Joi.array().items(Joi.string().max(4096)).max(100);

const text = Joi.string().max(4096);

/** What people judge an application by. */
const details = { client_uri: text, tos_uri: text, policy_uri: text, description: text };

/** In a change, null takes a field away. */
const clearable = {
    client_uri: text.allow(null),
    tos_uri: text.allow(null),
    policy_uri: text.allow(null),
    description: text.allow(null)
};

const newFields = {
    name: name.required(),
    type: Joi.valid('public', 'confidential').required(),
    allowed_grants: names.required(),
    allowed_scopes: names.required(),
    redirect_uris: redirectUris,
    pkce_required: Joi.boolean(),
    ...details
};

const changeFields = { name, redirect_uris: redirectUris, allowed_scopes: names, ...clearable };

/** Fields that only an administrator may set, in a new client and in a change. */
const adminFields = {
    client_id: Joi.string().max(256),
    scope_policy: Joi.valid('explicit', 'inherit'),
    client_secret_hash: Joi.string().max(128),
    verified: Joi.boolean(),
    status: Joi.valid('active', 'suspended')
};

/** The body in which a member creates an application. */
export const newClient = Joi.object<NewClient>(newFields);

/** The body in which a member changes an application. */
export const clientChange = Joi.object<ClientChange>(changeFields);

/** The body in which a member asks for a new client secret. */
export const secretRotation = Joi.object<{ overlap_seconds?: number }>({
    overlap_seconds: Joi.number().integer().min(0).max(MAX_OVERLAP)
});

/** The body in which an administrator creates a client. */
export const adminNewClient = Joi.object<AdminNewClient>({
    ...newFields,
    ...adminFields,
    account_id: accountId,
    suspended_reason: text
});

/** The body in which an administrator changes a client. */
export const adminClientChange = Joi.object<AdminClientChange>({
    ...changeFields,
    ...adminFields,
    account_id: accountId.allow(null),
    allowed_grants: names,
    suspended_reason: text.allow(null)
});
