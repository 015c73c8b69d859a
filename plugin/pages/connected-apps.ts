import { listConnections } from '../store/connected-apps';
import { revokeClientTokens, revokeToken } from '../flows/revoke-grants';
import { isStandardScope } from '../scopes/registry';
import { initialOf } from './consent';
import { describeScope, type Page, pageNumber, pager, type Pages } from './page';

/** What a member has authorised, by application, and where he ends it. */
export function connectedAppsPages(pages: Pages, path: string): Page[] {
    const { context, settings } = pages;
    const { administrator } = context.scopeRegistry;
    const here = pages.pathOf('connectedApps')!;
    return [
        {
            method: 'GET',
            path,
            handler: async ({ account, query, view }) => {
                const page = pageNumber(query);
                const list = await listConnections(context.database, { accountId: account.id, page }, context.clock());
                return view('connected-apps', {
                    title: settings.strings['connected.title'],
                    section: { connectedApps: true },
                    applications: list.applications.map((application) => ({
                        ...application,
                        initial: initialOf(application.name),
                        administrator: application.scopes.includes(administrator),
                        can: [
                            ...application.scopes.filter(isStandardScope),
                            ...application.scopes.filter((scope) => !isStandardScope(scope))
                        ].map((scope) => describeScope(pages, scope)),
                        count: String(application.sessionCount),
                        several: application.sessionCount > 1,
                        hidden:
                            application.sessionCount > application.sessions.length
                                ? String(application.sessionCount - application.sessions.length)
                                : undefined,
                        disconnect: `${here}/${application.id}/disconnect`,
                        sessions: application.sessions.map((session) => ({
                            ...session,
                            disconnect: `${here}/sessions/${session.tokenId}/disconnect`
                        }))
                    })),
                    pager: pager(here, query, list)
                });
            }
        },
        {
            method: 'POST',
            path: `${path}/{id}/disconnect`,
            after: path,
            handler: async ({ account, redirect, request }) => {
                await revokeClientTokens(context, account.id, request.params.id as string);
                return redirect(here, 'disconnected');
            }
        },
        {
            method: 'POST',
            path: `${path}/sessions/{id}/disconnect`,
            after: path,
            handler: async ({ account, redirect, request }) => {
                await revokeToken(context, account.id, request.params.id as string);
                return redirect(here, 'session_ended');
            }
        }
    ];
}
