import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { deleteByIds, type CleanedTable } from '../../plugin/store/cleanup/rows';
import { Database } from '../../plugin/store/database';
import { DatabaseUnavailable } from '../../plugin/store/database-errors';
import { BATCH_SIZE, requireBatchSize, type SweepOptions } from './options';
import { Pace } from './pace';

/** After each batch a job rests for this share of the time that the batch took. */
const REST = 0.1;

/** How often a batch is tried while the database is unavailable. The pauses double from one second, two minutes in all. */
const ATTEMPTS = 8;

/** The result of a batch. */
export interface Batch {
    removed: number;
    /** False after the last batch. */
    more: boolean;
}

/** Rows that may be removed, by their ids. */
export interface Found {
    ids: readonly string[];
    /** False when all have been found. */
    more: boolean;
}

/** One run of a job: runs its batches, with rests in between, and repeats a batch when the database was unavailable. */
export class Cleanup {
    readonly database: Database;
    /** When the run began, epoch milliseconds. All of its decisions use this time. */
    readonly now: number;
    readonly dryRun: boolean;
    readonly #options: SweepOptions;
    #removed = 0;

    /** @throws RangeError if an option is not usable */
    constructor(dataSource: DataSource, options: SweepOptions = {}) {
        requireBatchSize(options.batchSize);
        this.database = new Database(dataSource);
        this.now = (options.clock ?? Date.now)();
        this.dryRun = options.dryRun ?? false;
        this.#options = options;
    }

    /** True once the run has been asked to stop. */
    get isStopped(): boolean {
        return this.#options.signal?.aborted ?? false;
    }

    /** A pace for one kind of batch. */
    pace(): Pace {
        return new Pace(this.#options.batchSize ?? BATCH_SIZE);
    }

    /**
     * Runs one batch and rests.
     *
     * @param work takes how many rows it may look at. It is called again if the database was unavailable
     */
    async batch<Result extends { removed: number }>(
        pace: Pace,
        work: (size: number) => Promise<Result>
    ): Promise<Result> {
        const began = performance.now();
        const result = await this.#persist(() => work(pace.size));
        const took = performance.now() - began;
        pace.adapt(took);
        this.#removed += result.removed;
        await this.#options.onProgress?.(this.#removed);
        await this.#pause(took * REST);
        return result;
    }

    /**
     * Runs batches until there are no more or the run has been asked to stop.
     *
     * @returns how many rows they removed
     */
    async run(work: (size: number) => Promise<Batch>, pace = this.pace()): Promise<number> {
        let total = 0;
        for (let more = true; more && !this.isStopped;) {
            const done = await this.batch(pace, work);
            total += done.removed;
            more = done.more;
        }
        return total;
    }

    /**
     * Removes the rows that `find` returns. It looks for the next rows while those before are being deleted, so they may
     * still be there.
     *
     * @param find takes how many rows it may look at. It is called again, with the same result, if it has thrown
     * @returns how many rows were removed
     */
    async removeFound(table: CleanedTable, find: (size: number) => Promise<Found>): Promise<number> {
        const pace = this.pace();
        let total = 0;
        let next: Promise<Found> | undefined = this.#persist(() => find(pace.size));
        try {
            while (next && !this.isStopped) {
                const { ids, more }: Found = await next;
                next = more && !this.isStopped ? this.#persist(() => find(pace.size)) : undefined;
                // A rejection is handled when it is awaited.
                next?.catch(() => undefined);
                total += (await this.batch(pace, async () => ({ removed: await this.delete(table, ids) }))).removed;
            }
        } finally {
            await next?.catch(() => undefined);
        }
        return total;
    }

    /**
     * Deletes rows by primary key; a dry run only counts them.
     *
     * @returns how many there were
     */
    async delete(table: CleanedTable, ids: readonly string[]): Promise<number> {
        return this.dryRun ? ids.length : deleteByIds(this.database, table, ids);
    }

    async #persist<Result>(batch: () => Promise<Result>): Promise<Result> {
        for (let attempts = 1; ; ++attempts) {
            try {
                return await batch();
            } catch (error) {
                if (!(error instanceof DatabaseUnavailable) || attempts === ATTEMPTS || this.isStopped) {
                    throw error;
                }
                await this.#pause(500 * 2 ** attempts);
            }
        }
    }

    async #pause(milliseconds: number): Promise<void> {
        try {
            await sleep(milliseconds, undefined, { signal: this.#options.signal });
        } catch {
            // Asked to stop. The loops check that themselves.
        }
    }
}
