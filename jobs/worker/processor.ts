import type { Job } from 'bullmq';
import type { DataSource } from 'typeorm';
import { runJob, type JobName, type JobOptions, type SweepReport } from '../jobs';

/** How often BullMQ is told of a run's progress at most, milliseconds. */
const PROGRESS_INTERVAL = 1000;

/** What the host wants to know of runs. */
interface Listeners {
    onProgress?: (job: JobName, removed: number) => void | Promise<void>;
    onSweep?: (report: SweepReport) => void;
}

/** Runs the jobs that a worker takes from the queue. */
export class Processor {
    readonly #running = new Map<JobName, Promise<SweepReport>>();

    constructor(
        private readonly dataSource: DataSource,
        private readonly options: JobOptions,
        private readonly listeners: Listeners
    ) {}

    /**
     * Runs one job.
     *
     * @returns null if a run of the same job takes longer than its interval: that run does the work of this one too
     */
    async process(job: Job): Promise<SweepReport | null> {
        const name = job.name as JobName;
        if (this.#running.has(name)) {
            return null;
        }
        const record = recordProgress(job);
        const run = runJob(name, this.dataSource, {
            ...this.options,
            onProgress: (removed) => {
                record(removed);
                return this.listeners.onProgress?.(name, removed);
            }
        });
        this.#running.set(name, run);
        try {
            const report = await run;
            this.listeners.onSweep?.(report);
            return report;
        } finally {
            this.#running.delete(name);
        }
    }

    /** Waits for the current runs, whether or not they fail. */
    async idle(): Promise<void> {
        await Promise.allSettled(this.#running.values());
    }
}

/** Tells BullMQ how far a run is. The result is not awaited, because Redis may be away. */
function recordProgress(job: Job): (removed: number) => void {
    let recordedAt = 0;
    return (removed) => {
        const now = performance.now();
        if (now - recordedAt >= PROGRESS_INTERVAL) {
            recordedAt = now;
            job.updateProgress({ removed }).catch(() => undefined);
        }
    };
}
