import { hash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import type { Limit } from '../options/options';
import { PATIENCE, type RedisLink } from './redis-link';

/** Longer than a client id and an address. */
const LONGEST_KEY = 200;

/** Counts by key, in Redis where there is one and in this process's memory while it is away. Never fails. */
export class Counter {
    readonly #limit: Limit;
    readonly #own: RateLimiterMemory;
    readonly #shared: { limiter: RateLimiterRedis; link: RedisLink } | undefined;

    /** @param prefix of the keys in Redis */
    constructor(limit: Limit, prefix: string, link?: RedisLink) {
        const options = { points: limit.points, duration: limit.seconds };
        this.#limit = limit;
        this.#own = new RateLimiterMemory(options);
        this.#shared = link && {
            limiter: new RateLimiterRedis({ ...options, storeClient: link.redis, keyPrefix: prefix }),
            link
        };
    }

    /**
     * Counts one.
     *
     * @returns for how many milliseconds there may be no more, when this was one too many; else null
     */
    async count(key: string): Promise<number | null> {
        const result = await this.#ask(key, (limiter, stored) => verdict(limiter.consume(stored)));
        return result.consumedPoints > this.#limit.points ? result.msBeforeNext : null;
    }

    /** For how many milliseconds there may be no more; null when there may. Counts nothing. */
    async left(key: string): Promise<number | null> {
        const found = await this.#ask(key, (limiter, stored) => limiter.get(stored));
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

    async #ask<Result>(
        key: string,
        ask: (limiter: RateLimiterAbstract, stored: string) => Promise<Result>
    ): Promise<Result> {
        // Addresses are people's: what leaves this process is a hash. So is what a host made too long an address of.
        const stored = this.#shared || key.length > LONGEST_KEY ? hash('sha256', key, 'base64url') : key;
        if (this.#shared?.link.isThere()) {
            try {
                return await inTime(ask(this.#shared.limiter, stored));
            } catch (error) {
                this.#shared.link.lost((error as Error).message);
            }
        }
        return ask(this.#own, stored);
    }
}

/** What a limiter says, whether it allows or refuses. */
async function verdict(consumed: Promise<RateLimiterRes>): Promise<RateLimiterRes> {
    try {
        return await consumed;
    } catch (refused) {
        if (refused instanceof RateLimiterRes) {
            return refused;
        }
        throw refused;
    }
}

/** @throws Error when the answer has not come in time */
function inTime<Result>(answer: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
        const giveUp = (): void => reject(new Error(`no answer within ${PATIENCE} ms`));
        // A process that was itself busy has not yet read what arrived meanwhile: it gets a turn to.
        const timer = setTimeout(() => setImmediate(giveUp), PATIENCE);
        void answer.then(resolve, reject).finally(() => clearTimeout(timer));
    });
}
