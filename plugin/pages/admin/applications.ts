import type { ResponseObject } from '@hapi/hapi';
import { CLIENT_SOURCES, CLIENT_STATUSES } from '../../../entities';
import { listAllClients } from '../../clients/admin-clients';
import type { Visit } from '../request/visit';
import { clientCard } from '../view/client-model';
import { ownerModels } from '../view/owner-model';
import { pageNumber, pager } from '../view/paging';
import { adminPath, filterOptions, MAX_FILTER, tabs } from './section';

const TYPES = ['public', 'confidential'] as const;

/** GET: all applications of the forum, by name, client ID, owner, type, source and status. */
export async function showApplications({ pages, query, view }: Visit): Promise<ResponseObject> {
    const path = adminPath(pages);
    const search = (query.get('q') ?? '').trim().slice(0, MAX_FILTER);
    const owner = (query.get('owner') ?? '').slice(0, MAX_FILTER);
    const type = TYPES.find((each) => each === query.get('type'));
    const source = CLIENT_SOURCES.find((each) => each === query.get('source'));
    const status = CLIENT_STATUSES.find((each) => each === query.get('status'));
    const list = await listAllClients(pages.context, {
        search,
        page: pageNumber(query),
        ...(owner !== '' && { accountId: owner }),
        ...(type && { type }),
        ...(source && { source }),
        ...(status && { status })
    });
    const owned = list.clients.map(({ source, account_id: ownerId = null }) => ({ source, ownerId }));
    const owners = await ownerModels(pages, owned);
    return view('admin-apps', {
        title: pages.settings.strings['admin.title'],
        ...tabs(pages, 'apps'),
        path,
        search,
        owner,
        types: filterOptions('type', TYPES, type),
        sources: filterOptions('source', CLIENT_SOURCES, source),
        statuses: filterOptions('status', CLIENT_STATUSES, status),
        filtered: [search, owner, type, source, status].some(Boolean),
        clients: list.clients.map((client, place) => ({
            ...clientCard(client, `${path}/${client.id}`),
            by: owners[place]
        })),
        pager: pager(path, query, list)
    });
}
