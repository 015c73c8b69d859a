import * as Boom from '@hapi/boom';
import * as Cookie from '@hapi/cookie';
import type { Request, Server } from '@hapi/hapi';
import Joi from 'joi';
import { effectivePermissions, type Accounts } from './accounts';

/** The content of the cookie, encrypted. */
interface Session {
    accountId: string;
    /** Epoch seconds. */
    signedInAt: number;
}

declare module '@hapi/hapi' {
    interface Request {
        /** @hapi/cookie's. */
        cookieAuth: { set(session: object): void };
    }

    interface AuthCredentials {
        signedInAt?: number;
    }
}

const DAY = 24 * 60 * 60 * 1000;

/**
 * The forum's own sign-in: the strategy `session`, and the endpoint that begins one.
 *
 * @param password encrypts the cookie; at least 32 characters
 * @param secure whether browsers reach the forum by https
 */
export async function registerSession(
    server: Server,
    { accounts, password, secure }: { accounts: Accounts; password: string; secure: boolean }
): Promise<void> {
    await server.register(Cookie);
    server.auth.strategy('session', 'cookie', {
        cookie: {
            name: 'storyden-session',
            password,
            isSecure: secure,
            isHttpOnly: true,
            // Strict would lose the session on the way back from an application.
            isSameSite: 'Lax',
            path: '/',
            ttl: 7 * DAY,
            clearInvalid: true
        },
        validate: async (_request: Request, { accountId, signedInAt }: Session) => {
            const account = await accounts.find(accountId);
            if (!account) {
                return { isValid: false };
            }
            return {
                isValid: true,
                // `scope` is what hapi's `access.scope` looks at, for a session as for a token.
                credentials: { accountId, signedInAt, scope: effectivePermissions(account.permissions) }
            };
        }
    });

    server.route({
        method: 'POST',
        path: '/api/auth/password/signin',
        options: {
            payload: { allow: 'application/json' },
            validate: {
                payload: Joi.object({
                    handle: Joi.string().max(50).required(),
                    password: Joi.string().max(200).required()
                })
            }
        },
        handler: async (request) => {
            const { handle, password: given } = request.payload as { handle: string; password: string };
            const account = await accounts.signIn(handle, given);
            if (!account) {
                throw Boom.unauthorized('The handle or the password is wrong.');
            }
            beginSession(request, account.id);
            return account;
        }
    });
}

/** Signs the browser of a request in. */
export function beginSession(request: Request, accountId: string): void {
    const session: Session = { accountId, signedInAt: Math.floor(Date.now() / 1000) };
    request.cookieAuth.set(session);
}
