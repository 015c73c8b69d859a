import type { ResponseObject } from '@hapi/hapi';
import { DEVICE_CODE_GRANT } from '../clients/grant-rules';
import type { ClientDescription } from '../clients/describe';
import {
    createClient,
    deleteClient,
    getClient,
    listClientPage,
    rotateSecret,
    updateClient
} from '../clients/member-clients';
import { mayManageClients } from '../policy';
import {
    EMPTY,
    fieldError,
    linesOf,
    newClientOf,
    readEntered,
    scopeChoices,
    type Entered,
    type FieldError
} from './client-form';
import { initialOf } from './consent';
import { describeScope, PageError, pageNumber, pager, type Page, type Pages, type Visit } from './page';

/** For how long an old secret may go on working: seconds and the key of its text. */
const OVERLAPS = [0, 3600, 86_400, 604_800];

const SECTION = { section: { myApps: true } };

/** The applications that a member makes. */
export function myAppsPages(pages: Pages, path: string): Page[] {
    const { context } = pages;
    const here = pages.pathOf('myApps')!;
    const one = `${path}/{id}`;
    const idOf = ({ request }: Visit): string => request.params.id as string;
    return [
        {
            method: 'GET',
            path,
            handler: async ({ account, query, view }) => {
                const list = await listClientPage(context, account.id, pageNumber(query));
                return view('my-apps', {
                    title: pages.settings.strings['mine.title'],
                    ...SECTION,
                    newPath: mayManageClients(context, account) ? `${here}/new` : null,
                    clients: list.clients.map((client) => ({
                        ...client,
                        initial: initialOf(client.name),
                        confidential: client.type === 'confidential',
                        path: `${here}/${client.id}`
                    })),
                    pager: pager(here, query, list)
                });
            }
        },
        {
            method: 'GET',
            path: `${path}/new`,
            handler: async (visit) => {
                checkMayManage(visit);
                return showNew(visit, EMPTY);
            }
        },
        {
            method: 'POST',
            path: `${path}/new`,
            handler: async (visit) => {
                checkMayManage(visit);
                if (isRepeated(visit)) {
                    return visit.redirect(here, 'repeated');
                }
                const entered = readEntered(visit.form);
                try {
                    const { client, client_secret: secret } = await createClient(
                        context,
                        visit.account,
                        newClientOf(checkShape(entered))
                    );
                    return spend(
                        visit,
                        secret === undefined
                            ? visit.redirect(`${here}/${client.id}`, 'created')
                            : showSecret(visit, client, { secret })
                    );
                } catch (error) {
                    return showNew(visit, entered, fieldError(visit, error));
                }
            }
        },
        {
            method: 'GET',
            path: one,
            handler: async (visit) => showOne(visit, await getClient(context, visit.account.id, idOf(visit)))
        },
        {
            method: 'POST',
            path: one,
            handler: async (visit) => {
                const client = await getClient(context, visit.account.id, idOf(visit));
                const entered = readEntered(visit.form);
                try {
                    await updateClient(context, visit.account, client.id, {
                        name: entered.name,
                        allowed_scopes: [
                            ...entered.scopes.filter((scope) => scope !== 'offline_access'),
                            ...(client.allowed_grants.includes('refresh_token') && entered.staysConnected
                                ? ['offline_access']
                                : [])
                        ],
                        ...(client.allowed_grants.includes('authorization_code') && {
                            redirect_uris: linesOf(entered.redirectUris)
                        })
                    });
                    return visit.redirect(`${here}/${client.id}`, 'saved');
                } catch (error) {
                    return showOne(visit, client, entered, fieldError(visit, error));
                }
            }
        },
        {
            method: 'POST',
            path: `${one}/secret`,
            after: path,
            handler: async (visit) => {
                const id = idOf(visit);
                if (isRepeated(visit)) {
                    return visit.redirect(`${here}/${id}`, 'repeated');
                }
                const overlap = Number(visit.form.get('overlap_seconds'));
                if (!OVERLAPS.includes(overlap)) {
                    throw new PageError('error.malformed', 400);
                }
                const rotated = await rotateSecret(context, visit.account, id, overlap);
                return spend(
                    visit,
                    showSecret(visit, rotated.client, {
                        secret: rotated.client_secret,
                        rotated: true,
                        previousUntil: rotated.previous_secret_expires_at
                    })
                );
            }
        },
        {
            method: 'GET',
            path: `${one}/delete`,
            handler: async (visit) => {
                const client = await getClient(context, visit.account.id, idOf(visit));
                return visit.view('delete-app', {
                    title: pages.settings.strings['delete.title'],
                    ...SECTION,
                    client,
                    back: `${here}/${client.id}`
                });
            }
        },
        {
            method: 'POST',
            path: `${one}/delete`,
            handler: async (visit) => {
                await deleteClient(context, visit.account, idOf(visit));
                return visit.redirect(here, 'deleted');
            }
        }
    ];
}

