import { hash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterAbstract } from 'rate-limiter-flexible';
import type { Limit } from '../options/options';
import { MAX_WAIT, type RedisLink } from './redis-link';

/** Enough for a client id and an address. */
const MAX_KEY_LENGTH = 200;

/** Counts by key, in Redis if there is one, and in this process while Redis is away. Never fails. */
export class Counter {
    readonly #limit: Limit;
    readonly #local: RateLimiterMemory;
    readonly #redis: { limiter: RateLimiterRedis; link: RedisLink } | undefined;

    /** @param prefix of the keys in Redis */
    constructor(limit: Limit, prefix: string, link?: RedisLink) {
        const options = { points: limit.points, duration: limit.seconds };
        this.#limit = limit;
        this.#local = new RateLimiterMemory(options);
        this.#redis = link && {
            limiter: new RateLimiterRedis({ ...options, storeClient: link.redis, keyPrefix: prefix }),
            link
        };
    }

    /**
     * Counts one.
     *
     * @returns null if it is within the limit, else the milliseconds until the count starts again
     */
    async count(key: string): Promise<number | null> {
        const counted = await this.#run(key, (limiter, stored) => limiter.penalty(stored));
        return counted.consumedPoints > this.#limit.points ? counted.msBeforeNext : null;
    }

    /**
     * Counts nothing.
     *
     * @returns null if one more is within the limit, else the milliseconds until the count starts again
     */
    async wait(key: string): Promise<number | null> {
        const found = await this.#run(key, (limiter, stored) => limiter.get(stored));
        return found && found.consumedPoints >= this.#limit.points && found.msBeforeNext > 0
            ? found.msBeforeNext
            : null;
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
        // Addresses are personal data: they leave this process only as a hash. A hash also bounds the length of a key.
        const stored = this.#redis || key.length > MAX_KEY_LENGTH ? hash('sha256', key, 'base64url') : key;
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
