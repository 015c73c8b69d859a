import { LRUCache } from 'lru-cache';
import { OAuthError } from '../errors/oauth-error';
import { FetchError } from './fetch-error';
import type { Fetched } from './guarded-fetch';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How often one URL is tried at most, milliseconds. */
const RETRY = 10 * SECOND;

const MOST = { perHost: 30, perProcess: 120, atOnce: 16, unknownPerAccount: 10 };

/** How many URLs, hosts and accounts are remembered. */
const MAX_REMEMBERED = 5000;

interface Entry {
    found?: Found;
    /** Until when it need not be fetched again. */
    freshUntil: number;
    triedAt: number;
    /** Why the last attempt failed. */
    failure?: FetchError;
    running?: Promise<Found>;
}

/** A document, and when it was fetched, epoch milliseconds. */
export interface Found {
    value: Record<string, unknown>;
    fetchedAt: number;
}

/** Documents that this process has fetched, and how often it may fetch. */
export class DocumentCache {
    readonly #entries = new LRUCache<string, Entry>({ max: MAX_REMEMBERED });
    readonly #counts = new LRUCache<string, { since: number; count: number }>({ max: MAX_REMEMBERED });
    /** The URLs that an account has brought, and until when they are counted. */
    readonly #brought = new LRUCache<string, Map<string, number>>({ max: MAX_REMEMBERED });
    #running = 0;

    /**
     * @param fetch fetches the document of a URL
     * @param clock epoch milliseconds
     */
    constructor(
        private readonly fetch: (url: string) => Promise<Fetched>,
        private readonly clock: () => number
    ) {}

    /**
     * The document of a URL: as it was fetched while that is fresh, or fetched now. Requests at the same time share one fetch.
     *
     * @throws FetchError, OAuthError 429 where too much is fetched
     */
    async find(url: string): Promise<Found> {
        const now = this.clock();
        const entry = this.#entries.get(url) ?? { freshUntil: 0, triedAt: Number.NEGATIVE_INFINITY };
        if (entry.found && now < entry.freshUntil) {
            return entry.found;
        }
        if (entry.running) {
            return entry.running;
        }
        if (now - entry.triedAt < RETRY) {
            throw tooMany(entry.triedAt + RETRY - now);
        }
        this.#count(`host ${new URL(url).hostname}`, MOST.perHost, MINUTE);
        this.#count('process', MOST.perProcess, MINUTE);
        if (this.#running >= MOST.atOnce) {
            throw tooMany(SECOND);
        }
        entry.triedAt = now;
        delete entry.failure;
        entry.running = this.#run(url, entry);
        this.#entries.set(url, entry);
        try {
            return await entry.running;
        } catch (error) {
            if (error instanceof FetchError) {
                entry.failure = error;
            }
            throw error;
        } finally {
            delete entry.running;
        }
    }

    /** Whether the document of a URL was gone or not acceptable at the last attempt: one from before must not stand in for it. */
    isRefused(url: string): boolean {
        return this.#entries.get(url)?.failure?.isFinal ?? false;
    }

    /** Notes that a document is not acceptable, although it could be fetched. */
    refuse(url: string, failure: FetchError): void {
        const entry = this.#entries.get(url);
        if (entry) {
            delete entry.found;
            entry.failure = failure;
        }
    }

    /**
     * Counts a URL that nobody has brought before, once for each account.
     *
     * @throws OAuthError 429 if an account brings too many in an hour
     */
    countUnknown(accountId: string, url: string): void {
        const now = this.clock();
        const brought = this.#brought.get(accountId) ?? new Map<string, number>();
        this.#brought.set(accountId, brought);
        for (const [each, until] of brought) {
            if (until <= now) {
                brought.delete(each);
            }
        }
        if (!brought.has(url) && brought.size >= MOST.unknownPerAccount) {
            throw tooMany(Math.min(...brought.values()) - now);
        }
        brought.set(url, brought.get(url) ?? now + HOUR);
    }

    async #run(url: string, entry: Entry): Promise<Found> {
        this.#running += 1;
        try {
            const { value, freshFor } = await this.fetch(url);
            const fetchedAt = this.clock();
            entry.found = { value, fetchedAt };
            entry.freshUntil = fetchedAt + freshFor * SECOND;
            return entry.found;
        } finally {
            this.#running -= 1;
        }
    }

    #count(key: string, most: number, window: number): void {
        const now = this.clock();
        const found = this.#counts.get(key);
        const current = found && now < found.since + window ? found : { since: now, count: 0 };
        if (current.count >= most) {
            throw tooMany(current.since + window - now);
        }
        current.count += 1;
        this.#counts.set(key, current);
    }
}

/** @param wait milliseconds */
function tooMany(wait: number): OAuthError {
    return OAuthError.tooManyRequests('The application was looked up too often, try again later', wait);
}
