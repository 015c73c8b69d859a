import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { LimitsRedis } from '../options/options';

/** How long a request waits for Redis, milliseconds. After one has waited in vain the next ones do not. */
export const PATIENCE = 100;

/** How often it is looked whether Redis is back, milliseconds. */
const PROBE_EVERY = 1000;

/** What a client is before it is first connected, too. */
const CONNECTING = new Set(['wait', 'connecting', 'connect']);

/** Told once for each change. */
export interface LinkLog {
    /** @param reason of the first one that asked in vain */
    lost(reason: string): void;
    back(): void;
}

/**
 * Whether Redis answers. Once it has not, nothing waits for it any more, until something that was written beside the
 * requests has arrived in time.
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
        // What is asked of a client without a connection may stay pending for ever; one that waits connects by it.
        const reachable = status === 'ready' || status === 'wait';
        if (!reachable && (this.#there || !CONNECTING.has(status))) {
            this.#there = false;
            this.#tellLost(`the client is ${status}`);
        }
        if (reachable && !this.#there && !this.#probing && performance.now() >= this.#probedAt + PROBE_EVERY) {
            void this.#lookAgain();
        }
        return this.#there;
    }

    /** To be called when Redis was asked in vain. */
    lost(reason: string): void {
        if (this.#there) {
            this.#there = false;
            this.#probedAt = performance.now();
            this.#tellLost(reason);
        }
    }

    async #lookAgain(): Promise<void> {
        this.#probing = true;
        this.#probedAt = performance.now();
        try {
            // Written, not only read: a Redis may be there and refuse to count.
            await this.#probe.penalty('probe');
            // One that answers too late for a request is as good as none.
            this.#there = performance.now() - this.#probedAt <= PATIENCE;
            if (this.#there && this.#told) {
                this.#told = false;
                this.#log.back();
            }
        } catch (error) {
            this.#tellLost((error as Error).message);
        } finally {
            this.#probing = false;
        }
    }

    #tellLost(reason: string): void {
        if (!this.#told) {
            this.#told = true;
            this.#log.lost(reason);
        }
    }
}
