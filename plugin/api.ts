import Joi from 'joi';
import {
    createAnyClient,
    deleteAnyClient,
    getAnyClient,
    listAllClients,
    updateAnyClient
} from './clients/admin-clients';
import {
    createClient,
    deleteClient,
    getClient,
    listClients,
    rotateSecret,
    updateClient
} from './clients/member-clients';
import type { AdminClientChange, AdminNewClient, ClientChange, NewClient } from './clients/fields';
import type { ClientDescription } from './clients/describe';
import type { Context } from './context';
import { ManagementError } from './errors/management-error';
import {
    decideAuthorizationConsent,
    readAuthorizationConsent,
    type AuthorizationConsent,
    type AuthorizationDecision
} from './flows/authorization-consent';
import {
    decideDeviceConsent,
    readDeviceConsent,
    type DeviceDecision,
    type DeviceConsent
} from './flows/device-consent';
import {
    createOwnAccessKey,
    deleteAnyAccessKey,
    deleteOwnAccessKey,
    listOwnAccessKeys,
    type NewAccessKey
} from './flows/access-keys';
import type { Account } from './options/options';
import { listAllAccessKeys, type AccessKeyDescription, type AdminAccessKeyDescription } from './store/access-keys';
import { listTokens, type Token, type TokenStatus } from './store/token-list';
import { listDeviceAuthorizations, type DeviceAuthorizationDescription } from './store/device-authorization-list';
import type { Decision } from './flows/decision';
import { requireAdministrator } from './policy';
import { describeResource } from './endpoints/resource-metadata';
import { newAccessKey } from './endpoints/access-keys';
import { adminClientChange, adminNewClient, clientChange, newClient } from './endpoints/client-fields';
import { revokeAllGrants, revokeAnyToken, revokeClientTokens, revokeToken } from './flows/revoke-grants';
import { checkInput } from './http/validate';
import type { ClientFilter } from './store/client-list';
import type { Page } from './store/paging';

/**
 * `server.plugins['hapi-forum-oauth']`: what the endpoints do, for the host's own code. Every function takes the id of
 * the account that acts first, and throws the error that the endpoint responds with: a `ManagementError`, or for
 * consents an `OAuthError`.
 */
export interface ForumOAuth {
    /**
     * The metadata document of a protected resource (RFC 9728), for a resource on another origin than the issuer's.
     *
     * @throws RangeError for one that is not configured
     */
    resourceMetadata(identifier: string): Record<string, unknown>;
    clients: {
        list(accountId: string, filter?: { page?: number }): Promise<Page & { clients: ClientDescription[] }>;
        create(accountId: string, input: NewClient): Promise<{ client: ClientDescription; client_secret?: string }>;
        get(accountId: string, id: string): Promise<ClientDescription>;
        update(accountId: string, id: string, change: ClientChange): Promise<ClientDescription>;
        delete(accountId: string, id: string): Promise<void>;
        /** @param overlapSeconds for how long the old secret goes on working, at most seven days */
        rotateSecret(
            accountId: string,
            id: string,
            overlapSeconds?: number
        ): Promise<{ client: ClientDescription; client_secret: string; previous_secret_expires_at?: string }>;
    };
    tokens: {
        list(
            accountId: string,
            filter?: { page?: number; status?: TokenStatus; oauthClientId?: string }
        ): Promise<Page & { tokens: Token[] }>;
        /** Revokes the grant that the token's row belongs to. */
        revoke(accountId: string, tokenId: string): Promise<void>;
        /** Revokes all grants of the account to one client, by the client's `id`. */
        revokeClient(accountId: string, oauthClientId: string): Promise<void>;
    };
    /** Personal access keys. Without the option `accessKeys` none can be created, and none opens anything. */
    accessKeys: {
        list(accountId: string): Promise<AccessKeyDescription[]>;
        /** Creates a key. Its secret is returned this once. */
        create(accountId: string, input: NewAccessKey): Promise<AccessKeyDescription & { secret: string }>;
        delete(accountId: string, id: string): Promise<void>;
    };
    /** For administrators: the account that acts must be one, else the error is `forbidden`. */
    admin: {
        listClients(accountId: string, filter?: ClientFilter): Promise<Page & { clients: ClientDescription[] }>;
        createClient(accountId: string, input: AdminNewClient): Promise<ClientDescription & { client_secret?: string }>;
        getClient(accountId: string, id: string): Promise<ClientDescription>;
        /** A new owner gets a new secret, which is returned this once. */
        updateClient(
            accountId: string,
            id: string,
            change: AdminClientChange
        ): Promise<ClientDescription & { client_secret?: string }>;
        deleteClient(accountId: string, id: string): Promise<void>;
        listDeviceAuthorizations(
            accountId: string,
            page?: number
        ): Promise<Page & { device_authorisations: DeviceAuthorizationDescription[] }>;
        listTokens(
            accountId: string,
            filter?: { page?: number; status?: TokenStatus; accountId?: string; oauthClientId?: string }
        ): Promise<Page & { tokens: Token[] }>;
        /** Revokes the grant that the token's row belongs to. */
        revokeToken(accountId: string, tokenId: string): Promise<void>;
        listAccessKeys(
            accountId: string,
            filter?: { page?: number; accountId?: string }
        ): Promise<Page & { keys: AdminAccessKeyDescription[] }>;
        deleteAccessKey(accountId: string, id: string): Promise<void>;
        /** Revokes all grants of an account, of a client (by its `id`), or of an account to a client. */
        revokeAll(accountId: string, filter: { accountId?: string; oauthClientId?: string }): Promise<void>;
    };
    authorizationConsent: {
        read(accountId: string, requestId: string): Promise<AuthorizationConsent>;
        decide(accountId: string, requestId: string, decision: { decision: Decision }): Promise<AuthorizationDecision>;
    };
    deviceConsent: {
        /** @param address where the code was typed; without it wrong ones count for the account only */
        read(accountId: string, userCode: string, address?: string): Promise<DeviceConsent>;
        decide(
            accountId: string,
            userCode: string,
            decision: DeviceDecision
        ): Promise<{ status: 'approved' | 'denied' }>;
    };
}

