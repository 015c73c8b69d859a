import { findDatedTokens, type DatedToken, type PrunableFamily } from '../../plugin/store/cleanup/token-families';
import { isPrunable } from '../../plugin/store/retry-window';
import type { Cleanup } from '../cleanup/cleanup';
import type { Pace } from '../cleanup/pace';
import { rangesOf, takeRanges } from './token-ranges';

/** What an active family keeps beside its head, the head's predecessor and tokens in their retry window. */
export interface Kept {
    /** Tokens that are no older, epoch milliseconds, */
    cutoff: number;
    /** and of these so many at most. */
    history: number;
}

/** Removes the oldest tokens of active families, as far as they are not needed. */
export function removeSuperseded(
    cleanup: Cleanup,
    pace: Pace,
    families: readonly PrunableFamily[],
    kept: Kept
): Promise<number> {
    const left = rangesOf(families);
    return cleanup.run(async (size) => {
        const taken = takeRanges(left, size);
        // The two tokens after a token say whether it is needed.
        const limit = size + 2;
        const tokens = await findDatedTokens(cleanup.database, taken, limit);
        // A full batch may have ended in the middle of a family.
        const cut = tokens.length === limit ? tokens.at(-1)!.grantId : undefined;
        const byGrant = groupByGrant(tokens);
        const ids: string[] = [];
        let finished = 0;
        let begun = 0;
        for (const { grantId, head } of taken) {
            const own = byGrant.get(grantId) ?? [];
            const unneeded = own.slice(0, countUnneeded(own, head, kept, cleanup.now));
            ids.push(...unneeded.map(({ id }) => id));
            if (grantId === cut && (unneeded.length === own.length - 2 || own.length < 3)) {
                // The next tokens of this family may not be needed either.
                begun = unneeded.length;
                break;
            }
            finished += 1;
            if (grantId === cut) {
                break;
            }
        }
        const removed = await cleanup.delete('oauth_refresh_tokens', ids);
        // Only now, because a batch that failed is run again as it was.
        left.splice(0, finished);
        if (begun > 0) {
            left[0]!.from += begun;
        }
        return { removed, more: left.length > 0 };
    }, pace);
}

function groupByGrant(tokens: readonly DatedToken[]): Map<string, DatedToken[]> {
    const groups = new Map<string, DatedToken[]>();
    for (const token of tokens) {
        const group = groups.get(token.grantId);
        if (group) {
            group.push(token);
        } else {
            groups.set(token.grantId, [token]);
        }
    }
    return groups;
}

/** How many of a family's tokens, oldest first, are not needed. The last two cannot be decided yet. */
function countUnneeded(tokens: readonly DatedToken[], head: number, { cutoff, history }: Kept, now: number): number {
    const isNeeded = (token: DatedToken, index: number): boolean => {
        const isHistory = token.generation >= head - 1 - history && token.createdAt > cutoff;
        return isHistory || !isPrunable(tokens[index + 1]!, tokens[index + 2]!, now);
    };
    const decided = tokens.slice(0, -2);
    const needed = decided.findIndex(isNeeded);
    return needed === -1 ? decided.length : needed;
}
