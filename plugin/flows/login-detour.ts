import type { Context } from '../context';
import { clientNetwork } from '../rate-limits/client-network';
import { findLoginDetour, insertLoginDetour, removeDetoursOverCap } from '../store/login-detours';
import { hashSecret, randomSecret } from '../tokens/secret';
import { findSurely } from '../store/database';

/*
 * An authorization request may have to wait for a sign-in. Its person comes back to the same request, with a mark that says
 * when the sign-in was demanded. A client cannot write such a mark itself: it carries a MAC.
 */

/** For how long a sign-in counts for the request that demanded it, seconds. */
const LIFETIME = 15 * 60;

/** How many requests one network can have kept. */
const KEPT_PER_NETWORK = 100;

/** What a mark is about: the query of the request, and the account that was signed in when it was made. */
export interface Marked {
    query: string;
    accountId: string | null;
}

/** The mark of a sign-in that is demanded now. */
export function createMark({ clock, macs }: Context, marked: Marked): string {
    const seconds = Math.floor(clock() / 1000);
    return `${seconds}.${macs.make('sign-in', textOf(seconds, marked))}`;
}

/**
 * When the sign-in was demanded that a request comes back from, epoch seconds.
 *
 * @param marked who may have been signed in when the mark was made
 * @returns null for a mark that is too old, or was made for something else
 */
export function readMark({ clock, macs }: Context, mark: string, marked: Marked[]): number | null {
    const [, digits, mac] = /^(\d{1,12})\.([\w-]{43})$/.exec(mark) ?? [];
    const seconds = Number(digits);
    const now = clock() / 1000;
    if (mac === undefined || seconds <= now - LIFETIME || seconds > now) {
        return null;
    }
    return marked.some((each) => macs.isValid('sign-in', textOf(seconds, each), mac)) ? seconds : null;
}

function textOf(seconds: number, { query, accountId }: Marked): string {
    return JSON.stringify([seconds, accountId, query]);
}

/**
 * Keeps the query of a request that is too long for the URL of a sign-in page.
 *
 * @param address the client address
 * @returns the key by which it is found again
 */
export async function keepRequest(
    { clock, database, macs }: Context,
    { query, address }: { query: string; address: string }
): Promise<string> {
    const key = randomSecret();
    const now = clock();
    const requestedFrom = macs.make('client address', clientNetwork(address));
    const detour = { keyHash: hashSecret(key), query, requestedFrom, expiresAt: now + LIFETIME * 1000 };
    await insertLoginDetour(database, detour, now);
    await removeDetoursOverCap(database, requestedFrom, KEPT_PER_NETWORK);
    return key;
}

/** The query that was kept under a key; null where there is none or its time has passed. */
export function findKeptRequest({ clock, database }: Context, key: string): Promise<string | null> {
    return findSurely(database, (queries) => findLoginDetour(queries, hashSecret(key), clock()));
}
