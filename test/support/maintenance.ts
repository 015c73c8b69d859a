import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { startWorker, type MaintenanceWorker, type WorkerOptions } from '../../jobs';
import type { SweepReport } from '../../plugin';
import { redisUrl } from './servers';
import { unique } from './forum';

/** A worker that records its reports and errors. */
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

/** A connection to Redis for reading what BullMQ keeps there. */
export function openRedis(): Redis {
    const redis = new Redis(redisUrl(), { maxRetriesPerRequest: null });
    redis.on('error', () => undefined);
    return redis;
}

/** The workers' queue, for reading. It closes with its connection. */
export function openQueue(redis: Redis, prefix: string): Queue {
    const queue = new Queue('oauth-maintenance', { connection: redis, prefix });
    queue.on('error', () => undefined);
    return queue;
}

/** Waits until a condition is true, until the test's own timeout at most. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) {
        await sleep(10);
    }
}
