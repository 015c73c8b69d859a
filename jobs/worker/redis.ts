import { createRequire } from 'node:module';
import type * as Bullmq from 'bullmq';
import type * as Ioredis from 'ioredis';
import type { Redis, RedisOptions } from 'ioredis';

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

/**
 * Connects to Redis.
 *
 * @param connection a Redis URL, ioredis options, or an ioredis client, which is duplicated
 * @throws TypeError if there is no connection
 */
export function connect(connection: string | RedisConnection): Redis {
    if (!connection) {
        throw new TypeError('"connection" must be a Redis URL, ioredis options or an ioredis client');
    }
    // The first releases of ioredis 5 export the class as the default alone.
    const { default: Redis } = requireOptional<typeof Ioredis>('ioredis');
    // The worker's commands wait until Redis is back, however long that takes.
    const patient = { maxRetriesPerRequest: null };
    if (typeof connection === 'string') {
        return new Redis(connection, patient);
    }
    if ('duplicate' in connection) {
        return (connection as Redis).duplicate(patient);
    }
    return new Redis({ ...(connection as RedisOptions), ...patient });
}

/** Loads a package when a worker is started, because a host without Redis has not installed it. */
function requireOptional<Module>(name: 'bullmq' | 'ioredis'): Module {
    try {
        return createRequire(__filename)(name) as Module;
    } catch (error) {
        throw new Error(`startWorker needs the package ${name}: npm install bullmq ioredis`, { cause: error });
    }
}
