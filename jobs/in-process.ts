import type { DataSource } from 'typeorm';
import { within } from '../plugin/within';
import { JOB_NAMES, JOBS, runJob, type JobName, type JobOptions, type SweepReport } from './jobs';

/** Jobs that run in the host's own process, for a forum that is a single process and has no Redis. */
export interface InProcessJobs {
    /** Stops after the current batch, within five seconds even if the database does not answer. */
    stop(): Promise<void>;
}

/** How long `stop` waits for the current batch, milliseconds. */
const STOP_TIMEOUT = 5000;

/**
 * Starts the jobs: each one at once and then at its interval, one at a time. A job that takes longer than its interval is
 * not started again before it has finished.
 *
 * @param report is told of each run and each failure, and never throws
 */
export function startInProcess(
    dataSource: DataSource,
    options: JobOptions,
    report: { done(result: SweepReport): void; failed(job: JobName, error: unknown): void }
): InProcessJobs {
    const stopping = new AbortController();
    const waiting = new Set<JobName>();
    let running: Promise<void> = Promise.resolve();

    const enqueue = (job: JobName): void => {
        if (waiting.has(job) || stopping.signal.aborted) {
            return;
        }
        waiting.add(job);
        running = running.then(async () => {
            try {
                if (!stopping.signal.aborted) {
                    report.done(await runJob(job, dataSource, { ...options, signal: stopping.signal }));
                }
            } catch (error) {
                report.failed(job, error);
            } finally {
                waiting.delete(job);
            }
        });
    };

    const timers = JOB_NAMES.map((job) => {
        enqueue(job);
        // Jobs do not keep the process alive.
        return setInterval(() => enqueue(job), JOBS[job].every * 1000).unref();
    });
    return {
        stop: async () => {
            stopping.abort();
            timers.forEach((timer) => clearInterval(timer));
            await within(STOP_TIMEOUT, running);
        }
    };
}
