import type { Queue, Worker } from 'bullmq';
import type { DataSource } from 'typeorm';
import { within } from '../plugin/within';
import { requireBatchSize, requireHistory, requireRetention, requireUnusedFor } from './cleanup/options';
import { JOB_NAMES, type JobName, type JobOptions, type SweepReport } from './jobs';
import { backOff } from './worker/back-off';
import { Processor } from './worker/processor';
import { connectFor, requireBullmq, type RedisConnection } from './worker/redis';
import { sayOnce } from './worker/say-once';
import { keepSchedules, readIntervals } from './worker/schedules';

/** The BullMQ queue of the jobs. */
export const QUEUE = 'oauth-maintenance';

/** What `startWorker` takes. */
export interface WorkerOptions extends Omit<JobOptions, 'dryRun' | 'signal' | 'onProgress'> {
    /** Initialised. It does not need the plugin's entities. */
    dataSource: DataSource;
    /** A Redis URL, ioredis options, or an ioredis client, which the worker duplicates. */
    connection: string | RedisConnection;
    /** How often each job runs, seconds. Default: 60 and 3600. All workers of one Redis should use the same. */
    every?: Partial<Record<JobName, number>>;
    /** The prefix of BullMQ's keys. Default: BullMQ's own, with a hash tag on Redis Cluster. */
    prefix?: string;
    /** Called after each batch with the number of rows that the current run has removed; the run waits for the result. */
    onProgress?: (job: JobName, removed: number) => void | Promise<void>;
    /** Called after each run that this worker has finished. */
    onSweep?: (report: SweepReport) => void;
    /**
     * Called when a run fails, and once for each message while Redis cannot be used. The worker continues by itself. Default:
     * a warning of the process.
     */
    onError?: (error: Error) => void;
}

/** A running worker. */
export interface MaintenanceWorker {
    /**
     * Stops after the current batch; the next run removes the rest. Takes at most fifteen seconds, even if the database or
     * Redis does not answer.
     */
    close(): Promise<void>;
}

function warn({ message }: Error): void {
    process.emitWarning(`${QUEUE}: ${message}`);
}

/** How long each step of closing may take, milliseconds. */
const CLOSE_TIMEOUT = 5000;

/**
 * Starts a worker for the queue `oauth-maintenance` and writes the schedules of its jobs: one each, however many workers
 * there are. Needs the packages `bullmq` and `ioredis`.
 *
 * @returns at once; while Redis is away the worker waits for it
 * @throws RangeError or TypeError if an option is not usable
 */
export function startWorker({
    dataSource,
    connection,
    every = {},
    prefix,
    onProgress,
    onSweep,
    onError = warn,
    ...options
}: WorkerOptions): MaintenanceWorker {
    requireRetention(options.retention);
    requireHistory(options.history);
    requireBatchSize(options.batchSize);
    requireUnusedFor(options.unusedFor);
    const intervals = readIntervals(every);
    const bullmq = requireBullmq();
    const { redis, prefix: used } = connectFor(connection, prefix);
    const shared = { connection: redis, prefix: used };
    const stopping = new AbortController();

    const processor = new Processor(dataSource, { ...options, signal: stopping.signal }, { onProgress, onSweep });
    const queue: Queue = new bullmq.Queue(QUEUE, shared);
    const worker: Worker = new bullmq.Worker(QUEUE, (job) => processor.process(job), {
        ...shared,
        concurrency: JOB_NAMES.length
    });
    const { say, forget } = sayOnce(onError);
    const schedules = keepSchedules(queue, redis, intervals, say);
    // What Redis refused may have been the next run of a job.
    const stopBackingOff = backOff(worker, schedules.write);
    redis.on('error', say);
    queue.on('error', say);
    worker.on('error', say);
    worker.on('completed', forget);
    worker.on('failed', (_job, error) => onError(error));

    return {
        close: async () => {
            stopping.abort();
            schedules.stop();
            stopBackingOff();
            // BullMQ would wait for ever for a database that does not answer or a Redis that is away.
            const isIdle = await within(CLOSE_TIMEOUT, processor.idle());
            const isOrderly = isIdle && redis.status === 'ready';
            await within(CLOSE_TIMEOUT, worker.close(!isOrderly));
            await within(CLOSE_TIMEOUT, queue.close());
            redis.disconnect();
        }
    };
}
