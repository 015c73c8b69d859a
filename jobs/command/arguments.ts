import { parseArgs } from 'node:util';
import type { JobOptions } from '../jobs';
import { readDatabaseUrl, type DatabaseSettings } from './database-url';
import { readRedisUrl, type RedisSettings } from './redis-url';
import { UsageError } from './usage-error';

export const HELP = `Usage: forum-oauth-worker [options]

Removes expired codes and refresh tokens of hapi-forum-oauth that are no longer needed. Runs as a
BullMQ worker until it is stopped, or once.

  --database-url URL   MySQL or MariaDB, mysql://user:password@host/database   (DATABASE_URL)
                       ?ssl=true for TLS, ?ssl-ca=FILE for an authority of your own
  --redis-url URL      redis://user:password@host:port/database,               (REDIS_URL)
                       redis+sentinel://host:port,host:port/name/database or
                       redis+cluster://host:port,host:port; rediss for TLS;
                       not needed with --once
  --prefix TEXT        of the keys in Redis, default bull, on a cluster {bull}
  --retention SECONDS  how long unneeded refresh tokens are kept, default 604800
  --history TOKENS     how many used tokens a live sign-in keeps, 0 to 100, default 10
  --batch-size ROWS    how many rows one statement removes at most, default 2000
  --once               run every job once and exit, for cron
  --dry-run            count once what would be removed, and remove nothing
  --help               show this help

Exit status: 0 done, or stopped by SIGTERM or SIGINT; 1 a job failed; 2 unusable arguments.
`;

/** What the command is to do. */
export interface Settings {
    database: DatabaseSettings;
    /** Undefined only with `once`. */
    redis: RedisSettings | undefined;
    /** Of the keys in Redis. */
    prefix: string | undefined;
    once: boolean;
    job: JobOptions;
}

/**
 * Reads the arguments, and the environment for what they leave out.
 *
 * @throws UsageError
 */
export function readSettings(args: string[], env: NodeJS.ProcessEnv): Settings | 'help' {
    const { values } = parse(args);
    if (values.help) {
        return 'help';
    }
    const databaseUrl = values['database-url'] ?? env.DATABASE_URL;
    const dryRun = values['dry-run'] ?? false;
    const once = dryRun || (values.once ?? false);
    const database = readDatabaseUrl(databaseUrl);
    const redis = once ? undefined : readRedisUrl(values['redis-url'] ?? env.REDIS_URL);
    const retention = wholeNumber('--retention', values.retention, 0);
    const history = wholeNumber('--history', values.history, 0, 100);
    const batchSize = wholeNumber('--batch-size', values['batch-size'], 1);
    return {
        database,
        redis,
        prefix: values.prefix,
        once,
        job: {
            dryRun,
            ...(retention !== undefined && { retention }),
            ...(history !== undefined && { history }),
            ...(batchSize !== undefined && { batchSize })
        }
    };
}

function parse(args: string[]) {
    try {
        const parsed = parseArgs({
            args,
            allowPositionals: true,
            options: {
                'database-url': { type: 'string' },
                'redis-url': { type: 'string' },
                prefix: { type: 'string' },
                retention: { type: 'string' },
                history: { type: 'string' },
                'batch-size': { type: 'string' },
                once: { type: 'boolean' },
                'dry-run': { type: 'boolean' },
                help: { type: 'boolean' }
            }
        });
        if (parsed.positionals.length > 0) {
            // Not repeated: it may be a URL with a password.
            throw new UsageError('An argument has no name: write --database-url before the URL of the database');
        }
        return parsed;
    } catch (error) {
        throw error instanceof UsageError ? error : new UsageError((error as Error).message);
    }
}

function wholeNumber(
    name: string,
    text: string | undefined,
    least: number,
    most = Number.MAX_SAFE_INTEGER
): number | undefined {
    if (text === undefined) {
        return undefined;
    }
    if (!/^\d{1,9}$/.test(text) || Number(text) < least || Number(text) > most) {
        const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
        throw new UsageError(`${name} must be a whole number ${range}, but got ${text}`);
    }
    return Number(text);
}
