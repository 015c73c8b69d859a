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
    // hapi gives a cookie that was sent twice as a list. That is the sender's mistake, and no session.
    if (Array.isArray(id)) {
        return null;
    }
    if (id !== undefined && id !== null && typeof id !== 'string') {
        tellMistake(request, `session.accountId must return a string, but returned a ${typeof id}`);
        return null;
    }
    return id || null;
}

/** The year 5138. Seconds do not come so far, milliseconds have passed it in 1973. */
const MAX_SECONDS = 1e11;

/** When the person of a session signed in, epoch seconds; null where the host does not say. */
export function sessionAuthTime({ settings }: Context, request: Request): number | null {
    const time = settings.session.authTime?.(request.auth.credentials);
    if (time === undefined || !Number.isFinite(time)) {
        return null;
    }
    if (time > MAX_SECONDS) {
        throw new Error(
            `session.authTime must return seconds since 1970, but returned ${time}: are these milliseconds?`
        );
    }
    return Math.floor(time);
}

/** A mistake of the host's that would otherwise only show as a session that is not there. */
function tellMistake(request: Request, message: string): void {
    request.log(['oauth', 'session', 'error'], message);
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
    page.searchParams.set(urls.loginReturnParameter, path);
    return page.href;
}
