import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { LimitsRedis } from '../options';

/** How often it is looked whether Redis is back, milliseconds. */
const PROBE_EVERY = 1000;

/** Told once for each change. */
export interface LinkLog {
    lost(): void;
    back(): void;
}

/**
 * Whether Redis answers. Once it has not, nothing waits for it any more, until something that was written beside the
 * requests has arrived.
 */
export class RedisLink {
    readonly redis: LimitsRedis;
    readonly #probe: RateLimiterRedis;
    readonly #log: LinkLog;
    #there: boolean;
    #told = false;
    #probing = false;
    #probedAt = -Infinity;

    /** @param prefix of the one key that is written to see whether Redis is back */
    constructor(redis: LimitsRedis, prefix: string, log: LinkLog) {
        this.redis = redis;
        this.#log = log;
        this.#probe = new RateLimiterRedis({ storeClient: redis, keyPrefix: prefix, points: 1, duration: 1 });
        this.#there = redis.status === 'ready';
    }

    /** True while it is worth asking. */
    isThere(): boolean {
        const { status } = this.redis;
        // A client that connects when it is first used waits for that.
        if (status !== 'ready' && status !== 'wait') {
            this.#there = false;
            this.#tellLost();
            return false;
        }
        if (!this.#there && !this.#probing && performance.now() >= this.#probedAt + PROBE_EVERY) {
            void this.#lookAgain();
        }
        return this.#there;
    }

    /** To be called when Redis was asked in vain. */
    lost(): void {
        if (this.#there) {
            this.#there = false;
            this.#probedAt = performance.now();
            this.#tellLost();
        }
    }

    async #lookAgain(): Promise<void> {
        this.#probing = true;
        this.#probedAt = performance.now();
        try {
            await this.#probe.penalty('probe');
            this.#there = true;
            if (this.#told) {
                this.#told = false;
                this.#log.back();
            }
        } catch {
            this.#tellLost();
        } finally {
            this.#probing = false;
        }
    }

    #tellLost(): void {
        if (!this.#told) {
            this.#told = true;
            this.#log.lost();
        }
    }
}
