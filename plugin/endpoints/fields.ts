import Joi from 'joi';
import type { AdminClientChange, AdminNewClient, ClientChange, NewClient } from '../clients/fields';

/** Lists of names in a client: scopes or grant types. */
const names = Joi.array().items(Joi.string().max(128)).max(200);

const name = Joi.string().max(1000);

const redirectUris = Joi.array().items(Joi.string().max(4096)).max(100);

const newClientFields = {
    name: name.required(),
    type: Joi.valid('public', 'confidential').required(),
    allowed_grants: names.required(),
    allowed_scopes: names.required(),
    redirect_uris: redirectUris,
    pkce_required: Joi.boolean()
};

const changeFields = { name, redirect_uris: redirectUris, allowed_scopes: names };

/** An account's id. */
export const accountId = Joi.string().max(128);

/** What an administrator may set besides, of a new client and of one that there is. */
const administered = {
    client_id: Joi.string().max(256),
    scope_policy: Joi.valid('explicit', 'inherit')
};

/** A new client, as far as its fields go one by one; what they must be together is the clients' own business. */
export const newClient = Joi.object<NewClient>(newClientFields);

export const clientChange = Joi.object<ClientChange>(changeFields);

export const adminNewClient = Joi.object<AdminNewClient>({
    ...newClientFields,
    ...administered,
    account_id: accountId,
    client_secret_hash: Joi.string().max(128)
});

export const adminClientChange = Joi.object<AdminClientChange>({
    ...changeFields,
    ...administered,
    account_id: accountId.allow(null),
    allowed_grants: names
});

/** `page`, from 1, and far beyond every end. */
export const page = Joi.string().pattern(/^[1-9]\d{0,15}$/, 'a number from 1');

/** A client's `id` in a filter. What is none matches nothing. */
export const oauthClientId = Joi.string().max(64);

export const nothing = Joi.object<Record<string, never>>({});
