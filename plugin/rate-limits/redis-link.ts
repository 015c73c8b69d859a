import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { LimitsRedis } from '../options/options';

/** How long a request waits for Redis, milliseconds. After one has waited in vain, the next ones do not wait. */
export const MAX_WAIT = 100;

/** How often the link checks whether Redis is back, milliseconds. */
const PROBE_INTERVAL = 1000;

/** The states of a client that has not been connected yet. */
const CONNECTING = new Set(['wait', 'connecting', 'connect']);

/** Called once for each change. */
export interface LinkLog {
    /** @param reason what the first failed request met */
    lost(reason: string): void;
    back(): void;
}

/**
 * Knows whether Redis responds. Once it does not, requests stop waiting for it until a probe, which runs beside them, has
 * written to it in time.
 */
export class RedisLink {
    readonly redis: LimitsRedis;
    readonly #probe: RateLimiterRedis;
    readonly #log: LinkLog;
    #reachable: boolean;
    #isLossLogged = false;
    #isProbing = false;
    #probedAt = -Infinity;

    /** @param prefix of the one key that the probe writes */
    constructor(redis: LimitsRedis, prefix: string, log: LinkLog) {
        this.redis = redis;
        this.#log = log;
        this.#probe = new RateLimiterRedis({ storeClient: redis, keyPrefix: prefix, points: 1, duration: 1 });
        this.#reachable = redis.status === 'ready';
    }

    /** True if a request may be sent to Redis. Starts a probe when one is due. */
    isReachable(): boolean {
        const { status } = this.redis;
        // A command to a client without a connection may stay pending for ever; one to a waiting client connects it.
        const canSend = status === 'ready' || status === 'wait';
        if (!canSend && (this.#reachable || !CONNECTING.has(status))) {
            this.#reachable = false;
            this.#logLoss(`the client is ${status}`);
        }
        const isDue = !this.#isProbing && performance.now() >= this.#probedAt + PROBE_INTERVAL;
        if (canSend && !this.#reachable && isDue) {
            void this.#runProbe();
        }
        return this.#reachable;
    }

    /** To be called when Redis has not responded to a request. */
    lost(reason: string): void {
        if (this.#reachable) {
            this.#reachable = false;
            this.#probedAt = performance.now();
            this.#logLoss(reason);
        }
    }

    async #runProbe(): Promise<void> {
        this.#isProbing = true;
        this.#probedAt = performance.now();
        try {
            // A write, because a Redis that responds may still refuse to count.
            await this.#probe.penalty('probe');
            // One that responds too late for a request counts as away.
            this.#reachable = performance.now() - this.#probedAt <= MAX_WAIT;
            if (this.#reachable && this.#isLossLogged) {
                this.#isLossLogged = false;
                this.#log.back();
            }
        } catch (error) {
            this.#logLoss((error as Error).message);
        } finally {
            this.#isProbing = false;
        }
    }

    #logLoss(reason: string): void {
        if (!this.#isLossLogged) {
            this.#isLossLogged = true;
            this.#log.lost(reason);
        }
    }
}
