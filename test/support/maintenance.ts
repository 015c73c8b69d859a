import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { startWorker, type MaintenanceWorker, type WorkerOptions } from '../../jobs';
import type { SweepReport } from '../../plugin';
import { redisUrl } from './servers';
import { unique } from './forum';

/** A worker of a test's own, and what it told. */
export class WatchedWorker {
    readonly reports: SweepReport[] = [];
    readonly errors: Error[] = [];
    readonly worker: MaintenanceWorker;

    constructor(options: Omit<WorkerOptions, 'connection'> & { connection?: WorkerOptions['connection'] }) {
        this.worker = startWorker({
            connection: redisUrl(),
            onSweep: (report) => this.reports.push(report),
            onError: (error) => this.errors.push(error),
            ...options
        });
    }

    /** The reports of one job. */
    of(job: SweepReport['job']): SweepReport[] {
        return this.reports.filter((report) => report.job === job);
    }

    close(): Promise<void> {
        return this.worker.close();
    }
}

/** Keys for BullMQ that no other test uses. */
export const keys = (): string => unique('test-');

/** A plain connection to Redis, to look at what BullMQ keeps there. */
export function openRedis(): Redis {
    const redis = new Redis(redisUrl(), { maxRetriesPerRequest: null });
    redis.on('error', () => undefined);
    return redis;
}

/** The workers' queue, to look at. Ends with its connection. */
export function openQueue(redis: Redis, prefix: string): Queue {
    const queue = new Queue('oauth-maintenance', { connection: redis, prefix });
    queue.on('error', () => undefined);
    return queue;
}

/** Waits until something has come true; the test's own timeout is the limit. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) {
        await sleep(10);
    }
}
