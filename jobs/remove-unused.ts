import type { DataSource } from 'typeorm';
import { findUnusedClients, noteIdleClients, removeUnusedClient } from '../plugin/store/self-made-clients';
import { Cleanup } from './cleanup/cleanup';
import { requireUnusedFor, type SweepOptions } from './cleanup/options';
import { removeOlder } from './cleanup/remove-older';

const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;

/** How long a registered client that was never used is kept by default, seconds. */
const UNUSED_FOR = 7 * 24 * 60 * 60;

/** How long a registered client is kept after its last grant, milliseconds. */
const IDLE_FOR = 90 * DAY;

/** How long a personal access key is still listed after it has expired, milliseconds: its owner can see why a script fails. */
const EXPIRED_FOR = 7 * DAY;

/** How many clients one batch removes at most: each takes a statement. */
const BATCH = 100;

/** How many rows a run of `remove-unused` removed. */
export interface UnusedCounts {
    registered_clients: number;
    /** Personal access keys that have expired. */
    access_keys: number;
}

/**
 * Removes clients that registered themselves and that nobody needs: never used for `unusedFor`, or without a grant for 90 days.
 * Verified and suspended ones stay. Removes personal access keys a week after they expired.
 *
 * @param unusedFor seconds, default seven days
 */
export async function removeUnused(
    dataSource: DataSource,
    { unusedFor = UNUSED_FOR, ...options }: SweepOptions & { unusedFor?: number } = {}
): Promise<UnusedCounts> {
    requireUnusedFor(unusedFor);
    const cleanup = new Cleanup(dataSource, options);
    const { database, dryRun, now } = cleanup;
    if (!dryRun) {
        await cleanup.batch(cleanup.pace(), async () => {
            await noteIdleClients(database, now);
            return { removed: 0 };
        });
    }
    const limits = { neverUsed: now - unusedFor * SECOND, idle: now - IDLE_FOR };
    const registered = await cleanup.run(async (size) => {
        const limit = dryRun ? 10_000 : Math.min(size, BATCH);
        const unused = await findUnusedClients(database, { ...limits, limit });
        if (dryRun) {
            return { removed: unused.length, more: false };
        }
        let removed = 0;
        for (const each of unused) {
            removed += (await removeUnusedClient(database, each, now)) ? 1 : 0;
        }
        return { removed, more: unused.length === limit };
    });
    const keys = await removeOlder(cleanup, {
        table: 'oauth_access_keys',
        column: 'expires_at',
        before: now - EXPIRED_FOR
    });
    return { registered_clients: registered, access_keys: keys };
}
