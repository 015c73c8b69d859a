import { hash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, RLWrapperTimeouts } from 'rate-limiter-flexible';
import type { Limit } from '../options';
import type { RedisLink } from './redis-link';

/** How long a request waits for Redis, milliseconds. After the first one that waited in vain none does. */
const PATIENCE = 100;

/** Longer than a client id and an address. */
const LONGEST_KEY = 200;

/** A limiter in this process's memory that tells when it is used. */
class Insurance extends RateLimiterMemory {
    constructor(
        limit: { points: number; duration: number },
        private readonly onUse: () => void
    ) {
        super(limit);
    }

    override consume(key: string): Promise<RateLimiterRes> {
        this.onUse();
        return super.consume(key);
    }

    override get(key: string): Promise<RateLimiterRes | null> {
        this.onUse();
        return super.get(key);
    }
}

/** Counts by key, in Redis where there is one and in this process's memory while there is none. Never fails. */
export class Counter {
    readonly #limit: Limit;
    readonly #link: RedisLink | undefined;
    readonly #own: RateLimiterMemory;
    readonly #shared: RLWrapperTimeouts | undefined;

    /** @param prefix of the keys in Redis */
    constructor(limit: Limit, prefix: string, link?: RedisLink) {
        const options = { points: limit.points, duration: limit.seconds };
        this.#limit = limit;
        this.#link = link;
        if (!link) {
            this.#own = new RateLimiterMemory(options);
            return;
        }
        this.#own = new Insurance(options, () => link.lost());
        // Its types leave the insurance out.
        const impatient = {
            limiter: new RateLimiterRedis({
                ...options,
                storeClient: link.redis,
                keyPrefix: prefix,
                rejectIfRedisNotReady: true
            }),
            timeoutMs: PATIENCE,
            insuranceLimiter: this.#own
        };
        this.#shared = new RLWrapperTimeouts(impatient);
    }

    /**
     * Counts one.
     *
     * @returns for how many milliseconds there may be no more, when this was one too many; else null
     */
    async count(key: string): Promise<number | null> {
        try {
            await this.#limiter().consume(this.#stored(key));
            return null;
        } catch (refused) {
            return refused instanceof RateLimiterRes ? refused.msBeforeNext : null;
        }
    }

    /** For how many milliseconds there may be no more; null when there may. Counts nothing. */
    async left(key: string): Promise<number | null> {
        const found = await this.#limiter().get(this.#stored(key));
        return found && found.consumedPoints >= this.#limit.points && found.msBeforeNext > 0
            ? found.msBeforeNext
            : null;
    }

    /** Forgets what was counted in this process. */
    clear(): void {
        for (const { key } of this.#own.dump().storage) {
            void this.#own.delete(key);
        }
    }

    #limiter(): RLWrapperTimeouts | RateLimiterMemory {
        return this.#shared && this.#link!.isThere() ? this.#shared : this.#own;
    }

    /** Addresses are people's: what leaves this process is a hash. So is what a host made too long an address of. */
    #stored(key: string): string {
        return this.#shared || key.length > LONGEST_KEY ? hash('sha256', key, 'base64url') : key;
    }
}
