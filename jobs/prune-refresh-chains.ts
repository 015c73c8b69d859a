import type { DataSource } from 'typeorm';
import { Cleanup } from './cleanup/cleanup';
import { HISTORY, requireHistory, requireRetention, RETENTION, type SweepOptions } from './cleanup/options';
import { eraseSuccessors } from './refresh-tokens/erase-successors';
import { pruneFamilies } from './refresh-tokens/prune-families';
import { removeDeletedClients } from './refresh-tokens/remove-deleted-clients';
import { removeOldTokens } from './refresh-tokens/remove-old-tokens';

/** How many rows a run of `prune-refresh-token families` removed. */
export interface PrunedCounts {
    refresh_tokens: number;
    grants: number;
    clients: number;
    /** Encrypted successors that were erased because they can no longer be handed out. */
    seals: number;
}

/**
 * Removes the token families that have been revoked or expired for longer than `retention`, with their grants, then the
 * superseded tokens that active families do not need, and deleted clients that no row names any more. Erases encrypted
 * successors that can no longer be handed out.
 *
 * An active family keeps its head, the head's predecessor, tokens whose retry window is open, and at most `history` more
 * that are no older than `retention`. Unless a family was revoked, it always loses its oldest tokens first: a token
 * without a successor would count as the head.
 *
 * @param retention seconds
 * @param history 0 to 100
 */
export async function pruneRefreshChains(
    dataSource: DataSource,
    {
        retention = RETENTION,
        history = HISTORY,
        ...options
    }: SweepOptions & { retention?: number; history?: number } = {}
): Promise<PrunedCounts> {
    requireRetention(retention);
    requireHistory(history);
    const cleanup = new Cleanup(dataSource, options);
    const cutoff = cleanup.now - retention * 1000;
    const seals = await eraseSuccessors(cleanup);
    const old = await removeOldTokens(cleanup, cutoff);
    const { tokens, grants } = await pruneFamilies(cleanup, { cutoff, history });
    const clients = await removeDeletedClients(cleanup, cutoff);
    return { refresh_tokens: old + tokens, grants, clients, seals };
}
