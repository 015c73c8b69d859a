import type { DataSource } from 'typeorm';
import { within } from '../plugin/within';
import { JOB_NAMES, JOBS, runJob, type JobName, type JobOptions, type SweepReport } from './jobs';

/** Sweeps that run in the host's own process, for a forum that is one process and has no Redis. */
export interface InProcessSweeps {
    /** Ends the batch in hand, and the schedule. Takes at most five seconds, also while the database does not answer. */
    stop(): Promise<void>;
}

/** How long a stop waits for the batch in hand, milliseconds. */
const STOP_TIMEOUT = 5000;

/**
 * Starts the sweeps, one at a time: the first at once, then each on its schedule. One that takes longer than its
 * interval is not started again before it has ended.
 *
 * @param report told of each run and each failure; never throws
 */
export function startInProcess(
    dataSource: DataSource,
    options: JobOptions,
    report: { done(result: SweepReport): void; failed(job: JobName, error: unknown): void }
): InProcessSweeps {
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
        // Sweeps keep no process alive.
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
