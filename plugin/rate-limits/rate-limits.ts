import { hash } from 'node:crypto';
import { OAuthError } from '../errors/oauth-error';
import { LIMIT_NAMES, type LimitName, type Settings } from '../options/options';
import type { Macs } from '../tokens/macs';
import { clientNetwork, networksOf } from './client-network';
import { Counter } from './counter';
import { RedisLink, type LinkLog } from './redis-link';
import type { Count, Tally } from './tally';

/** How many ids of existing clients are remembered. */
const MAX_KNOWN = 10_000;

/** Stands for every client id that does not exist. No client id looks like this. */
const UNKNOWN = '?';

/** Stands for all personal access keys. No client id has a blank in it. */
const ACCESS_KEY = 'access key';

/**
 * What all clients together may do from one client address, in limits of one client. Several people are behind one
 * address, but clients that one person made must not add up.
 */
const CLIENTS_PER_ADDRESS = 4;

/** A client that exists. */
export interface FoundClient {
    clientId: string;
}

/** Who sent a request: the client id that it names, whether or not it exists, and the client address. */
export interface Caller {
    clientId: string;
    address: string;
    /** Gets what the limits say about the request. */
    tally?: Tally;
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

/** The limits on what may be done by one client, account or client address. */
export class RateLimits {
    readonly #counters: Partial<Record<LimitName, Counter>> = {};
    /** Client ids that exist. Others are not counted one by one, because anybody can make up any number of them. */
    readonly #known = new Set<string>();

    /** @param macs of the keys in Redis: a plain hash of an address is found by trying all addresses */
    constructor({ issuer, limits }: Settings, macs: Macs, log: LinkLog) {
        // Several forums may share a Redis.
        const prefix = `oauth-limit:${hash('sha256', issuer, 'base64url').slice(0, 12)}`;
        const link = limits.redis && new RedisLink(limits.redis, prefix, log);
        for (const name of LIMIT_NAMES) {
            const limit = limits[name];
            if (limit) {
                const keyOf = (text: string): string => macs.make('client address', text);
                this.#counters[name] = new Counter(limit, { prefix: `${prefix}:${name}`, keyOf, link });
            }
        }
    }

    /**
     * Counts a request by its client address, before anything is looked up, and by client and address: of a known client at
     * once, of any other when it has been found.
     *
     * @throws OAuthError 429 if there are too many from the address
     */
    async begin(name: 'deviceAuthorization' | 'refresh', { clientId, address, tally }: Caller): Promise<Counted> {
        const counter = this.#counters[name];
        if (!counter) {
            return ADMITTED;
        }
        const countClient = async (id: string): Promise<void> =>
            refuse(await counter.count(`${id} ${clientNetwork(address)}`), tally);
        const isKnown = this.#known.has(clientId);
        if (isKnown) {
            await countClient(clientId);
        }
        await countAddress(counter, address, tally);
        let counted = isKnown;
        return {
            admit: async ({ clientId: id }) => {
                this.#remember(id);
                if (!counted) {
                    counted = true;
                    await countClient(id);
                }
            }
        };
    }

    /**
     * Counts a failed authentication, by client and address and by address.
     *
     * @param found the client, if the id exists
     * @throws OAuthError 429 if this one is over the limit. A right secret is never refused
     */
    async failedAuthentication({ address, tally }: Caller, found: FoundClient | null): Promise<void> {
        const counter = this.#counters.clientAuthentication;
        if (!counter) {
            return;
        }
        const client = found?.clientId ?? UNKNOWN;
        refuse(await counter.count(`${client} ${clientNetwork(address)}`), tally);
        await countAddress(counter, address, tally);
    }

    /**
     * Counts a wrong personal access key, among the failed authentications of its client address.
     *
     * @throws OAuthError 429 if this one is over the limit. A right key is never refused
     */
    failedAccessKey(address: string): Promise<void> {
        return this.failedAuthentication({ clientId: ACCESS_KEY, address }, { clientId: ACCESS_KEY });
    }

    /**
     * Counts a request of a client, from whatever address.
     *
     * @throws OAuthError 429 if this one is over the limit
     */
    async clientCredentials({ clientId, tally }: Caller): Promise<void> {
        await this.#countOne('clientCredentials', clientId, tally);
    }

    /**
     * Counts an authorization request of an account.
     *
     * @throws OAuthError 429 if this one is over the limit
     */
    async authorization(accountId: string, tally: Tally): Promise<void> {
        await this.#countOne('authorize', `account ${accountId}`, tally);
    }

    /**
     * Counts a registration by client address.
     *
     * @throws OAuthError 429 if this one is over the limit
     */
    async registration(address: string, tally: Tally): Promise<void> {
        for (const { name, factor } of networksOf(address)) {
            refuse(await this.#counters.registration?.count(name, factor), tally);
        }
    }

    /**
     * To be called before a user code is looked up.
     *
     * @throws OAuthError 429 while too many wrong codes came from this address
     */
    async mayEnterCode(address: string, tally?: Tally): Promise<void> {
        for (const { name, factor } of networksOf(address)) {
            refuse(await this.#counters.userCode?.look(name, factor), tally, TOO_MANY_CODES);
        }
    }

    /**
     * Counts a wrong user code.
     *
     * @throws OAuthError 429 if this one is over the limit
     */
    async wrongCode(address: string, tally?: Tally): Promise<void> {
        for (const { name, factor } of networksOf(address)) {
            refuse(await this.#counters.userCode?.count(name, factor), tally, TOO_MANY_CODES);
        }
    }

    /** Notes what is left at an address, for a request that no limit has counted. */
    async lookAt(name: 'clientAuthentication' | 'userCode', address: string, tally: Tally): Promise<void> {
        const factor = name === 'clientAuthentication' ? CLIENTS_PER_ADDRESS : 1;
        const count = await this.#counters[name]?.look(clientNetwork(address), factor);
        if (count) {
            tally.add(count);
        }
    }

    /** Forgets what was counted in this process, and leaves no timer behind. */
    clear(): void {
        Object.values(this.#counters).forEach((counter) => counter.clear());
        this.#known.clear();
    }

    async #countOne(name: LimitName, key: string, tally?: Tally): Promise<void> {
        refuse(await this.#counters[name]?.count(key), tally);
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

/** @throws OAuthError 429 if there are too many from one of the address's networks */
async function countAddress(counter: Counter, address: string, tally?: Tally): Promise<void> {
    for (const { name, factor } of networksOf(address)) {
        refuse(await counter.count(name, factor * CLIENTS_PER_ADDRESS), tally);
    }
}

/** @throws OAuthError 429 if a count is over its limit */
function refuse(
    count: Count | undefined,
    tally: Tally | undefined,
    description = 'Too many requests, try again later'
): void {
    if (!count) {
        return;
    }
    tally?.add(count);
    if (count.wait !== null) {
        throw OAuthError.tooManyRequests(description, count.wait);
    }
}
