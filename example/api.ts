import * as Boom from '@hapi/boom';
import type { ServerRoute } from '@hapi/hapi';
import Joi from 'joi';
import { FORUM_PERMISSIONS, type Account } from '../plugin';
import type { Accounts } from './accounts';
import type { Threads } from './threads';

/** What a signed-in browser may open, and an application that holds a token. */
const EITHER = ['session', 'oauth'];

/** What an application learns of an account: what its scopes say. */
function describeAccount(account: Account, scope: readonly string[]): Partial<Account> {
    const { id, handle, name, email, permissions } = account;
    return {
        id,
        ...(scope.includes('profile') && { handle, name }),
        ...(scope.includes('email') && email && { email }),
        // What the application may do is in its token. All that the account may do is for administrators' tools.
        ...(scope.includes('ADMINISTRATOR') && { permissions })
    };
}

/** The forum's API: what it would be without the plugin, but for the name of a second strategy. */
export function apiRoutes(threads: Threads, accounts: Accounts): ServerRoute[] {
    return [
        {
            method: 'GET',
            path: '/api/accounts/me',
            options: { auth: { strategies: EITHER } },
            handler: async ({ auth }) => {
                const account = await accounts.find(auth.credentials.accountId!);
                if (!account) {
                    return Boom.forbidden('The account is suspended.');
                }
                // A route without a scope opens to every token, also one that may do nothing.
                return auth.strategy === 'session' ? account : describeAccount(account, auth.credentials.scope ?? []);
            }
        },
        {
            method: 'GET',
            path: '/api/threads',
            options: { auth: { strategies: EITHER, access: { scope: ['READ_PUBLISHED_THREADS'] } } },
            handler: async () => ({ threads: await threads.newest() })
        },
        {
            method: 'POST',
            path: '/api/threads',
            options: {
                auth: { strategies: EITHER, access: { scope: ['CREATE_POST'] } },
                payload: { allow: 'application/json' },
                validate: {
                    payload: Joi.object({
                        title: Joi.string().trim().max(200).required(),
                        body: Joi.string().max(10_000).required()
                    })
                }
            },
            handler: ({ auth, payload }) =>
                threads.write(auth.credentials.accountId!, payload as { title: string; body: string })
        },
        {
            method: 'PUT',
            path: '/api/admin/accounts/{handle}/permissions',
            options: {
                auth: { strategy: 'session', access: { scope: ['ADMINISTRATOR'] } },
                payload: { allow: 'application/json' },
                validate: {
                    payload: Joi.object({
                        permissions: Joi.array()
                            .items(Joi.valid(...FORUM_PERMISSIONS))
                            .unique()
                            .required()
                    })
                }
            },
            handler: async ({ params, payload }) => {
                const { permissions } = payload as { permissions: string[] };
                const account = await accounts.setPermissions(params.handle as string, permissions);
                return account ?? Boom.notFound();
            }
        },
        {
            method: 'DELETE',
            path: '/api/admin/accounts/{handle}',
            options: { auth: { strategy: 'session', access: { scope: ['ADMINISTRATOR'] } } },
            handler: async ({ params }, h) => {
                const suspended = await accounts.suspend(params.handle as string);
                return suspended ? h.response().code(204) : Boom.notFound();
            }
        }
    ];
}
