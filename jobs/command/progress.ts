import type { JobName } from '../jobs';
import { CLEAR_LINE, type Output } from './output';

/** How often progress is shown, milliseconds: on a terminal in a line that is written over, elsewhere as a JSON line. */
const INTERVAL = { terminal: 200, elsewhere: 10_000 };

/** Shows how far the runs of a job are. */
export class Progress {
    #began = 0;
    #shownAt = 0;
    #removed = Infinity;
    /** How many rows there were to remove when the run began. */
    #total: number | undefined;

    /** @param estimate counts the rows to remove. It is called only for a run that takes long enough to be shown */
    constructor(
        readonly job: JobName,
        readonly output: Output,
        readonly estimate: () => Promise<number>,
        readonly dryRun: boolean
    ) {}

    /**
     * To be called after each batch.
     *
     * @param removed how many rows the run has removed; fewer than before mean that a new run has begun
     */
    async update(removed: number): Promise<void> {
        const now = performance.now();
        if (removed < this.#removed) {
            this.#began = this.#shownAt = now;
            this.#total = undefined;
        }
        this.#removed = removed;
        if (now - this.#shownAt < (this.output.isTTY ? INTERVAL.terminal : INTERVAL.elsewhere)) {
            return;
        }
        this.#shownAt = now;
        this.#total ??= (await this.estimate()) + (this.dryRun ? 0 : removed);
        const rate = Math.round(removed / ((now - this.#began) / 1000));
        const remaining = Math.max(0, this.#total - removed);
        this.output.write(
            this.output.isTTY
                ? `${CLEAR_LINE}${this.job}: ${removed} removed, ${rate}/s, ${remaining} remaining`
                : `${JSON.stringify({ job: this.job, progress: { removed, rate, remaining } })}\n`
        );
    }

    /** To be called when a run has finished. */
    end(): void {
        this.#removed = Infinity;
    }
}
