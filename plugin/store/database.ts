import type {
    DataSource,
    DataSourceOptions,
    EntityManager,
    EntityTarget,
    ObjectLiteral,
    QueryRunner,
    Repository
} from 'typeorm';
import { DatabaseError, describe, isConflict, isDriverError } from './database-errors';

/** How often a statement or transaction that met a deadlock is run in all. */
const ATTEMPTS = 5;

/** What statements can be run on: the pool, or the one connection of a transaction. */
export interface Queries {
    /** The rows of a SELECT. */
    query<Row>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
    /** How many rows an INSERT, UPDATE or DELETE concerned. */
    execute(sql: string, parameters?: readonly unknown[]): Promise<number>;
    /** Inserts one row. */
    insert<Entity extends ObjectLiteral>(entity: EntityTarget<Entity>, row: Entity): Promise<void>;
}

/** Why a server runs a statement that it would not prepare, or has forgotten to have prepared. */
const UNPREPARED = new Set([
    'ER_MAX_PREPARED_STMT_COUNT_REACHED',
    'ER_NEED_REPREPARE',
    'ER_UNKNOWN_STMT_HANDLER',
    'ER_UNSUPPORTED_PS'
]);

/**
 * True where statements can be prepared. A host's own cast reads text, and would misread the result of a prepared one;
 * a limit on their time is TypeORM's to set.
 */
function canPrepare(options: DataSourceOptions): boolean {
    return (
        (options.type === 'mysql' || options.type === 'mariadb') &&
        typeof (options.extra as { typeCast?: unknown } | undefined)?.typeCast !== 'function' &&
        !options.enableQueryTimeout
    );
}

/** What is used of mysql2's connections. */
interface PreparingConnection {
    execute(sql: string, parameters: unknown[], done: (error: Error | null, result: unknown) => void): void;
}

/** What runs on each embedded database, whose callers all share one connection. */
const queues = new WeakMap<DataSource, Promise<unknown>>();

/**
 * The host's DataSource, with every failure turned into one of the errors above and short conflicts retried. On the
 * embedded database one thing is done after the other, so that no caller's statement ends up in the
 * transaction of another.
 */
export class Database implements Queries {
    readonly #dataSource: DataSource;
    readonly #embedded: boolean;
    readonly #preparing: boolean;

    constructor(dataSource: DataSource) {
        this.#dataSource = dataSource;
        this.#embedded = dataSource.options.type === 'sqljs';
        this.#preparing = canPrepare(dataSource.options);
    }

    query<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
        return this.#run(() => this.#dataSource.query<Row[]>(sql, [...parameters]));
    }

    execute(sql: string, parameters: readonly unknown[] = []): Promise<number> {
        return this.#run(async () => {
            const runner = this.#dataSource.createQueryRunner();
            try {
                return await affected(runner, sql, parameters);
            } finally {
                await runner.release();
            }
        });
    }

    /** As `query`, for one of the few statements that a busy forum runs all the time. */
    async queryPrepared<Row>(sql: string, parameters: readonly unknown[]): Promise<Row[]> {
        return (await this.#prepared<Row[]>(sql, parameters)) ?? this.query<Row>(sql, parameters);
    }

    /** As `execute`, for one of the few statements that a busy forum runs all the time. */
    async executePrepared(sql: string, parameters: readonly unknown[]): Promise<number> {
        const result = await this.#prepared<{ affectedRows: number }>(sql, parameters);
        return result ? result.affectedRows : this.execute(sql, parameters);
    }

    insert<Entity extends ObjectLiteral>(entity: EntityTarget<Entity>, row: Entity): Promise<void> {
        return this.with(entity, async (repository) => {
            await repository.insert(row);
        });
    }

    /** Runs one repository call, as one autocommitted statement. */
    with<Entity extends ObjectLiteral, Result>(
        entity: EntityTarget<Entity>,
        call: (repository: Repository<Entity>) => Promise<Result>
    ): Promise<Result> {
        return this.#run(() => call(this.#dataSource.getRepository(entity)));
    }

    /** Runs `work` in a transaction, again from its start when it met a deadlock. */
    transaction<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result> {
        return this.#run(() => this.#dataSource.transaction((manager) => work(new Transaction(manager))));
    }

    /**
     * The server parses such a statement once for each connection, which TypeORM has no way to ask for: the driver's
     * connection is asked itself. Half of what a short statement costs on both sides is saved.
     *
     * @returns null where it cannot be prepared, and has not been run
     */
    async #prepared<Result>(sql: string, parameters: readonly unknown[]): Promise<Result | null> {
        if (!this.#preparing) {
            return null;
        }
        try {
            return await this.#run(() => this.#prepare<Result>(sql, parameters));
        } catch (error) {
            if (error instanceof DatabaseError && UNPREPARED.has(error.code)) {
                return null;
            }
            throw error;
        }
    }

    async #prepare<Result>(sql: string, parameters: readonly unknown[]): Promise<Result> {
        const { logger } = this.#dataSource;
        const runner = this.#dataSource.createQueryRunner();
        try {
            const connection = (await runner.connect()) as PreparingConnection;
            logger.logQuery(sql, [...parameters], runner);
            return await new Promise<Result>((resolve, reject) =>
                connection.execute(sql, [...parameters], (error, result) => {
                    if (error) {
                        logger.logQueryError(error, sql, [...parameters], runner);
                        reject(error);
                    } else {
                        resolve(result as Result);
                    }
                })
            );
        } finally {
            await runner.release();
        }
    }

    #run<Result>(statement: () => Promise<Result>): Promise<Result> {
        if (!this.#embedded) {
            return attempt(statement);
        }
        const result = (queues.get(this.#dataSource) ?? Promise.resolve()).then(() => attempt(statement));
        queues.set(
            this.#dataSource,
            result.catch(() => undefined)
        );
        return result;
    }
}

/** The statements of one transaction. Failures pass as they are, so that the transaction can be retried as a whole. */
class Transaction implements Queries {
    constructor(private readonly manager: EntityManager) {}

    query<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
        return this.manager.query<Row[]>(sql, [...parameters]);
    }

    execute(sql: string, parameters: readonly unknown[] = []): Promise<number> {
        return affected(this.manager.queryRunner!, sql, parameters);
    }

    async insert<Entity extends ObjectLiteral>(entity: EntityTarget<Entity>, row: Entity): Promise<void> {
        await this.manager.getRepository(entity).insert(row);
    }
}

async function affected(runner: QueryRunner, sql: string, parameters: readonly unknown[]): Promise<number> {
    const result = await runner.query(sql, [...parameters], true);
    return result.affected ?? 0;
}

async function attempt<Result>(statement: () => Promise<Result>): Promise<Result> {
    for (let attempts = 1; ; ++attempts) {
        try {
            return await statement();
        } catch (error) {
            if (!isDriverError(error)) {
                throw error;
            }
            if (!isConflict(error) || attempts === ATTEMPTS) {
                throw describe(error);
            }
            await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * attempts));
        }
    }
}
