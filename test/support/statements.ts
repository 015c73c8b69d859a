import type { DataSource, Logger, QueryRunner } from 'typeorm';
import type { Queries } from '../../plugin/store/database';

export interface Statement {
    sql: string;
    parameters: unknown[];
}

const ignore = (): void => undefined;

/** Keeps the statements that TypeORM sends. */
export class StatementRecorder implements Logger {
    #statements: Statement[] = [];
    logQueryError = ignore;
    logQuerySlow = ignore;
    logSchemaBuild = ignore;
    logMigration = ignore;
    log = ignore;

    logQuery(sql: string, parameters: unknown[] = []): void {
        this.#statements.push({ sql: sql.trim(), parameters });
    }

    /** The statements since this was called last. */
    take(): Statement[] {
        return this.#statements.splice(0);
    }

    /** The same as `take`, by their first words. */
    takeVerbs(): string[] {
        return this.take().map(({ sql }) => sql.split(/\s/, 1)[0]!);
    }
}

/** Records the statements of a data source from here on. */
export function recordStatements(dataSource: DataSource): StatementRecorder {
    const recorder = new StatementRecorder();
    dataSource.logger = recorder;
    return recorder;
}

/** What EXPLAIN says of one step. */
export interface PlanStep {
    select_type: string;
    table: string | null;
    type: string | null;
    key: string | null;
    rows: unknown;
    Extra: string | null;
}

/** The plan that the server has for a statement. */
export function explain(dataSource: DataSource, { sql, parameters }: Statement): Promise<PlanStep[]> {
    return dataSource.query<PlanStep[]>(`EXPLAIN ${sql}`, parameters);
}

/** Runs queries on one connection, and measures what each reads from tables and indexes. */
export class MeasuredQueries {
    #runner: QueryRunner;
    /** How many rows and index entries each query read, without those of sorted and temporary results. */
    reads: number[] = [];
    /** How many temporary tables each query wrote to disk. */
    diskTables: number[] = [];
    /** The plans of the queries, without those of derived tables. */
    plans: PlanStep[] = [];

    constructor(dataSource: DataSource) {
        this.#runner = dataSource.createQueryRunner();
    }

    get queries(): Queries {
        return { query: (sql: string, parameters: unknown[]) => this.#query(sql, parameters) } as Queries;
    }

    /** Forgets what was measured before. */
    reset(): void {
        this.reads = [];
        this.diskTables = [];
        this.plans = [];
    }

    /** Gives the connection back. */
    release(): Promise<void> {
        return this.#runner.release();
    }

    async #query(sql: string, parameters: unknown[]): Promise<unknown> {
        const plan = (await this.#runner.query(`EXPLAIN ${sql}`, [...parameters])) as PlanStep[];
        this.plans.push(...plan.filter(({ table }) => /^[a-z]$/.test(table ?? '')));
        await this.#runner.query('FLUSH STATUS');
        const rows = (await this.#runner.query(sql, [...parameters])) as unknown;
        const counters = await this.#status('Handler_read%');
        const [onDisk] = await this.#status('Created_tmp_disk_tables');
        this.diskTables.push(onDisk!.value);
        // Handler_read_rnd and _rnd_next are those of sorted and temporary results, as no table is scanned.
        const counted = counters.filter(({ name }) => !name.includes('_rnd'));
        this.reads.push(counted.reduce((sum, { value }) => sum + value, 0));
        return rows;
    }

    async #status(like: string): Promise<{ name: string; value: number }[]> {
        const rows = (await this.#runner.query(`SHOW SESSION STATUS LIKE '${like}'`)) as Record<string, string>[];
        return rows.map(({ Variable_name: name, Value: value }) => ({ name: name!, value: Number(value) }));
    }
}
