import type {
    DataSource,
    DataSourceOptions,
    EntityManager,
    EntityTarget,
    ObjectLiteral,
    QueryRunner,
    Repository
} from 'typeorm';
import { DatabaseError, describe, isDriverError, isWorthRepeating } from './database-errors';

/** How often a statement or transaction that met a conflict is run in all. */
const ATTEMPTS = 5;

/** After so long, milliseconds, what failed is not run again: time-outs of the database would add up. */
const PATIENCE = 2000;

/** On Galera, makes a statement wait until the node has what the others have confirmed. Each `wsrep_sync_wait` is included. */
const AFTER_CLUSTER = 'SET STATEMENT wsrep_sync_wait = 7 FOR ';

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
    #prefix = '';

    constructor(dataSource: DataSource) {
        this.#dataSource = dataSource;
        this.#embedded = dataSource.options.type === 'sqljs';
        this.#preparing = canPrepare(dataSource.options);
    }

    /**
     * Reads what is certainly committed. A proxy may send a plain SELECT to a replica that is behind; a locking one goes to
     * the primary and sees the newest rows at every isolation level. It waits for those who write them, so it is for what a
     * plain read has not found.
     */
    get sure(): Queries {
        return this.#embedded ? this : new LockingReads(this);
    }

    /** From now on, statements wait for what other nodes of the cluster have confirmed. */
    followCluster(): void {
        this.#prefix = AFTER_CLUSTER;
    }

    query<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
        return this.#run(() => this.#dataSource.query<Row[]>(this.#prefix + sql, [...parameters]));
    }

    execute(sql: string, parameters: readonly unknown[] = []): Promise<number> {
        return this.#run(async () => {
            const runner = this.#dataSource.createQueryRunner();
            try {
                return await affected(runner, this.#prefix + sql, parameters);
            } finally {
                await runner.release();
            }
        });
    }

    /** As `query`, for one of the few statements that a busy forum runs all the time. */
    async queryPrepared<Row>(sql: string, parameters: readonly unknown[]): Promise<Row[]> {
        return (await this.#prepared<Row[]>(this.#prefix + sql, parameters)) ?? this.query<Row>(sql, parameters);
    }

    /** As `execute`, for one of the few statements that a busy forum runs all the time. */
    async executePrepared(sql: string, parameters: readonly unknown[]): Promise<number> {
        const result = await this.#prepared<{ affectedRows: number }>(this.#prefix + sql, parameters);
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

    /** Runs `work` in a transaction, again from its start when it met a conflict. */
    transaction<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result> {
        return this.#run(() => this.#dataSource.transaction((manager) => work(new Transaction(manager, this.#prefix))));
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
    constructor(
        private readonly manager: EntityManager,
        private readonly prefix: string
    ) {}

    query<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
        return this.manager.query<Row[]>(this.prefix + sql, [...parameters]);
    }

    execute(sql: string, parameters: readonly unknown[] = []): Promise<number> {
        return affected(this.manager.queryRunner!, this.prefix + sql, parameters);
    }

    async insert<Entity extends ObjectLiteral>(entity: EntityTarget<Entity>, row: Entity): Promise<void> {
        await this.manager.getRepository(entity).insert(row);
    }
}

/** SELECTs of one row or a few, by unique keys. */
class LockingReads implements Queries {
    constructor(private readonly database: Database) {}

    query<Row>(sql: string, parameters?: readonly unknown[]): Promise<Row[]> {
        return this.database.query<Row>(`${sql} FOR UPDATE`, parameters);
    }

    execute(sql: string, parameters?: readonly unknown[]): Promise<number> {
        return this.database.execute(sql, parameters);
    }

    insert<Entity extends ObjectLiteral>(entity: EntityTarget<Entity>, row: Entity): Promise<void> {
        return this.database.insert(entity, row);
    }
}

/**
 * Looks a row up, and where there is none, once more by a locking read: a read that is behind must not make somebody lose
 * what was just stored.
 */
export async function findSurely<Found>(
    database: Database,
    find: (queries: Queries) => Promise<Found | null>
): Promise<Found | null> {
    return (await find(database)) ?? find(database.sure);
}

async function affected(runner: QueryRunner, sql: string, parameters: readonly unknown[]): Promise<number> {
    const result = await runner.query(sql, [...parameters], true);
    return result.affected ?? 0;
}

async function attempt<Result>(statement: () => Promise<Result>): Promise<Result> {
    const deadline = Date.now() + PATIENCE;
    for (let attempts = 1; ; ++attempts) {
        try {
            return await statement();
        } catch (error) {
            if (!isDriverError(error)) {
                throw error;
            }
            if (!isWorthRepeating(error) || attempts === ATTEMPTS || Date.now() > deadline) {
                throw describe(error);
            }
            await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * attempts));
        }
    }
}
