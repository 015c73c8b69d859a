import {
    findGrantsWithoutTokens,
    findPlacedTokens,
    type PrunableFamily
} from '../../plugin/store/cleanup/token-families';
import type { Cleanup } from '../cleanup/cleanup';
import type { Pace } from '../cleanup/pace';
import { rangesOf, takeRanges } from './token-ranges';

/** Removes all tokens of families that were revoked or expired long ago. A batch takes the tokens of many small ones. */
export function removeInactiveTokens(
    cleanup: Cleanup,
    pace: Pace,
    families: readonly PrunableFamily[]
): Promise<number> {
    const left = rangesOf(families);
    return cleanup.run(async (size) => {
        const taken = takeRanges(left, size);
        const tokens = await findPlacedTokens(cleanup.database, taken, size);
        const removed = await cleanup.delete(
            'oauth_refresh_tokens',
            tokens.map(({ id }) => id)
        );
        // A full batch may have ended in the middle of a family.
        const last = tokens.length === size ? tokens.at(-1) : undefined;
        const finished = last ? taken.findIndex(({ grantId }) => grantId === last.grantId) : taken.length;
        left.splice(0, finished);
        if (last) {
            left[0]!.from = last.generation + 1;
        }
        return { removed, more: left.length > 0 };
    }, pace);
}

/** Removes the grants of these families, once their tokens are gone. */
export async function removeGrants(cleanup: Cleanup, pace: Pace, families: readonly PrunableFamily[]): Promise<number> {
    if (families.length === 0 || cleanup.isStopped) {
        return 0;
    }
    const ids = families.map(({ grantId }) => grantId);
    const { removed } = await cleanup.batch(pace, async () => {
        // A dry run has removed no token.
        const empty = cleanup.dryRun ? ids : await findGrantsWithoutTokens(cleanup.database, ids);
        return { removed: await cleanup.delete('oauth_grants', empty) };
    });
    return removed;
}
