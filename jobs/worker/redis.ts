import { createRequire } from 'node:module';
import type * as Bullmq from 'bullmq';
import type * as Ioredis from 'ioredis';
import type { Cluster, Redis, RedisOptions } from 'ioredis';

/**
 * ioredis options or an ioredis client. It does not refer to the types of ioredis, because a host without Redis, which has
 * not installed ioredis, reads these types too.
 */
export type RedisConnection =
    { host?: string; port?: number; [option: string]: unknown } | { duplicate(override?: object): unknown };

/** @throws Error if the package is not installed */
export function requireBullmq(): typeof Bullmq {
    return requireOptional<typeof Bullmq>('bullmq');
}

/** @throws Error if the package is not installed */
export function requireIoredis(): typeof Ioredis {
    return requireOptional<typeof Ioredis>('ioredis');
}

/** A connection for BullMQ. */
export interface Connection {
    redis: Redis;
    /** The prefix of BullMQ's keys. */
    prefix: string;
}

/** BullMQ's own default. */
const PREFIX = 'bull';

/**
 * What BullMQ cannot live with, whatever the host's client has: its commands wait until Redis is back, however long that
 * takes; it waits for jobs in one command for seconds; it makes its keys itself, and reads answers as they come.
 */
const REQUIRED = {
    maxRetriesPerRequest: null,
    commandTimeout: undefined,
    keyPrefix: '',
    enableOfflineQueue: true,
    stringNumbers: false,
    lazyConnect: false,
    readOnly: false
};

/** A primary that became a replica says READONLY until it is left. */
const reconnectOnError = ({ message }: Error): boolean => message.startsWith('READONLY');

/**
 * Connects to Redis for BullMQ. A `keyPrefix` of the host's becomes part of the prefix of BullMQ's keys.
 *
 * @param connection a Redis URL, ioredis options, or an ioredis client or cluster, which is duplicated
 * @param prefix of BullMQ's keys
 * @throws TypeError if there is no connection, RangeError for a prefix that Redis Cluster cannot use
 */
export function connectFor(connection: string | RedisConnection, prefix?: string): Connection {
    if (!connection) {
        throw new TypeError('"connection" must be a Redis URL, ioredis options or an ioredis client');
    }
    const { isCluster = false, options = {} } = connection as { isCluster?: boolean; options?: RedisOptions };
    const given =
        typeof connection === 'string' ? {} : 'duplicate' in connection ? options : (connection as RedisOptions);
    const used = prefix ?? (given.keyPrefix ?? '') + (isCluster ? `{${PREFIX}}` : PREFIX);
    if (isCluster && !/\{[^}]+\}/.test(used)) {
        throw new RangeError(`"prefix" must have a hash tag on Redis Cluster, such as {${used}}`);
    }
    return { redis: connect(connection), prefix: used };
}

function connect(connection: string | RedisConnection): Redis {
    // The first releases of ioredis 5 export the class as the default alone.
    const { default: Redis } = requireIoredis();
    if (typeof connection === 'string') {
        return new Redis(connection, { reconnectOnError, ...REQUIRED });
    }
    if ('duplicate' in connection) {
        const client = connection as Redis | Cluster;
        // A cluster keeps what its nodes have in an option of its own.
        return client.isCluster
            ? ((client as Cluster).duplicate([], {
                  keyPrefix: '',
                  enableOfflineQueue: true,
                  redisOptions: { ...(client as Cluster).options.redisOptions, ...(REQUIRED as RedisOptions) }
              }) as unknown as Redis)
            : (client as Redis).duplicate({
                  reconnectOnError: (client as Redis).options.reconnectOnError ?? reconnectOnError,
                  ...REQUIRED
              });
    }
    return new Redis({ reconnectOnError, ...(connection as RedisOptions), ...(REQUIRED as RedisOptions) });
}

/** Loads a package when a worker is started, because a host without Redis has not installed it. */
function requireOptional<Module>(name: 'bullmq' | 'ioredis'): Module {
    try {
        return createRequire(__filename)(name) as Module;
    } catch (error) {
        throw new Error(`startWorker needs the package ${name}: npm install bullmq ioredis`, { cause: error });
    }
}
