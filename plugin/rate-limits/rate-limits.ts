import { hash } from 'node:crypto';
import type { Client } from '../store/clients';
import { OAuthError } from '../errors/oauth-error';
import type { LimitName, Settings } from '../options/options';
import { clientNetwork } from './client-network';
import { Counter } from './counter';
import { RedisLink, type LinkLog } from './redis-link';

/** How many clients are remembered as found. */
const MAX_KNOWN = 10_000;

/** Stands for all clients that there are not: no client id is written so. */
const UNKNOWN = '?';

/** A request of a client that is being counted. */
export interface Counted {
    /**
     * To be called when the client has been found, before anything is done for it; as often as one likes.
     *
     * @throws OAuthError 429
     */
    admit(found: Pick<Client, 'clientId'>): Promise<void>;
}

/** Who asks: a client by the id that it gave, and the address that the request came from. */
export interface Caller {
    clientId: string;
    address: string;
}

const ADMITTED: Counted = { admit: () => Promise.resolve() };

/** What may be done how often from one address. */
export class RateLimits {
    readonly #counters: Partial<Record<LimitName, Counter>> = {};
    /** Clients that were found. Others are not counted by their ids, of which anybody can make up any number. */
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
     * Counts a request by client and address. Where the client is known counting begins at once, beside the request's
     * look-ups, else when it has been found.
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
    async mayAuthenticate({ clientId }: Pick<Client, 'clientId'>, address: string): Promise<void> {
        refuse(await this.#counters.clientAuthentication?.left(keyOf(clientId, address)));
    }

    /**
     * Counts a failed authentication.
     *
     * @param found the client, if there is one of that id
     * @throws OAuthError 429 when it was one too many
     */
    async failedAuthentication({ address }: Caller, found: Pick<Client, 'clientId'> | null): Promise<void> {
        refuse(await this.#counters.clientAuthentication?.count(keyOf(found?.clientId ?? UNKNOWN, address)));
    }

    /**
     * To be called before a user code is looked up.
     *
     * @throws OAuthError 429 while too many wrong ones came from this address
     */
    async mayEnterCode(address: string): Promise<void> {
        refuse(await this.#counters.userCode?.left(clientNetwork(address)), TOO_MANY_CODES);
    }

    /**
     * Counts a wrong user code.
     *
     * @throws OAuthError 429 when it was one too many
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

/** What a person is told who enters wrong codes. */
export const TOO_MANY_CODES = 'Too many wrong codes, wait before you enter another';

/** A client id has no blanks. */
function keyOf(clientId: string, address: string): string {
    return `${clientId} ${clientNetwork(address)}`;
}

/** @param wait milliseconds; null or nothing when there is none */
function refuse(wait: number | null | undefined, description = 'Too many requests, try again later'): void {
    if (wait != null) {
        throw OAuthError.tooManyRequests(description, wait);
    }
}
