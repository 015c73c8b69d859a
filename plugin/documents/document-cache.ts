import { LRUCache } from 'lru-cache';
import { OAuthError } from '../errors/oauth-error';
import type { FetchError } from './fetch-error';
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
    fetched?: Fetched;
    /** Until when it need not be fetched again. */
    freshUntil: number;
    triedAt: number;
    failure?: FetchError;
    running?: Promise<Fetched>;
}

/** Documents that this process has fetched, and how often it may fetch. */
export class DocumentCache {
    readonly #entries = new LRUCache<string, Entry>({ max: MAX_REMEMBERED });
    readonly #counts = new LRUCache<string, { since: number; count: number }>({ max: MAX_REMEMBERED });
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
     * @returns the document, and whether it was fetched for this call
     * @throws FetchError, OAuthError 429 where too much is fetched
     */
    async find(url: string): Promise<{ value: Record<string, unknown>; isNew: boolean }> {
        const now = this.clock();
        const entry = this.#entries.get(url) ?? { freshUntil: 0, triedAt: Number.NEGATIVE_INFINITY };
        if (entry.fetched && now < entry.freshUntil) {
            return { value: entry.fetched.value, isNew: false };
        }
        if (entry.running) {
            return { value: (await entry.running).value, isNew: false };
        }
        if (now - entry.triedAt < RETRY) {
            throw tooMany(entry.triedAt + RETRY - now);
        }
        this.#count(`host ${new URL(url).host}`, MOST.perHost, MINUTE);
        this.#count('process', MOST.perProcess, MINUTE);
        if (this.#running >= MOST.atOnce) {
            throw tooMany(SECOND);
        }
        entry.triedAt = now;
        entry.running = this.#run(url);
        this.#entries.set(url, entry);
        try {
            entry.fetched = await entry.running;
            entry.freshUntil = this.clock() + entry.fetched.freshFor * SECOND;
            return { value: entry.fetched.value, isNew: true };
        } finally {
            delete entry.running;
        }
    }

    /**
     * Counts a URL that nobody has brought before.
     *
     * @throws OAuthError 429 if an account brings too many
     */
    countUnknown(accountId: string): void {
        this.#count(`account ${accountId}`, MOST.unknownPerAccount, HOUR);
    }

    async #run(url: string): Promise<Fetched> {
        this.#running += 1;
        try {
            return await this.fetch(url);
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
