#!/usr/bin/env node
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { DataSource } from 'typeorm';
import { countOldTokens, measureBacklog } from './backlog';
import { JOB_NAMES, runJob, type JobName, type JobOptions, type SweepReport } from './jobs';
import { startWorker } from './worker';

const HELP = `Usage: forum-oauth-worker [options]

Removes expired codes and dead refresh chains of hapi-forum-oauth: as a BullMQ worker until it is
told to stop, or once.

  --database-url URL   MySQL or MariaDB, mysql://user:password@host/database   (DATABASE_URL)
  --redis-url URL      redis://host:port, not needed with --once               (REDIS_URL)
  --retention SECONDS  how long dead refresh chains are kept, default 604800
  --batch-size ROWS    rows that one statement removes at most, default 2000
  --once               run every job once and leave, for cron
  --dry-run            count once what would be removed, and remove nothing
  --help               show this

Exit status: 0 done or stopped by SIGTERM or SIGINT, 1 a job failed, 2 unusable arguments.
`;

/** The arguments are not usable; the message says why, but not with what password. */
class UsageError extends Error {
    constructor(message: string) {
        super(message.replace(/:\/\/\S*@/g, '://…@'));
    }
}

interface Settings {
    databaseUrl: string;
    redisUrl: string | undefined;
    once: boolean;
    job: JobOptions;
}

function readSettings(args: string[], env: NodeJS.ProcessEnv): Settings | 'help' {
    const { values } = parse(args);
    if (values.help) {
        return 'help';
    }
    const databaseUrl = values['database-url'] ?? env.DATABASE_URL;
    const redisUrl = values['redis-url'] ?? env.REDIS_URL;
    const dryRun = values['dry-run'] ?? false;
    const once = dryRun || (values.once ?? false);
    if (databaseUrl === undefined || !URL.canParse(databaseUrl)) {
        throw new UsageError(
            'Give a database by --database-url or DATABASE_URL, as mysql://user:password@host/database'
        );
    }
    if (!once && (redisUrl === undefined || !URL.canParse(redisUrl))) {
        throw new UsageError('Give a Redis by --redis-url or REDIS_URL, as redis://host:port, or run --once');
    }
    const retention = wholeNumber('--retention', values.retention, 0);
    const batchSize = wholeNumber('--batch-size', values['batch-size'], 1);
    return {
        databaseUrl,
        redisUrl,
        once,
        job: { dryRun, ...(retention !== undefined && { retention }), ...(batchSize !== undefined && { batchSize }) }
    };
}

function parse(args: string[]) {
    try {
        return parseArgs({
            args,
            options: {
                'database-url': { type: 'string' },
                'redis-url': { type: 'string' },
                retention: { type: 'string' },
                'batch-size': { type: 'string' },
                once: { type: 'boolean' },
                'dry-run': { type: 'boolean' },
                help: { type: 'boolean' }
            }
        });
    } catch (error) {
        throw new UsageError((error as Error).message);
    }
}

function wholeNumber(name: string, text: string | undefined, least: number): number | undefined {
    if (text === undefined) {
        return undefined;
    }
    if (!/^\d{1,9}$/.test(text) || Number(text) < least) {
        throw new UsageError(`${name} must be a whole number from ${least}, but got ${text}`);
    }
    return Number(text);
}

/** Where the command tells what it does: JSON lines, on a terminal sentences. */
type Output = Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;

const CLEAR_LINE = '\r\u001b[K';

function tell(output: Output, event: SweepReport): void {
    const { job, duration_ms: duration, counts } = event;
    const removed = Object.entries(counts).map(([kind, count]) => `${count} ${kind.replaceAll('_', ' ')}`);
    const sentence = `${CLEAR_LINE}${job}: ${removed.join(', ')} in ${(duration / 1000).toFixed(1)} s`;
    output.write(`${output.isTTY ? sentence : JSON.stringify(event)}\n`);
}

/** How often a run that goes on is told of, milliseconds: by a line that is written over, elsewhere by a JSON line. */
const INTERVAL = { terminal: 200, elsewhere: 10_000 };

/** About how many rows a job has to remove. */
async function countWaiting(job: JobName, dataSource: DataSource, options: JobOptions): Promise<number> {
    if (job === 'prune-refresh-chains') {
        return countOldTokens(dataSource, options);
    }
    const codes = Object.entries(await measureBacklog(dataSource, options)).filter(
        ([table]) => table !== 'oauth_refresh_tokens'
    );
    return codes.reduce((sum, [, { rows }]) => sum + rows, 0);
}

