import { deleteAnyClient, getAnyClient, listAllClients } from '../clients/admin-clients';
import { DEVICE_CODE_GRANT } from '../clients/grant-rules';
import { requireAdministrator } from '../policy';
import { findClientRows } from '../store/clients';
import { requestTarget } from '../http/request-target';
import { splitNames } from '../scopes/text';
import { listDeviceAuthorizations } from '../store/device-authorization-list';
import { listTokens, TOKEN_STATUSES, type Token, type TokenStatus } from '../store/token-list';
import { revokeAnyToken } from '../flows/revoke-grants';
import { initialOf } from './consent';
import { describeScope, pageNumber, pager, type Page, type Pages, type Visit } from './page';

const TYPES = ['public', 'confidential'] as const;

/** Longer than anything that is looked for. */
const MAX_SEARCH = 200;

/** Everybody's applications, and what has been given to them. */
export function adminPages(pages: Pages, path: string): Page[] {
    const { context, settings } = pages;
    const { strings } = settings;
    const here = pages.pathOf('admin')!;
    const tabs = (current: 'apps' | 'devices' | 'tokens'): object => ({
        section: { admin: true },
        tabs: {
            apps: here,
            devices: `${here}/devices`,
            tokens: `${here}/tokens`,
            current: { [current]: true }
        }
    });
    const byAccount = (accountId: string): string => `${here}/tokens?account_id=${encodeURIComponent(accountId)}`;

    const tokenModel = (token: Token, back: string): object => ({
        ...token,
        ...stateOf(token, context.clock()),
        can: splitNames(token.scope).map((scope) => describeScope(pages, scope)),
        clientPath: `${here}/${token.oauth_client_id}`,
        accountPath: byAccount(token.account_id),
        end: `${here}/tokens/${token.id}/end`,
        back
    });

    const all: Page[] = [
        {
            method: 'GET',
            path,
            handler: async ({ query, view }) => {
                const search = (query.get('q') ?? '').trim().slice(0, MAX_SEARCH);
                const owner = (query.get('owner') ?? '').slice(0, MAX_SEARCH);
                const type = TYPES.find((each) => each === query.get('type'));
                const filter = {
                    search,
                    page: pageNumber(query),
                    ...(owner !== '' && { accountId: owner }),
                    ...(type && { type })
                };
                const list = await listAllClients(context, filter);
                return view('admin-apps', {
                    title: strings['admin.title'],
                    ...tabs('apps'),
                    path: here,
                    search,
                    owner,
                    types: ['', ...TYPES].map((value) => ({
                        value,
                        key: `type.${value || 'any'}`,
                        selected: value === (type ?? '')
                    })),
                    filtered: search !== '' || owner !== '' || type !== undefined,
                    clients: list.clients.map((client) => ({
                        ...client,
                        initial: initialOf(client.name),
                        confidential: client.type === 'confidential',
                        inherits: client.scope_policy === 'inherit',
                        path: `${here}/${client.id}`
                    })),
                    pager: pager(here, query, list)
                });
            }
        },
        {
            method: 'GET',
            path: `${path}/{id}`,
            handler: async ({ query, request, view }) => {
                const client = await getAnyClient(context, request.params.id as string);
                const list = await listTokens(
                    context.database,
                    { oauthClientId: client.id, status: 'active', page: pageNumber(query) },
                    context.clock()
                );
                const owner = client.account_id === undefined ? null : await context.findAccount(client.account_id);
                const self = `${here}/${client.id}`;
                return view('admin-app', {
                    title: strings['admin.client.title'],
                    ...tabs('apps'),
                    client: { ...client, initial: initialOf(client.name) },
                    owner,
                    ownedPath: client.account_id && `${here}?owner=${encodeURIComponent(client.account_id)}`,
                    builtIn: context.settings.firstPartyClients.some(({ clientId }) => clientId === client.client_id),
                    inherits: client.scope_policy === 'inherit',
                    confidential: client.type === 'confidential',
                    grants: {
                        code: client.allowed_grants.includes('authorization_code'),
                        device: client.allowed_grants.includes(DEVICE_CODE_GRANT),
                        credentials: client.allowed_grants.includes('client_credentials'),
                        refresh: client.allowed_grants.includes('refresh_token')
                    },
                    can: client.allowed_scopes.map((scope) => describeScope(pages, scope)),
                    tokens: list.tokens.map((token) => tokenModel(token, self)),
                    deletePath: `${self}/delete`,
                    pager: pager(self, query, list)
                });
            }
        },
        {
            method: 'GET',
            path: `${path}/{id}/delete`,
            handler: async ({ request, view }) => {
                const client = await getAnyClient(context, request.params.id as string);
                return view('delete-app', {
                    title: strings['delete.title'],
                    ...tabs('apps'),
                    client,
                    back: `${here}/${client.id}`
                });
            }
        },
        {
            method: 'POST',
            path: `${path}/{id}/delete`,
            handler: async ({ account, redirect, request }) => {
                await deleteAnyClient(context, account, request.params.id as string);
                return redirect(here, 'deleted');
            }
        },
        {
            method: 'GET',
            path: `${path}/devices`,
            handler: async ({ query, view }) => {
                const list = await listDeviceAuthorizations(context, pageNumber(query));
                const rows = await findClientRows(
                    context.database,
                    list.device_authorisations.map(({ client_id: id }) => id)
                );
                const now = context.clock();
                return view('admin-devices', {
                    title: strings['admin.devices.title'],
                    ...tabs('devices'),
                    devices: list.device_authorisations.map((device) => ({
                        ...device,
                        name: rows.get(device.client_id)?.name ?? '',
                        clientPath: `${here}/${device.client_id}`,
                        accountPath: device.approved_by_account_id && byAccount(device.approved_by_account_id),
                        state: device.consumed_at
                            ? 'state.consumed'
                            : device.denied_at
                              ? 'state.denied'
                              : device.approved_at
                                ? 'state.approved'
                                : Date.parse(device.expires_at) <= now
                                  ? 'state.expired'
                                  : 'state.pending'
                    })),
                    pager: pager(`${here}/devices`, query, list)
                });
            }
        },
        {
            method: 'GET',
            path: `${path}/tokens`,
            handler: async ({ query, request, view }) => {
                const accountId = (query.get('account_id') ?? '').slice(0, 128);
                const status = TOKEN_STATUSES.find((each) => each === query.get('status'));
                const list = await listTokens(
                    context.database,
                    { ...(accountId !== '' && { accountId }), status, page: pageNumber(query) },
                    context.clock()
                );
                const statuses: ('' | TokenStatus)[] = ['', ...TOKEN_STATUSES];
                return view('admin-tokens', {
                    title: strings['admin.tokens.title'],
                    ...tabs('tokens'),
                    path: `${here}/tokens`,
                    accountId,
                    whose: accountId === '' ? null : await context.findAccount(accountId),
                    statuses: statuses.map((value) => ({
                        value,
                        key: `status.${value || 'any'}`,
                        selected: value === (status ?? '')
                    })),
                    tokens: list.tokens.map((token) =>
                        tokenModel(token, `${here}/tokens${requestTarget(request).search.slice(0, 1000)}`)
                    ),
                    pager: pager(`${here}/tokens`, query, list)
                });
            }
        },
        {
            method: 'POST',
            path: `${path}/tokens/{id}/end`,
            after: `${path}/tokens`,
            handler: async ({ form, redirect, request }) => {
                await revokeAnyToken(context, request.params.id as string);
                const back = form.get('back') ?? '';
                const isOurs = back === here || back.startsWith(`${here}/`);
                return redirect(isOurs && /^[\x21-\x7e]+$/.test(back) ? back : `${here}/tokens`, 'grant_ended');
            }
        }
    ];
    return all.map((page) => ({ ...page, handler: forAdministrators(page.handler) }));
}

function forAdministrators(handler: Page['handler']): Page['handler'] {
    return async (visit: Visit) => {
        requireAdministrator(visit.pages.context, visit.account);
        return handler(visit);
    };
}

/** What has become of a token, and whether there is anything left to end. */
function stateOf(token: Token, now: number): { state: string; live: boolean } {
    if (token.replaced_by_token_id !== undefined) {
        return { state: 'state.superseded', live: false };
    }
    if (token.revoked_at !== undefined) {
        return { state: 'state.revoked', live: false };
    }
    return Date.parse(token.expires_at) <= now
        ? { state: 'state.expired', live: false }
        : { state: 'state.active', live: true };
}
