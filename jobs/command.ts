#!/usr/bin/env node
import { once } from 'node:events';
import { DataSource } from 'typeorm';
import { HELP, readSettings } from './command/arguments';
import type { Output } from './command/output';
import { connectionOf } from './command/redis-url';
import { createReporter } from './command/reporter';
import { stopSignal } from './command/stop-signal';
import { UsageError } from './command/usage-error';
import { JOB_NAMES, runJob, type JobOptions } from './jobs';
import { startWorker } from './worker';

/**
 * The command `forum-oauth-worker`.
 *
 * @returns the exit status
 * @throws UsageError if the arguments are not usable
 */
export async function main(args: string[], env: NodeJS.ProcessEnv, output: Output = process.stdout): Promise<number> {
    const settings = readSettings(args, env);
    if (settings === 'help') {
        output.write(HELP);
        return 0;
    }
    const signal = stopSignal();
    const dataSource = new DataSource(settings.database);
    await dataSource.initialize();
    try {
        if (settings.once) {
            await runOnce(dataSource, { ...settings.job, signal }, output);
            return 0;
        }
        const worker = startWorker({
            ...settings.job,
            dataSource,
            connection: connectionOf(settings.redis!),
            ...(settings.prefix !== undefined && { prefix: settings.prefix }),
            ...createReporter(dataSource, settings.job, output),
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

async function runOnce(dataSource: DataSource, options: JobOptions, output: Output): Promise<void> {
    const { onProgress, onSweep } = createReporter(dataSource, options, output);
    for (const job of JOB_NAMES) {
        onSweep(await runJob(job, dataSource, { ...options, onProgress: (removed) => onProgress(job, removed) }));
    }
}

if (require.main === module) {
    main(process.argv.slice(2), process.env).then(
        (status) => {
            process.exitCode = status;
        },
        (error: unknown) => {
            const isUsage = error instanceof UsageError;
            console.error(isUsage ? `${error.message}\n\n${HELP}` : `forum-oauth-worker: ${(error as Error).message}`);
            process.exitCode = isUsage ? 2 : 1;
        }
    );
}
