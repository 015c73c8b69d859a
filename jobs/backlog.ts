import type { DataSource } from 'typeorm';
import { countOldTokens, findDueRows, findDueTokens, type Due } from '../plugin/store/cleanup/backlog';
import { Database } from '../plugin/store/database';
import { RETENTION } from './cleanup/options';
import { GRACE } from './expire-device-codes';
import type { JobName } from './jobs';

/** What the jobs have to remove from one table. */
export interface Backlog {
    /** How many rows the next run would remove, among the 100,000 oldest. */
    rows: number;
    /** For how long the first of them has been due, seconds; 0 if there is none. */
    oldest: number;
}

/** Whose rows `expire-device-codes` removes. */
const CODES = ['oauth_device_authorizations', 'oauth_authorization_requests', 'oauth_authorization_codes'] as const;

/** The options of a measurement. */
export interface BacklogOptions {
    /** How long refresh tokens that are not needed any more are kept, seconds. Default: seven days. */
    retention?: number;
    /** The current time, epoch milliseconds. Default: `Date.now`. */
    clock?: () => number;
}

/**
 * Measures what the jobs have to remove, for a metric.
 *
 * @returns by table
 */
export async function measureBacklog(
    dataSource: DataSource,
    { retention = RETENTION, clock = Date.now }: BacklogOptions = {}
): Promise<Record<string, Backlog>> {
    const database = new Database(dataSource);
    const now = clock();
    const kept = retention * 1000;
    return {
        ...(await measureCodes(database, now)),
        oauth_refresh_tokens: backlogOf(await findDueTokens(database, kept, now), now - kept)
    };
}

/** Estimates how many rows a run of a job removes, for its progress. */
export async function estimateRemovals(
    job: JobName,
    dataSource: DataSource,
    { retention = RETENTION, clock = Date.now }: BacklogOptions
): Promise<number> {
    const database = new Database(dataSource);
    if (job === 'prune-refresh-chains') {
        return countOldTokens(database, clock() - retention * 1000);
    }
    const codes = Object.values(await measureCodes(database, clock()));
    return codes.reduce((sum, { rows }) => sum + rows, 0);
}

async function measureCodes(database: Database, now: number): Promise<Record<string, Backlog>> {
    const before = now - GRACE - 1;
    const backlog: Record<string, Backlog> = {};
    for (const table of CODES) {
        backlog[table] = backlogOf(await findDueRows(database, table, before), before);
    }
    return backlog;
}

function backlogOf({ count, since }: Due, before: number): Backlog {
    return { rows: count, oldest: since === null ? 0 : Math.round((before - since) / 1000) };
}
