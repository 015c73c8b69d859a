import { RateLimiterMemory, RateLimiterRedis, type RateLimiterAbstract } from 'rate-limiter-flexible';
import type { Limit } from '../options/options';
import { MAX_WAIT, type RedisLink } from './redis-link';
import type { Count } from './tally';

/** Enough for a client id and an address. */
const MAX_KEY_LENGTH = 200;

/** Where a counter keeps what it counts, and under which keys. */
interface CounterPlace {
    /** Of the keys in Redis. */
    prefix: string;
    /** What stands for a key in Redis: addresses are personal data, and leave this process only as a MAC. */
    keyOf: (key: string) => string;
    link?: RedisLink | undefined;
}

/** Counts by key, in Redis if there is one, and in this process while Redis is away. Never fails. */
export class Counter {
    readonly #limit: Limit;
    readonly #local: RateLimiterMemory;
    readonly #keyOf: (key: string) => string;
    readonly #redis: { limiter: RateLimiterRedis; link: RedisLink } | undefined;

    constructor(limit: Limit, { prefix, keyOf, link }: CounterPlace) {
        const options = { points: limit.points, duration: limit.seconds };
        this.#limit = limit;
        this.#keyOf = keyOf;
        this.#local = new RateLimiterMemory(options);
        this.#redis = link && {
            limiter: new RateLimiterRedis({ ...options, storeClient: link.redis, keyPrefix: prefix }),
            link
        };
    }

    /**
     * Counts one.
     *
     * @param factor how much larger the limit is for this key
     */
    async count(key: string, factor = 1): Promise<Count> {
        const { consumedPoints, msBeforeNext } = await this.#run(key, (limiter, stored) => limiter.penalty(stored));
        return this.#countOf(consumedPoints, msBeforeNext, factor);
    }

    /** Counts nothing, and says whether one more is within the limit. */
    async look(key: string, factor = 1): Promise<Count> {
        const found = await this.#run(key, (limiter, stored) => limiter.get(stored));
        const isCurrent = found !== null && found.msBeforeNext > 0;
        const count = this.#countOf(
            isCurrent ? found.consumedPoints : 0,
            isCurrent ? found.msBeforeNext : this.#limit.seconds * 1000,
            factor
        );
        return { ...count, wait: count.remaining === 0 ? count.reset : null };
    }

    #countOf(used: number, reset: number, factor: number): Count {
        const limit = this.#limit.points * factor;
        return { limit, remaining: Math.max(0, limit - used), reset, wait: used > limit ? reset : null };
    }

    /** Forgets what was counted in this process. */
    clear(): void {
        for (const { key } of this.#local.dump().storage) {
            void this.#local.delete(key);
        }
    }

    // The library's insuranceLimiter would ask a Redis that hangs at every request, without a time limit or a report.
    async #run<Result>(
        key: string,
        operation: (limiter: RateLimiterAbstract, stored: string) => Promise<Result>
    ): Promise<Result> {
        // A MAC also bounds the length of a key.
        const stored = this.#redis || key.length > MAX_KEY_LENGTH ? this.#keyOf(key) : key;
        if (this.#redis?.link.isReachable()) {
            try {
                return await inTime(operation(this.#redis.limiter, stored));
            } catch (error) {
                this.#redis.link.lost((error as Error).message);
            }
        }
        return operation(this.#local, stored);
    }
}

/** @throws Error if the result does not arrive in time */
function inTime<Result>(result: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
        const giveUp = (): void => reject(new Error(`no answer within ${MAX_WAIT} ms`));
        // If this process was busy, the result may have arrived unread: it gets one more turn of the event loop.
        const timer = setTimeout(() => setImmediate(giveUp), MAX_WAIT);
        void result.then(resolve, reject).finally(() => clearTimeout(timer));
    });
}
