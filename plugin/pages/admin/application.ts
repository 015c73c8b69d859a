import type { ResponseObject } from '@hapi/hapi';
import { deleteAnyClient, getAnyClient, updateAnyClient } from '../../clients/admin-clients';
import type { ClientDescription } from '../../clients/describe';
import { MAX_REASON } from '../../clients/detail-rules';
import type { AdminClientChange } from '../../clients/fields';
import { listTokens } from '../../store/token-list';
import type { PagesContext } from '../pages-context';
import { PageError } from '../request/page-error';
import { idOf, type Visit } from '../request/visit';
import { grantsModel, initialOf } from '../view/client-model';
import { pageNumber, pager } from '../view/paging';
import { scopeModel } from '../view/scope-model';
import { adminPath, tabs } from './section';
import { sessionModels } from './session-model';

/** GET: one application, with its active sessions. */
export async function showApplication(visit: Visit): Promise<ResponseObject> {
    const { pages, query, view } = visit;
    const { context, settings } = pages;
    const client = await getAnyClient(context, idOf(visit));
    const path = `${adminPath(pages)}/${client.id}`;
    const filter = { oauthClientId: client.id, status: 'active', page: pageNumber(query) } as const;
    const list = await listTokens(context.database, filter, context.clock());
    return view('admin-app', {
        title: settings.strings['admin.client.title'],
        ...tabs(pages, 'apps'),
        ...(await applicationModel(pages, client)),
        tokens: await sessionModels(pages, list.tokens, path),
        reviewPath: `${path}/review`,
        deletePath: `${path}/delete`,
        pager: pager(path, query, list)
    });
}

/** What the buttons of the review do. */
const REVIEWS: Record<string, (form: URLSearchParams) => AdminClientChange> = {
    suspend: (form) => {
        const reason = (form.get('suspended_reason') ?? '').trim().slice(0, MAX_REASON);
        return { status: 'suspended', ...(reason !== '' && { suspended_reason: reason }) };
    },
    reactivate: () => ({ status: 'active' }),
    verify: () => ({ verified: true }),
    unverify: () => ({ verified: false })
};

/** POST: suspends or reactivates the application, or says whether the forum vouches for it. */
export async function reviewApplication(visit: Visit): Promise<ResponseObject> {
    const { account, form, pages, redirect } = visit;
    const review = form.get('review') ?? '';
    if (!Object.hasOwn(REVIEWS, review)) {
        throw new PageError('error.malformed', 400);
    }
    const id = idOf(visit);
    await updateAnyClient(pages.context, account, id, REVIEWS[review]!(form));
    return redirect(`${adminPath(pages)}/${id}`, review);
}

/** GET: asks for confirmation. */
export async function confirmApplicationDeletion(visit: Visit): Promise<ResponseObject> {
    const { pages, view } = visit;
    const client = await getAnyClient(pages.context, idOf(visit));
    return view('delete-app', {
        title: pages.settings.strings['delete.title'],
        ...tabs(pages, 'apps'),
        client,
        back: `${adminPath(pages)}/${client.id}`
    });
}

/** POST: deletes the application. */
export async function deleteApplication(visit: Visit): Promise<ResponseObject> {
    const { account, pages, redirect } = visit;
    await deleteAnyClient(pages.context, account, idOf(visit));
    return redirect(adminPath(pages), 'deleted');
}

async function applicationModel(pages: PagesContext, client: ClientDescription): Promise<object> {
    const { context } = pages;
    const { account_id: ownerId } = client;
    return {
        client: { ...client, initial: initialOf(client.name) },
        owner: ownerId === undefined ? null : await context.findAccount(ownerId),
        source: `source.${client.source}`,
        ownedPath: ownerId && `${adminPath(pages)}?owner=${encodeURIComponent(ownerId)}`,
        builtIn: context.settings.firstPartyClients.some(({ clientId }) => clientId === client.client_id),
        inherits: client.scope_policy === 'inherit',
        suspended: client.status === 'suspended',
        confidential: client.type === 'confidential',
        grants: grantsModel(client.allowed_grants),
        can: client.allowed_scopes.map((scope) => scopeModel(pages, scope))
    };
}
