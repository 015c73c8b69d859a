/** What every job takes. */
export interface SweepOptions {
    /** The current time, epoch milliseconds. Default: `Date.now`. */
    clock?: () => number;
    /** How many rows one statement removes at most. Default: 2000. */
    batchSize?: number;
    /** Count what would be removed and remove nothing. */
    dryRun?: boolean;
    /** Stops the job after the current batch. The next run removes the rest. */
    signal?: AbortSignal;
    /** Called after each batch with the number of rows that this run has removed so far. */
    onProgress?: (removed: number) => void | Promise<void>;
}

export const BATCH_SIZE = 2000;

/** How long refresh tokens that are not needed any more are kept by default, seconds: seven days. */
export const RETENTION = 7 * 24 * 60 * 60;

/** How many superseded tokens a live family keeps by default, beside its head and the head's predecessor. */
export const HISTORY = 10;

const MAX_HISTORY = 100;

/** @throws RangeError, because a job would not end without a batch size, and no statement takes a fraction */
export function requireBatchSize(batchSize: number | undefined): void {
    if (batchSize !== undefined && !(Number.isSafeInteger(batchSize) && batchSize >= 1)) {
        throw new RangeError(`"batchSize" must be a whole number from 1, but got ${batchSize}`);
    }
}

/** @throws RangeError, because clients would be removed while they are being set up */
export function requireUnusedFor(unusedFor: number | undefined): void {
    if (unusedFor !== undefined && !(Number.isFinite(unusedFor) && unusedFor >= 3600)) {
        throw new RangeError(`"unusedFor" must be a number of seconds from 3600, but got ${unusedFor}`);
    }
}

/** @throws RangeError, because a negative retention would remove tokens that are still valid */
export function requireRetention(retention: number | undefined): void {
    if (retention !== undefined && !(Number.isFinite(retention) && retention >= 0)) {
        throw new RangeError(`"retention" must be a number of seconds from 0, but got ${retention}`);
    }
}

/** @throws RangeError, because each token of a live family takes room in the table and time in lists */
export function requireHistory(history: number | undefined): void {
    if (history !== undefined && !(Number.isSafeInteger(history) && history >= 0 && history <= MAX_HISTORY)) {
        throw new RangeError(`"history" must be a whole number from 0 to ${MAX_HISTORY}, but got ${history}`);
    }
}
