import { hash } from 'node:crypto';
import { OAuthError } from '../errors/oauth-error';
import type { LimitName, Settings } from '../options/options';
import { clientNetwork } from './client-network';
import { Counter } from './counter';
import { RedisLink, type LinkLog } from './redis-link';

/** How many ids of existing clients are remembered. */
const MAX_KNOWN = 10_000;

/** Stands for every client id that does not exist. No client id looks like this. */
const UNKNOWN = '?';

/** A client that exists. */
export interface FoundClient {
    clientId: string;
}

/** Who sent a request: the client id that it names, whether or not it exists, and the client address. */
export interface Caller {
    clientId: string;
    address: string;
}

/** A request that is being counted. */
export interface Counted {
    /**
     * To be called when the client has been found, before anything is done for it. May be called more than once.
     *
     * @throws OAuthError 429 if the request is over the limit
     */
    admit(found: FoundClient): Promise<void>;
}

const ADMITTED: Counted = { admit: () => Promise.resolve() };

/** The limits on what may be done from one client address. */
export class RateLimits {
    readonly #counters: Partial<Record<LimitName, Counter>> = {};
    /** Client ids that exist. Others are not counted one by one, because anybody can make up any number of them. */
    readonly #known = new Set<string>();

    constructor({ issuer, limits }: Settings, log: LinkLog) {
        // Several forums may share a Redis.
        const prefix = `oauth-limit:${hash('sha256', issuer, 'base64url').slice(0, 12)}`;
        const link = limits.redis && new RedisLink(limits.redis, prefix, log);
        for (const name of ['deviceAuthorization', 'refresh', 'clientAuthentication', 'userCode'] as const) {
            const limit = limits[name];
            if (limit) {
                this.#counters[name] = new Counter(limit, `${prefix}:${name}`, link);
            }
        }
    }

    /**
     * Counts a request by client and address. A known client is counted at once, while the request does its look-ups, any
     * other when it has been found.
     */
    begin(name: 'deviceAuthorization' | 'refresh', { clientId, address }: Caller): Counted {
        const counter = this.#counters[name];
        if (!counter) {
            return ADMITTED;
        }
        let counted = this.#known.has(clientId) ? counter.count(keyOf(clientId, address)) : undefined;
        return {
            admit: async (found) => {
                this.#remember(found.clientId);
                counted ??= counter.count(keyOf(found.clientId, address));
                refuse(await counted);
            }
        };
    }

    /**
     * To be called before a secret is compared.
     *
     * @throws OAuthError 429 while the client has failed too often from this address
     */
    async mayAuthenticate({ clientId }: FoundClient, address: string): Promise<void> {
        refuse(await this.#counters.clientAuthentication?.wait(keyOf(clientId, address)));
    }

    /**
     * Counts a failed authentication.
     *
     * @param found the client, if the id exists
     * @throws OAuthError 429 if this one is over the limit
     */
    async failedAuthentication({ address }: Caller, found: FoundClient | null): Promise<void> {
        refuse(await this.#counters.clientAuthentication?.count(keyOf(found?.clientId ?? UNKNOWN, address)));
    }

    /**
     * To be called before a user code is looked up.
     *
     * @throws OAuthError 429 while too many wrong codes came from this address
     */
    async mayEnterCode(address: string): Promise<void> {
        refuse(await this.#counters.userCode?.wait(clientNetwork(address)), TOO_MANY_CODES);
    }

    /**
     * Counts a wrong user code.
     *
     * @throws OAuthError 429 if this one is over the limit
     */
    async wrongCode(address: string): Promise<void> {
        refuse(await this.#counters.userCode?.count(clientNetwork(address)), TOO_MANY_CODES);
    }

    /** Forgets what was counted in this process, and leaves no timer behind. */
    clear(): void {
        Object.values(this.#counters).forEach((counter) => counter.clear());
        this.#known.clear();
    }

    #remember(clientId: string): void {
        if (this.#known.size >= MAX_KNOWN && !this.#known.has(clientId)) {
            this.#known.clear();
        }
        this.#known.add(clientId);
    }
}

/** The description for a person who has entered too many wrong codes. */
export const TOO_MANY_CODES = 'Too many wrong codes, wait before you enter another';

/** A client id contains no blanks. */
function keyOf(clientId: string, address: string): string {
    return `${clientId} ${clientNetwork(address)}`;
}

/** @param wait milliseconds; null or undefined if the request is within the limit */
function refuse(wait: number | null | undefined, description = 'Too many requests, try again later'): void {
    if (wait != null) {
        throw OAuthError.tooManyRequests(description, wait);
    }
}
