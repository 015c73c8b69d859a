import { createRequire } from 'node:module';
import type * as Bullmq from 'bullmq';
import type { Job, Queue, Worker } from 'bullmq';
import type * as Ioredis from 'ioredis';
import type { Redis, RedisOptions } from 'ioredis';
import type { DataSource } from 'typeorm';
import { within } from '../plugin/within';
import { JOB_NAMES, JOBS, runJob, type JobName, type JobOptions, type SweepReport } from './jobs';
import { requireBatchSize, requireRetention } from './cleanup';

/** The BullMQ queue of the sweeps. */
export const QUEUE = 'oauth-maintenance';

/**
 * ioredis options, or an ioredis client. Said in so few words because a host without Redis, which has not got ioredis,
 * reads these types too.
 */
export type RedisConnection =
    { host?: string; port?: number; [option: string]: unknown } | { duplicate(override?: object): unknown };

/** What `startWorker` takes. */
export interface WorkerOptions extends Omit<JobOptions, 'dryRun' | 'signal' | 'onProgress'> {
    /** Initialised; the plugin's entities are not needed in it. */
    dataSource: DataSource;
    /** A Redis URL, ioredis options, or an ioredis client, of which the worker takes a duplicate. */
    connection: string | RedisConnection;
    /** How often each job runs, seconds. Default: 60 and 3600. All workers of one Redis should agree. */
    every?: Partial<Record<JobName, number>>;
    /** The prefix of BullMQ's keys. Default: BullMQ's own. */
    prefix?: string;
    /** Told after each batch how many rows the run in hand has removed so far; the run waits for what it returns. */
    onProgress?: (job: JobName, removed: number) => void | Promise<void>;
    /** Told of each run that this worker has finished. */
    onSweep?: (report: SweepReport) => void;
    /** Told of a run that failed and of lost connections; the worker goes on by itself. */
    onError?: (error: Error) => void;
}

/** A running worker. */
export interface MaintenanceWorker {
    /**
     * Ends the batch in hand and leaves. What is left is the next run's. Takes at most fifteen seconds, whatever does not
     * answer.
     */
    close(): Promise<void>;
}

const SECOND = 1000;

/** A failed run is repeated after 1, 2, 4 and 8 seconds; after that the next one on the schedule takes over. */
const RETRIES = { attempts: 5, backoff: { type: 'exponential', delay: SECOND } };

/** What is kept in Redis for inspection. */
const KEPT = { removeOnComplete: { count: 50 }, removeOnFail: { count: 200 } };

/** How often, in seconds, a worker looks at least whether the schedules are still there. */
const LOOK = 60;

/** How long each step of an orderly end may take, milliseconds: what it waits for may go away in the middle of it. */
const CLOSE_TIMEOUT = 5 * SECOND;

/**
 * Starts a worker for the queue `oauth-maintenance` and sees to its schedules, of which there is one each however many
 * workers there are. Needs `bullmq` and `ioredis`, which a host without Redis does not install.
 *
 * @returns at once; while Redis is away the worker waits for it
 * @throws RangeError or TypeError when the options are not usable
 */
export function startWorker({
    dataSource,
    connection,
    every = {},
    prefix,
    onProgress,
    onSweep,
    onError = () => undefined,
    ...options
}: WorkerOptions): MaintenanceWorker {
    requireRetention(options.retention);
    requireBatchSize(options.batchSize);
    const intervals = JOB_NAMES.map((job) => [job, intervalOf(job, every[job])] as const);
    const bullmq = optional<typeof Bullmq>('bullmq');
    const redis = connect(connection);
    const shared = { connection: redis, ...(prefix !== undefined && { prefix }) };
    const stopping = new AbortController();
    const running = new Map<JobName, Promise<SweepReport>>();

    const queue: Queue = new bullmq.Queue(QUEUE, shared);
    const work = async (job: Job): Promise<SweepReport | null> => {
        const name = job.name as JobName;
        if (running.has(name)) {
            // Longer than its interval: the run in hand does this one's work, and the other job keeps its place.
            return null;
        }
        const record = recorder(job);
        const sweep = runJob(name, dataSource, {
            ...options,
            signal: stopping.signal,
            onProgress: (removed) => {
                record(removed);
                return onProgress?.(name, removed);
            }
        });
        running.set(name, sweep);
        try {
            const report = await sweep;
            onSweep?.(report);
            return report;
        } finally {
            running.delete(name);
        }
    };
    const worker: Worker = new bullmq.Worker(QUEUE, work, { ...shared, concurrency: JOB_NAMES.length });

    // A Redis that comes back empty has lost the schedules, so they are written at each connection.
    const schedule = (): void => {
        for (const [job, interval] of intervals) {
            const repeat = { every: interval * SECOND };
            queue.upsertJobScheduler(job, repeat, { name: job, opts: { ...RETRIES, ...KEPT } }).catch(onError);
        }
    };
    // One that is emptied keeps its connections.
    const look = async (): Promise<void> => {
        if (redis.status === 'ready' && (await queue.getJobSchedulersCount()) < intervals.length) {
            schedule();
        }
    };
    const shortest = Math.min(LOOK, ...intervals.map(([, interval]) => interval));
    const looking = setInterval(() => void look().catch(onError), shortest * SECOND).unref();
    redis.on('ready', schedule);
    redis.on('error', onError);
    queue.on('error', onError);
    worker.on('error', onError);
    worker.on('failed', (_job, error) => onError(error));

    return {
        close: async () => {
            stopping.abort();
            clearInterval(looking);
            redis.off('ready', schedule);
            // While the database does not answer, or Redis is away, an orderly close would wait for it without end.
            const isIdle = await within(CLOSE_TIMEOUT, Promise.allSettled(running.values()));
            const orderly = isIdle && redis.status === 'ready';
            await within(CLOSE_TIMEOUT, worker.close(!orderly));
            await within(CLOSE_TIMEOUT, queue.close());
            redis.disconnect();
        }
    };
}

/** How often a job runs, seconds. */
function intervalOf(job: JobName, interval: number = JOBS[job].every): number {
    if (!(Number.isFinite(interval) && interval > 0)) {
        throw new RangeError(`"every" of ${job} must be a number of seconds above 0, but got ${interval}`);
    }
    return interval;
}

/** Loaded when a worker is started: a host without Redis has not got them. */
function optional<Module>(name: 'bullmq' | 'ioredis'): Module {
    try {
        return createRequire(__filename)(name) as Module;
    } catch (error) {
        throw new Error(`startWorker needs the package ${name}: npm install bullmq ioredis`, { cause: error });
    }
}

function connect(connection: WorkerOptions['connection']): Redis {
    if (!connection) {
        throw new TypeError('"connection" must be a Redis URL, ioredis options or an ioredis client');
    }
    const { Redis } = optional<typeof Ioredis>('ioredis');
    // A worker's commands wait for Redis to come back, however long that takes.
    const patient = { maxRetriesPerRequest: null };
    if (typeof connection === 'string') {
        return new Redis(connection, patient);
    }
    if ('duplicate' in connection) {
        return (connection as Redis).duplicate(patient);
    }
    return new Redis({ ...(connection as RedisOptions), ...patient });
}

/** Tells BullMQ about once a second how far a run is. Not waited for: Redis may be away. */
function recorder(job: Job): (removed: number) => void {
    let told = 0;
    return (removed) => {
        const now = performance.now();
        if (now - told >= SECOND) {
            told = now;
            job.updateProgress({ removed }).catch(() => undefined);
        }
    };
}
