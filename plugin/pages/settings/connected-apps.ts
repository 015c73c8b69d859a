import type { ResponseObject } from '@hapi/hapi';
import { revokeClientTokens, revokeToken } from '../../flows/revoke-grants';
import { listConnections, type ConnectedApplication } from '../../store/connected-apps';
import type { PagesContext } from '../pages-context';
import { idOf, type Visit } from '../request/visit';
import { initialOf } from '../view/client-model';
import { pageNumber, pager } from '../view/paging';
import { ownerModels } from '../view/owner-model';
import { scopeModel, standardFirst } from '../view/scope-model';

/** GET: the applications that can act for the member, each with its sessions. */
export async function showConnectedApps({ account, pages, query, view }: Visit): Promise<ResponseObject> {
    const { context, settings } = pages;
    const page = pageNumber(query);
    const list = await listConnections(context.database, { accountId: account.id, page }, context.clock());
    const owners = await ownerModels(pages, list.applications);
    return view('connected-apps', {
        title: settings.strings['connected.title'],
        section: { connectedApps: true },
        applications: list.applications.map((each, place) => ({
            ...applicationModel(pages, each),
            ...owners[place]
        })),
        pager: pager(pathOf(pages), query, list)
    });
}

/** POST: revokes all grants of one application. */
export async function disconnectApp(visit: Visit): Promise<ResponseObject> {
    const { account, pages, redirect } = visit;
    await revokeClientTokens(pages.context, account.id, idOf(visit));
    return redirect(pathOf(pages), 'disconnected');
}

/** POST: revokes one grant. */
export async function revokeSession(visit: Visit): Promise<ResponseObject> {
    const { account, pages, redirect } = visit;
    await revokeToken(pages.context, account.id, idOf(visit));
    return redirect(pathOf(pages), 'session_ended');
}

function applicationModel(pages: PagesContext, application: ConnectedApplication): object {
    const { id, clientId, name, scopes, sessions, sessionCount } = application;
    const path = pathOf(pages);
    const hidden = sessionCount - sessions.length;
    return {
        ...application,
        initial: initialOf(name),
        // A name can be made up; the host of a document cannot.
        ...(clientId.startsWith('https://') && { host: new URL(clientId).host }),
        administrator: scopes.includes(pages.context.scopeRegistry.administrator),
        can: standardFirst(scopes).map((scope) => scopeModel(pages, scope)),
        count: String(sessionCount),
        several: sessionCount > 1,
        hidden: hidden > 0 ? String(hidden) : undefined,
        disconnect: `${path}/${id}/disconnect`,
        sessions: sessions.map((session) => ({
            ...session,
            disconnect: session.tokenId && `${path}/sessions/${session.tokenId}/disconnect`
        }))
    };
}

function pathOf(pages: PagesContext): string {
    return pages.pathOf('connectedApps')!;
}