/**
 * Tells how far the runs of a job are. What there is to remove is counted when a run is told of for the first time:
 * most are over before.
 */
class Progress {
    #began = 0;
    #told = 0;
    #removed = Infinity;
    /** What there was to remove when the run began. */
    #waiting: number | undefined;

    constructor(
        readonly job: JobName,
        readonly output: Output,
        readonly count: () => Promise<number>,
        readonly dryRun: boolean
    ) {}

    /** To be called after each batch with what the run has removed so far; less than before means that it is another. */
    async tell(removed: number): Promise<void> {
        const now = performance.now();
        if (removed < this.#removed) {
            this.#began = this.#told = now;
            this.#waiting = undefined;
        }
        this.#removed = removed;
        if (now - this.#told < (this.output.isTTY ? INTERVAL.terminal : INTERVAL.elsewhere)) {
            return;
        }
        this.#told = now;
        this.#waiting ??= (await this.count()) + (this.dryRun ? 0 : removed);
        const rate = Math.round(removed / ((now - this.#began) / 1000));
        const remaining = Math.max(0, this.#waiting - removed);
        this.output.write(
            this.output.isTTY
                ? `${CLEAR_LINE}${this.job}: ${removed} removed, ${rate}/s, ${remaining} remaining`
                : `${JSON.stringify({ job: this.job, progress: { removed, rate, remaining } })}\n`
        );
    }

    /** To be called when a run has ended. */
    end(): void {
        this.#removed = Infinity;
    }
}

/** Tells of runs in hand and of runs that have ended. */
function reporter(dataSource: DataSource, options: JobOptions, output: Output) {
    const all = new Map(
        JOB_NAMES.map((job) => {
            const count = () => countWaiting(job, dataSource, options);
            return [job, new Progress(job, output, count, options.dryRun ?? false)];
        })
    );
    return {
        onProgress: (job: JobName, removed: number) => all.get(job)!.tell(removed),
        onSweep: (report: SweepReport) => {
            all.get(report.job)!.end();
            tell(output, report);
        }
    };
}

async function runOnce(dataSource: DataSource, options: JobOptions, output: Output): Promise<void> {
    const { onProgress, onSweep } = reporter(dataSource, options, output);
    for (const job of JOB_NAMES) {
        onSweep(await runJob(job, dataSource, { ...options, onProgress: (removed) => onProgress(job, removed) }));
    }
}

/** When a process that was asked to end does so whatever it waits for, milliseconds. */
const STOP_TIMEOUT = 20_000;

/** Aborted when the process is asked to end. */
function stopSignal(): AbortSignal {
    const stopping = new AbortController();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        // Heard again and again: npx hands on a signal that the service manager has sent to both.
        process.on(signal, () => {
            stopping.abort();
            // A database that does not answer would keep its connections, and so this process, without end.
            setTimeout(() => process.exit(0), STOP_TIMEOUT).unref();
        });
    }
    return stopping.signal;
}

/**
 * The command `forum-oauth-worker`.
 *
 * @returns the exit status
 */
export async function main(args: string[], env: NodeJS.ProcessEnv, output: Output = process.stdout): Promise<number> {
    const settings = readSettings(args, env);
    if (settings === 'help') {
        output.write(HELP);
        return 0;
    }
    const signal = stopSignal();
    const dataSource = new DataSource({ type: 'mysql', url: settings.databaseUrl });
    await dataSource.initialize();
    try {
        if (settings.once) {
            await runOnce(dataSource, { ...settings.job, signal }, output);
            return 0;
        }
        const worker = startWorker({
            ...settings.job,
            dataSource,
            connection: settings.redisUrl!,
            ...reporter(dataSource, settings.job, output),
            onError: (error) => console.error(JSON.stringify({ error: error.message }))
        });
        if (!signal.aborted) {
            await once(signal, 'abort');
        }
        await worker.close();
        return 0;
    } finally {
        await dataSource.destroy();
    }
}

if (require.main === module) {
    main(process.argv.slice(2), process.env).then(
        (status) => {
            process.exitCode = status;
        },
        (error: unknown) => {
            const usage = error instanceof UsageError;
            console.error(usage ? `${error.message}\n\n${HELP}` : `forum-oauth-worker: ${(error as Error).message}`);
            process.exitCode = usage ? 2 : 1;
        }
    );
}
