/*
 * The retry window: for how long a client that lost the response to a refresh may present the same token again.
 *
 * A successor's row carries the window of the token before it (`retry_until`), whether it was handed out late
 * (`handed_out_late`), and, encrypted, the successor itself. A token's successor was used when the successor has one
 * itself. Every rule about these columns is in this file, as a function or as the SQL of it.
 */

/** A hand-out this long after the rotation is late, and a reuse this soon after the successor's use is forgiven: ms. */
export const LATE_AFTER = 60_000;

/** `retry_until` of a successor that may be handed out again until it is used. */
export const UNTIL_USED = Number.MAX_SAFE_INTEGER;

/** The option `lifetimes.refreshRetryWindow`: seconds, 0 for none, or until the successor is used. */
export type RetryWindow = number | 'until-used';

/** What of a stored token the rules look at. Times are epoch milliseconds. */
interface Token {
    retryUntil: number;
    handedOutLate: boolean;
    createdAt: number;
}

/**
 * What a refresh token that the server issued is when a client presents it.
 *
 * - `head`: unused; it can be rotated.
 * - `retry`: used, within the window; the client gets the same successor again.
 * - `superseded`: its successor has been used as well, so recently that the request was probably delayed. It is refused,
 *   the grant lives.
 * - `reused`: presented by two parties, one of which stole it. The grant is revoked (RFC 9700 §4.14.2).
 */
export type Standing = 'head' | 'retry' | 'superseded' | 'reused';

/**
 * Decides what a presented token is.
 *
 * @param successorUsedAt when the successor was rotated, epoch milliseconds; null while it is unused
 * @param now epoch milliseconds
 */
export function standingOf(
    { token, successor, successorUsedAt }: { token: Token; successor: Token | null; successorUsedAt: number | null },
    window: RetryWindow,
    now: number
): Standing {
    if (!successor) {
        return 'head';
    }
    const isWithinWindow = now < windowEnd(token, successor);
    if (successorUsedAt === null) {
        return isWithinWindow ? 'retry' : 'reused';
    }
    // A window without an end closes when the successor is used, whatever the option has been set to since.
    const isUntilUsed = window === 'until-used' || successor.retryUntil === UNTIL_USED;
    const isForgiven = isUntilUsed ? now < successorUsedAt + LATE_AFTER : isWithinWindow;
    return isForgiven ? 'superseded' : 'reused';
}

/** A token that was itself handed out late has a short window, so that a thief and a victim cannot take turns. */
function windowEnd(token: Token, successor: Token): number {
    return token.handedOutLate
        ? Math.min(successor.retryUntil, successor.createdAt + LATE_AFTER)
        : successor.retryUntil;
}

/** The `retry_until` of a successor that is made now; 0 where there is no window. */
export function retryUntil(window: RetryWindow, token: Pick<Token, 'handedOutLate'>, now: number): number {
    if (window !== 'until-used') {
        return window === 0 ? 0 : now + window * 1000;
    }
    return token.handedOutLate ? now + LATE_AFTER : UNTIL_USED;
}

/** True when handing out the successor again now is late, and is not noted yet. */
export function isLateHandOut(successor: Token, now: number): boolean {
    return successor.retryUntil === UNTIL_USED && !successor.handedOutLate && now >= successor.createdAt + LATE_AFTER;
}

/** A condition in SQL, with its parameters in order. */
export interface Condition {
    sql: string;
    parameters: unknown[];
}

/**
 * True for a superseded token that may be pruned: it can neither be retried nor is its reuse forgiven any more.
 *
 * @param successor its successor's `retry_until`
 * @param use when the successor was used
 */
export function isPrunable(successor: { retryUntil: number }, use: { createdAt: number }, now: number): boolean {
    const isClosed = successor.retryUntil <= now || successor.retryUntil === UNTIL_USED;
    return isClosed && use.createdAt + LATE_AFTER <= now;
}

/** `isPrunable` in SQL, for the aliases of the successor's row and of the row of the successor's successor. */
export function prunable({ successor, use }: { successor: string; use: string }, now: number): Condition {
    return {
        sql: `(${successor}.retry_until <= ? OR ${successor}.retry_until = ?) AND ${use}.created_at <= ?`,
        parameters: [now, UNTIL_USED, now - LATE_AFTER]
    };
}

/**
 * True when the window that a successor carries is over, so that neither the encrypted successor nor the window is
 * needed.
 *
 * @param usedAt when the successor was used; null while it is unused
 */
export function isWindowOver(
    { retryUntil: end, usedAt }: { retryUntil: number; usedAt: number | null },
    now: number
): boolean {
    return end === UNTIL_USED ? usedAt !== null && usedAt + LATE_AFTER <= now : end <= now;
}

/**
 * In SQL: an unused successor cannot be handed out any more although its window is open, because it has expired or
 * because the token before it was handed out late.
 *
 * @param aliases of the successor's row and of the row before it
 */
export function undeliverable({ successor, token }: { successor: string; token: string }, now: number): Condition {
    return {
        sql: `(${successor}.expires_at <= ? OR (${token}.handed_out_late = 1 AND ${successor}.created_at <= ?))`,
        parameters: [now, now - LATE_AFTER]
    };
}
