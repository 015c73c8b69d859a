import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { Database, type Queries } from '../plugin/store/database';
import { DatabaseUnavailable } from '../plugin/store/database-errors';

/** What every sweep takes. */
export interface SweepOptions {
    /** The current time, epoch milliseconds. Default: `Date.now`. */
    clock?: () => number;
    /** Rows that one statement removes at most. Default 2000. */
    batchSize?: number;
    /** Count what would be removed, and remove nothing. */
    dryRun?: boolean;
    /** Ends the sweep after the batch in hand. What is left is the next run's. */
    signal?: AbortSignal;
    /** Called after each batch with the rows that this sweep has removed so far. */
    onProgress?: (removed: number) => void | Promise<void>;
}

const BATCH_SIZE = 2000;
const FIRST_BATCH = 200;
const SMALLEST_BATCH = 20;

/** What a batch should take, milliseconds: short enough that a request never waits for it. */
const TARGET = 20;

/** Between batches a sweep rests for this share of the time that the last one took. */
const REST = 0.1;

/** How often a batch is tried while the database is away, with pauses that double from one second: about two minutes. */
const ATTEMPTS = 8;

/** @throws RangeError with none a sweep would go on without end, with a fraction no statement would be one */
export function requireBatchSize(batchSize: number | undefined): void {
    if (batchSize !== undefined && !(Number.isSafeInteger(batchSize) && batchSize >= 1)) {
        throw new RangeError(`"batchSize" must be a whole number from 1, but got ${batchSize}`);
    }
}

/** @throws RangeError kept for less than no time, tokens would go that are still good */
export function requireRetention(retention: number | undefined): void {
    if (retention !== undefined && !(Number.isFinite(retention) && retention >= 0)) {
        throw new RangeError(`"retention" must be a number of seconds from 0, but got ${retention}`);
    }
}

/** How many rows batches of one kind look at: as many as make them take about as long as they should. */
export class Pace {
    readonly #largest: number;
    #size: number;

    constructor(largest: number) {
        this.#largest = largest;
        this.#size = Math.min(FIRST_BATCH, largest);
    }

    get size(): number {
        return this.#size;
    }

    /** @param took milliseconds, of the last batch */
    adapt(took: number): void {
        const factor = Math.min(2, Math.max(0.25, TARGET / Math.max(took, 1)));
        const smallest = Math.min(SMALLEST_BATCH, this.#largest);
        this.#size = Math.min(this.#largest, Math.max(smallest, Math.round(this.#size * factor)));
    }
}

/** Rows that may go, by their ids. */
interface Found {
    ids: readonly string[];
    /** False when all have been found. */
    more: boolean;
}

/**
 * Runs the batches of one sweep: sized so that each takes about as long as it should on this database, with a rest in
 * between, and again when the database was away.
 */
export class Cleanup {
    readonly database: Database;
    /** When the sweep began, epoch milliseconds: it decides by this time to its end. */
    readonly now: number;
    readonly dryRun: boolean;
    readonly #options: SweepOptions;
    #removed = 0;

    /** @throws RangeError when the options are not usable */
    constructor(dataSource: DataSource, options: SweepOptions = {}) {
        requireBatchSize(options.batchSize);
        this.database = new Database(dataSource);
        this.now = (options.clock ?? Date.now)();
        this.dryRun = options.dryRun ?? false;
        this.#options = options;
    }

    /** True when the sweep has been asked to end. */
    get isStopped(): boolean {
        return this.#options.signal?.aborted ?? false;
    }

    /** The pace of one kind of batch. */
    pace(): Pace {
        return new Pace(this.#options.batchSize ?? BATCH_SIZE);
    }

    /**
     * Runs one batch, from its start again when the database was away, and rests.
     *
     * @param work takes how many rows it may look at; its `removed` counts for the progress
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
     * Runs batches until there is no more, or the sweep has been asked to stop.
     *
     * @returns how many rows they removed
     */
    async run(
        work: (size: number) => Promise<{ removed: number; more: boolean }>,
        pace = this.pace()
    ): Promise<number> {
        let total = 0;
        for (let more = true; more && !this.isStopped;) {
            const done = await this.batch(pace, work);
            total += done.removed;
            more = done.more;
        }
        return total;
    }

    /**
     * Removes rows of a table that are found in an order of their own, the next while those before them are going.
     *
     * @param find takes how many rows it may look at, and gives the ids of those that may go. When it is called the rows
     * that it gave before may not be gone yet; called again after it has thrown, it does the same once more
     * @returns how many rows were removed
     */
    async removeFound(table: string, find: (size: number) => Promise<Found>): Promise<number> {
        const pace = this.pace();
        let total = 0;
        let next: Promise<Found> | undefined = this.#persist(() => find(pace.size));
        try {
            while (next && !this.isStopped) {
                const { ids, more }: Found = await next;
                next = more && !this.isStopped ? this.#persist(() => find(pace.size)) : undefined;
                // Heard of when its turn comes.
                next?.catch(() => undefined);
                total += (await this.batch(pace, async () => ({ removed: await this.delete(table, ids) }))).removed;
            }
        } finally {
            await next?.catch(() => undefined);
        }
        return total;
    }

    /** Deletes rows by primary key, or where it is a dry run only counts them. */
    async delete(table: string, ids: readonly string[]): Promise<number> {
        return this.dryRun ? ids.length : deleteById(this.database, table, ids);
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
            // Asked to stop: the loops look for themselves.
        }
    }
}

async function deleteById(queries: Queries, table: string, ids: readonly string[]): Promise<number> {
    if (ids.length === 0) {
        return 0;
    }
    return queries.execute(`DELETE FROM ${table} WHERE id IN (${placeholders(ids)})`, ids);
}

export function placeholders(values: readonly unknown[]): string {
    return values.map(() => '?').join(', ');
}

interface Candidate {
    id: string;
    swept_at: number | string;
}

/**
 * Removes the rows of a table whose time has passed, oldest first.
 *
 * @param column an indexed time, before which nothing is needed any more: `(column, id)` is the index
 * @param before epoch milliseconds
 */
export function removeOlder(
    sweep: Cleanup,
    { table, column, before }: { table: string; column: string; before: number }
): Promise<number> {
    let at = -1;
    let id = '';
    return sweep.run(async (size) => {
        const rows = await sweep.database.query<Candidate>(
            `SELECT id, ${column} AS swept_at FROM ${table}
            WHERE ${column} < ? AND (${column} > ? OR (${column} = ? AND id > ?)) ORDER BY ${column}, id LIMIT ${size}`,
            [before, at, at, id]
        );
        const removed = await sweep.delete(
            table,
            rows.map((row) => row.id)
        );
        const last = rows.at(-1);
        if (last) {
            at = Number(last.swept_at);
            id = last.id;
        }
        return { removed, more: rows.length === size };
    });
}

/** The last id of the next rows of a table in the order of their ids; undefined at its end. */
export async function nextIds(
    sweep: Cleanup,
    { table, after, size }: { table: string; after: string; size: number }
): Promise<string | undefined> {
    const [row] = await sweep.database.query<{ id: string | null }>(
        `SELECT MAX(id) AS id FROM (SELECT id FROM ${table} WHERE id > ? ORDER BY id LIMIT ${size}) walked`,
        [after]
    );
    return row?.id ?? undefined;
}
