import type {
    DataSource,
    DataSourceOptions,
    EntityManager,
    EntityTarget,
    ObjectLiteral,
    QueryRunner,
    Repository
} from 'typeorm';

/** A query failed. Carries the driver's code only: its message and parameters hold what was to be stored. */
export class DatabaseError extends Error {
    constructor(readonly code: string) {
        super(`The database refused a query (${code})`);
        this.name = 'DatabaseError';
    }
}

/** The database cannot be reached, is shutting down or has no connection to spare: the same request may work later. */
export class DatabaseUnavailable extends DatabaseError {
    override name = 'DatabaseUnavailable';
}

/** A unique index has such a row already. */
export class DuplicateKey extends DatabaseError {
    override name = 'DuplicateKey';
}

/** How often a statement or transaction that met a deadlock is run in all. */
const ATTEMPTS = 5;

/** Deadlock, lock wait timeout, and MariaDB's "record has changed since last read". */
const CONFLICTS = new Set([1213, 1205, 1020]);

/**
 * Server conditions that pass: no connection or memory to spare, shutting down, read-only, disk full, killed,
 * interrupted, timed out.
 */
const PASSING = new Set([
    1021, 1037, 1040, 1041, 1053, 1077, 1079, 1114, 1129, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1226, 1290, 1317,
    1836, 1927, 1969, 2006, 2013, 3024, 3169, 4031
]);

const UNREACHABLE =
    /^(PROTOCOL_|POOL_|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST|ENET|EADDRNOTAVAIL|ENOENT|EMFILE)/;

/** mysql2 and TypeORM give these no code. */
const UNREACHABLE_MESSAGE =
    /queue limit reached|pool is closed|closed state|connection lost|no connections available|not connected|not (yet )?established|database closed|is not set|already released/i;

interface DriverError {
    code?: unknown;
    errno?: unknown;
    fatal?: unknown;
    message?: unknown;
    driverError?: DriverError;
}

/** True when an error, of this module or of a driver, says that the database is out of reach for now. */
export function isUnavailable(error: unknown): boolean {
    if (error instanceof DatabaseUnavailable) {
        return true;
    }
    if (!(error instanceof Error)) {
        return false;
    }
    const cause: DriverError = (error as DriverError).driverError ?? error;
    return (
        (typeof cause.errno === 'number' && (PASSING.has(cause.errno) || CONFLICTS.has(cause.errno))) ||
        (typeof cause.code === 'string' && UNREACHABLE.test(cause.code)) ||
        cause.fatal === true ||
        (cause.code === undefined && typeof cause.message === 'string' && UNREACHABLE_MESSAGE.test(cause.message))
    );
}

function describe(error: unknown): DatabaseError {
    const cause = (error as DriverError).driverError ?? (error as DriverError);
    const code = typeof cause.code === 'string' ? cause.code : (error as Error).name;
    const message = typeof cause.message === 'string' ? cause.message : '';
    if (cause.errno === 1062 || message.startsWith('UNIQUE constraint failed')) {
        return new DuplicateKey(code);
    }
    return isUnavailable(error) ? new DatabaseUnavailable(code) : new DatabaseError(code);
}

function isConflict(error: unknown): boolean {
    const { errno } = (error as DriverError).driverError ?? (error as DriverError);
    return typeof errno === 'number' && CONFLICTS.has(errno);
}

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
 * True where statements can be prepared. A host's own cast reads text, and would misread what a prepared one answers;
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
 * embedded database one thing is done after the other, so that nobody's statement ends up in somebody else's
 * transaction.
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

/** Mistakes in code, and what a transaction's work throws on purpose, must pass unchanged. */
function isDriverError(error: unknown): boolean {
    return (
        error instanceof Error &&
        !(error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) &&
        !(error instanceof DatabaseError)
    );
}
