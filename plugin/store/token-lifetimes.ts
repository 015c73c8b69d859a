import type { Lifetimes } from '../options/options';

type RefreshLifetimes = Pick<Lifetimes, 'refreshToken' | 'refreshChain'>;

/** When a refresh token made now expires, epoch milliseconds: its own lifetime, within the cap on its family. */
export function refreshTokenExpiry(lifetimes: RefreshLifetimes, grantedAt: number, now: number): number {
    const own = now + lifetimes.refreshToken * 1000;
    return Math.min(own, familyExpiry(lifetimes, grantedAt));
}

/** When a token family expires as a whole, epoch milliseconds; Infinity without the option `lifetimes.refreshChain`. */
export function familyExpiry({ refreshChain }: RefreshLifetimes, grantedAt: number): number {
    return refreshChain === undefined ? Infinity : grantedAt + refreshChain * 1000;
}
