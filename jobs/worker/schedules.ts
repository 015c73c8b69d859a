import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { JOB_NAMES, JOBS, type JobName } from '../jobs';

const SECOND = 1000;

/** A run that failed is repeated after 1, 2, 4 and 8 seconds, then at its next interval. */
const RETRIES = { attempts: 5, backoff: { type: 'exponential', delay: SECOND } };

/** How many finished jobs stay in Redis for inspection. */
const KEPT = { removeOnComplete: { count: 50 }, removeOnFail: { count: 200 } };

/** How often a worker checks at least that the schedules are still there, seconds. */
const CHECK = 60;

/** Each job and how often it runs, seconds. */
export type Intervals = readonly (readonly [JobName, number])[];

/**
 * Fills in the intervals that are not given.
 *
 * @throws RangeError if one is not usable
 */
export function readIntervals(every: Partial<Record<JobName, number>>): Intervals {
    return JOB_NAMES.map((job) => {
        const interval = every[job] ?? JOBS[job].every;
        if (!(Number.isFinite(interval) && interval > 0)) {
            throw new RangeError(`"every" of ${job} must be a number of seconds above 0, but got ${interval}`);
        }
        return [job, interval] as const;
    });
}

/**
 * Writes the schedules of all jobs to Redis, and again whenever Redis has lost them. BullMQ keeps one schedule for each job
 * however many workers write it.
 *
 * @returns `write`, for when something may be missing that cannot be seen, and `stop`
 */
export function keepSchedules(
    queue: Queue,
    redis: Redis,
    intervals: Intervals,
    onError: (error: Error) => void
): { write: () => void; stop: () => void } {
    const write = (): void => {
        for (const [job, interval] of intervals) {
            const repeat = { every: interval * SECOND };
            queue.upsertJobScheduler(job, repeat, { name: job, opts: { ...RETRIES, ...KEPT } }).catch(onError);
        }
    };
    const check = async (): Promise<void> => {
        if (redis.status === 'ready' && (await queue.getJobSchedulersCount()) < intervals.length) {
            write();
        }
    };
    // A Redis that restarts empty closes its connections; one that is emptied does not.
    redis.on('ready', write);
    const shortest = Math.min(CHECK, ...intervals.map(([, interval]) => interval));
    const timer = setInterval(() => void check().catch(onError), shortest * SECOND).unref();
    return {
        write,
        stop: () => {
            clearInterval(timer);
            redis.off('ready', write);
        }
    };
}