export function forumApi(context: Context): ForumOAuth {
    const acting = async (accountId: string): Promise<Account> => {
        const account = await context.findAccount(accountId);
        if (!account) {
            throw new ManagementError('unauthorized', 'There is no such account, or it may not act.', 'Check the id.');
        }
        return account;
    };
    const administrator = async (accountId: string): Promise<Account> => {
        const account = await acting(accountId);
        requireAdministrator(context, account);
        return account;
    };
    return {
        resourceMetadata: (identifier) => {
            const resource = context.settings.resources.find((each) => each.identifier === identifier);
            if (!resource) {
                throw new RangeError(`"resources" has no ${identifier}`);
            }
            return describeResource(context.settings.issuer, resource);
        },
        clients: {
            list: async (accountId, { page = 1 } = {}) =>
                listClients(context, (await acting(accountId)).id, checkPage(page)),
            create: async (accountId, input) =>
                createClient(context, await acting(accountId), checkInput(input, newClient)),
            get: async (accountId, id) => getClient(context, (await acting(accountId)).id, id),
            update: async (accountId, id, change) =>
                updateClient(context, await acting(accountId), id, checkInput(change, clientChange)),
            delete: async (accountId, id) => deleteClient(context, await acting(accountId), id),
            rotateSecret: async (accountId, id, overlapSeconds = 0) =>
                rotateSecret(context, await acting(accountId), id, overlapSeconds)
        },
        tokens: {
            list: async (accountId, { page = 1, status, oauthClientId } = {}) => {
                const { id } = await acting(accountId);
                const filter = { accountId: id, page: checkPage(page), status, oauthClientId };
                return listTokens(context.database, filter, context.clock());
            },
            revoke: async (accountId, tokenId) => revokeToken(context, (await acting(accountId)).id, tokenId),
            revokeClient: async (accountId, oauthClientId) =>
                revokeClientTokens(context, (await acting(accountId)).id, oauthClientId)
        },
        accessKeys: {
            list: async (accountId) => listOwnAccessKeys(context, (await acting(accountId)).id),
            create: async (accountId, input) =>
                createOwnAccessKey(context, await acting(accountId), checkInput(input, newAccessKey)),
            delete: async (accountId, id) => deleteOwnAccessKey(context, await acting(accountId), id)
        },
        admin: {
            listClients: async (accountId, { page = 1, ...filter } = {}) => {
                await administrator(accountId);
                return listAllClients(context, { ...filter, page: checkPage(page) });
            },
            createClient: async (accountId, input) =>
                createAnyClient(context, await administrator(accountId), checkInput(input, adminNewClient)),
            getClient: async (accountId, id) => {
                await administrator(accountId);
                return getAnyClient(context, id);
            },
            updateClient: async (accountId, id, change) =>
                updateAnyClient(context, await administrator(accountId), id, checkInput(change, adminClientChange)),
            deleteClient: async (accountId, id) => deleteAnyClient(context, await administrator(accountId), id),
            listDeviceAuthorizations: async (accountId, page = 1) => {
                await administrator(accountId);
                return listDeviceAuthorizations(context.database, checkPage(page));
            },
            listTokens: async (accountId, { page = 1, ...filter } = {}) => {
                await administrator(accountId);
                return listTokens(context.database, { ...filter, page: checkPage(page) }, context.clock());
            },
            revokeToken: async (accountId, tokenId) => {
                await administrator(accountId);
                return revokeAnyToken(context, tokenId);
            },
            listAccessKeys: async (accountId, { page = 1, ...filter } = {}) => {
                await administrator(accountId);
                return listAllAccessKeys(context.database, { ...filter, page: checkPage(page) }, context.clock());
            },
            deleteAccessKey: async (accountId, id) => deleteAnyAccessKey(context, await administrator(accountId), id),
            revokeAll: async (accountId, filter) => {
                await administrator(accountId);
                return revokeAllGrants(context, checkInput(filter, grantFilter));
            }
        },
        authorizationConsent: {
            read: async (accountId, requestId) => readAuthorizationConsent(context, await acting(accountId), requestId),
            decide: async (accountId, requestId, { decision }) =>
                decideAuthorizationConsent(context, await acting(accountId), requestId, decision)
        },
        deviceConsent: {
            read: async (accountId, userCode, address) =>
                readDeviceConsent(context, await acting(accountId), userCode, address),
            decide: async (accountId, userCode, decision) =>
                decideDeviceConsent(context, await acting(accountId), userCode, decision)
        }
    };
}

const grantFilter = Joi.object<{ accountId?: string; oauthClientId?: string }>({
    accountId: Joi.string().max(128),
    oauthClientId: Joi.string().max(64)
})
    .min(1)
    .required();

const pageNumber = Joi.number().integer().min(1).max(Number.MAX_SAFE_INTEGER).required().label('page');

/** @throws ManagementError 400 */
function checkPage(page: number): number {
    return checkInput(page, pageNumber);
}
