import type { ResponseObject } from '@hapi/hapi';
import { listClients } from '../../clients/member-clients';
import { mayManageClients } from '../../policy';
import type { Visit } from '../request/visit';
import { clientCard } from '../view/client-model';
import { pageNumber, pager } from '../view/paging';
import { MY_APPS, myAppsPath } from './my-apps-section';

/** GET: the applications that the member created. */
export async function showMyApps({ account, pages, query, view }: Visit): Promise<ResponseObject> {
    const path = myAppsPath(pages);
    const list = await listClients(pages.context, account.id, pageNumber(query));
    return view('my-apps', {
        title: pages.settings.strings['mine.title'],
        ...MY_APPS,
        newPath: mayManageClients(pages.context, account) ? `${path}/new` : null,
        clients: list.clients.map((client) => clientCard(client, `${path}/${client.id}`)),
        pager: pager(path, query, list)
    });
}
