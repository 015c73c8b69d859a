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

/** Deadlock, lock wait timeout, and MariaDB's "record has changed since last read". */
const CONFLICTS = new Set([1213, 1205, 1020]);

/**
 * Server conditions that pass: no connection or memory to spare, shutting down, read-only, disk full, killed,
 * interrupted, timed out, no member of its cluster's majority (Galera, Group Replication), or behind a proxy that has none
 * to spare (ProxySQL).
 */
const PASSING = new Set([
    1021, 1030, 1036, 1037, 1040, 1041, 1047, 1053, 1077, 1079, 1114, 1129, 1135, 1152, 1158, 1159, 1160, 1161, 1180,
    1184, 1203, 1206, 1226, 1290, 1317, 1412, 1637, 1792, 1836, 1927, 1969, 2006, 2013, 3024, 3100, 3101, 3169, 4031,
    9001
]);

/**
 * A server that has done nothing because it cannot serve now: a Galera node that left the cluster, a primary that became
 * read-only, a proxy without a server. Another connection may lead to one that can.
 */
const REFUSED = new Set([1047, 1290, 1836, 9001]);

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

export function describe(error: unknown): DatabaseError {
    const cause = (error as DriverError).driverError ?? (error as DriverError);
    const code = typeof cause.code === 'string' ? cause.code : (error as Error).name;
    const message = typeof cause.message === 'string' ? cause.message : '';
    if (cause.errno === 1062 || message.startsWith('UNIQUE constraint failed')) {
        return new DuplicateKey(code);
    }
    return isUnavailable(error) ? new DatabaseUnavailable(code) : new DatabaseError(code);
}

/** True for an error after which nothing has happened, and which need not happen again. */
export function isWorthRepeating(error: unknown): boolean {
    const { errno } = (error as DriverError).driverError ?? (error as DriverError);
    return typeof errno === 'number' && (CONFLICTS.has(errno) || REFUSED.has(errno));
}

/** Mistakes in code, and what a transaction's work throws on purpose, must pass unchanged. */
export function isDriverError(error: unknown): boolean {
    return (
        error instanceof Error &&
        !(error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) &&
        !(error instanceof DatabaseError)
    );
}
