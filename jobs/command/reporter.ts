import type { DataSource } from 'typeorm';
import { estimateRemovals } from '../backlog';
import { JOB_NAMES, type JobName, type JobOptions, type SweepReport } from '../jobs';
import { writeReport, type Output } from './output';
import { Progress } from './progress';

/** Called in the course of every run. */
export interface Reporter {
    onProgress: (job: JobName, removed: number) => Promise<void>;
    onSweep: (report: SweepReport) => void;
}

/** Writes the progress of current runs and the reports of finished ones. */
export function createReporter(dataSource: DataSource, options: JobOptions, output: Output): Reporter {
    const progress = new Map(
        JOB_NAMES.map((job) => {
            const estimate = (): Promise<number> => estimateRemovals(job, dataSource, options);
            return [job, new Progress(job, output, estimate, options.dryRun ?? false)];
        })
    );
    return {
        onProgress: (job, removed) => progress.get(job)!.update(removed),
        onSweep: (report) => {
            progress.get(report.job)!.end();
            writeReport(output, report);
        }
    };
}
