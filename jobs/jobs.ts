import type { DataSource } from 'typeorm';
import type { SweepOptions } from './cleanup/options';
import { expireDeviceCodes, type ExpiredCounts } from './expire-device-codes';
import { pruneRefreshChains, type PrunedCounts } from './prune-refresh-chains';
import { removeUnused, type UnusedCounts } from './remove-unused';

/** The options of any job. */
export type JobOptions = SweepOptions & {
    /** How long refresh tokens that are not needed any more are kept, seconds. Default: seven days. */
    retention?: number;
    /** How many superseded refresh tokens a live family keeps, 0 to 100. Default: 10. */
    history?: number;
    /** How long clients that registered themselves are kept without being used, seconds. Default: seven days. */
    unusedFor?: number;
};

/** Every job by its name, and how often it runs by default, seconds. */
export const JOBS = {
    'expire-device-codes': { every: 60, run: expireDeviceCodes },
    'prune-refresh-chains': { every: 3600, run: pruneRefreshChains },
    'remove-unused': { every: 3600, run: removeUnused }
} as const;

export type JobName = keyof typeof JOBS;

export const JOB_NAMES = Object.keys(JOBS) as JobName[];

/** What one run of a job did. */
export interface SweepReport {
    job: JobName;
    /** RFC 3339. */
    started_at: string;
    duration_ms: number;
    /** How many rows were removed, by kind. */
    counts: ExpiredCounts | PrunedCounts | UnusedCounts;
}

/** Runs a job once. */
export async function runJob(job: JobName, dataSource: DataSource, options: JobOptions): Promise<SweepReport> {
    const startedAt = new Date((options.clock ?? Date.now)()).toISOString();
    const began = performance.now();
    const counts = await JOBS[job].run(dataSource, options);
    return { job, started_at: startedAt, duration_ms: Math.round(performance.now() - began), counts };
}
