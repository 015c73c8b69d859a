import type { Lifecycle, Request } from '@hapi/hapi';
import type { Context } from '../context';
import { Tally } from '../rate-limits/tally';
import { clientAddress } from './client-address';
import { setHeaders } from './headers';

/** What the limits said about each request that is being handled. */
const tallies = new WeakMap<Request, Tally>();

/** Where the limits note what they say about a request. */
export function tallyOf(request: Request): Tally {
    const tally = tallies.get(request) ?? new Tally();
    tallies.set(request, tally);
    return tally;
}

/**
 * An `onPreResponse` that tells what the tightest limit leaves: `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds).
 *
 * @param otherwise the limit that a request is told of that no limit has counted
 */
export function rateHeaders(context: Context, otherwise?: 'clientAuthentication' | 'userCode'): Lifecycle.Method {
    return async (request, h) => {
        const tally = tallyOf(request);
        if (!tally.tightest && otherwise) {
            await context.limits.lookAt(otherwise, clientAddress(context, request), tally);
        }
        const { tightest } = tally;
        if (tightest) {
            setHeaders(request, {
                'x-ratelimit-limit': String(tightest.limit),
                'x-ratelimit-remaining': String(tightest.remaining),
                'x-ratelimit-reset': String(Math.max(1, Math.ceil(tightest.reset / 1000)))
            });
        }
        return h.continue;
    };
}