/** @throws PageError */
function checkMayManage({ account, pages }: Visit): void {
    if (!mayManageClients(pages.context, account)) {
        throw new PageError('error.may_not_manage', 403);
    }
}

/** What only a request that no form of ours makes can lack. */
function checkShape(entered: Entered): Entered {
    if (entered.type !== 'public' && entered.type !== 'confidential') {
        throw new PageError('error.malformed', 400);
    }
    return entered;
}

function isRepeated({ form, pages, request }: Visit): boolean {
    return pages.forms.isSpent(request, form.get('form_id'));
}

function spend({ form, pages }: Visit, response: ResponseObject): ResponseObject {
    return pages.forms.spend(response, form.get('form_id'));
}

function showNew(visit: Visit, entered: Entered, error?: FieldError): ResponseObject {
    const { pages, view } = visit;
    const has = (grant: string): boolean => entered.grants.includes(grant);
    return view(
        'new-app',
        {
            title: pages.settings.strings['new.title'],
            ...SECTION,
            path: `${pages.pathOf('myApps')}/new`,
            back: pages.pathOf('myApps'),
            formId: pages.forms.newId(),
            entered,
            confidential: entered.type === 'confidential',
            grants: {
                code: has('authorization_code'),
                device: has(DEVICE_CODE_GRANT),
                credentials: has('client_credentials')
            },
            deviceGrant: DEVICE_CODE_GRANT,
            scopes: scopeChoices(visit, entered.scopes),
            ...errorModel(error)
        },
        error ? 400 : 200
    );
}

function showOne(visit: Visit, client: ClientDescription, entered?: Entered, error?: FieldError): ResponseObject {
    const { account, pages, view } = visit;
    const here = `${pages.pathOf('myApps')}/${client.id}`;
    const { allowed_grants: grants, allowed_scopes: scopes } = client;
    const choices = scopeChoices(visit, entered?.scopes ?? scopes);
    const offered = [...choices.standard, ...choices.permissions].map(({ scope }) => scope);
    const signsIn = grants.some((grant) => grant === 'authorization_code' || grant === DEVICE_CODE_GRANT);
    return view(
        'my-app',
        {
            title: pages.settings.strings['app.title'],
            ...SECTION,
            client: { ...client, initial: initialOf(client.name) },
            editable: mayManageClients(pages.context, account),
            entered: entered ?? {
                name: client.name,
                redirectUris: client.redirect_uris.join('\n'),
                staysConnected: scopes.includes('offline_access')
            },
            grants: {
                code: grants.includes('authorization_code'),
                device: grants.includes(DEVICE_CODE_GRANT),
                credentials: grants.includes('client_credentials'),
                refresh: grants.includes('refresh_token')
            },
            scopes: { ...choices, standard: signsIn ? choices.standard : [] },
            lost: scopes
                .filter((scope) => scope !== 'offline_access' && !offered.includes(scope))
                .map((scope) => describeScope(pages, scope)),
            confidential: client.type === 'confidential',
            overlaps: OVERLAPS.map((seconds) => ({ seconds: String(seconds), key: `overlap.${seconds}` })),
            formId: pages.forms.newId(),
            path: here,
            back: pages.pathOf('myApps'),
            ...errorModel(error)
        },
        error ? 400 : 200
    );
}

/** An error at its field. */
function errorModel(error: FieldError | undefined): object {
    return error ? { failed: true, error, errors: { [error.field]: error.message } } : { errors: {} };
}

/** The one page that shows a secret. */
function showSecret(
    { pages, view }: Visit,
    client: ClientDescription,
    shown: { secret: string; rotated?: boolean; previousUntil?: string | undefined }
): ResponseObject {
    return view('secret', {
        title: pages.settings.strings['secret.title'],
        ...SECTION,
        client,
        ...shown,
        path: `${pages.pathOf('myApps')}/${client.id}`
    });
}
