import type { Request } from '@hapi/hapi';
import type { Context } from '../context';
import type { Account, Settings } from '../options/options';

/** The account whose session a request carries; null where there is none, or where it may not act now. */
export async function signedInAccount(context: Context, request: Request): Promise<Account | null> {
    const accountId = sessionAccountId(context, request);
    return accountId === null ? null : context.findAccount(accountId);
}

/**
 * The id of the account whose session a request carries; null where there is none.
 *
 * @throws the strategy's own error where it could not tell, such as when its store is out of reach
 */
export function sessionAccountId({ settings }: Context, request: Request): string | null {
    const { strategies, accountId } = settings.session;
    const { auth } = request;
    const failure = auth.error as (Error & { isServer?: boolean }) | null;
    if (failure?.isServer) {
        throw failure;
    }
    if (!auth.isAuthenticated || !strategies.includes(auth.strategy)) {
        return null;
    }
    const id = accountId(auth.credentials);
    return typeof id === 'string' && id !== '' ? id : null;
}

/** When the person of a session signed in, epoch seconds; null where the host does not say. */
export function sessionAuthTime({ settings }: Context, request: Request): number | null {
    const time = settings.session.authTime?.(request.auth.credentials);
    return Number.isFinite(time) ? Math.floor(time!) : null;
}

/** True when a strategy has responded, such as by a redirect, instead of reporting that there is no session. */
export function isTakenOver({ auth, response }: Request): boolean {
    return auth.mode === 'try' && !auth.isAuthenticated && auth.error === null && !('isBoom' in response);
}

/**
 * The URL of the sign-in page, with the way back.
 *
 * @param path path and query on this server
 */
export function loginUrl({ urls }: Settings, path: string): string {
    const page = new URL(urls.login);
    page.searchParams.set('return_to', path);
    return page.href;
}
