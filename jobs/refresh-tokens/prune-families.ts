import { findLastId } from '../../plugin/store/cleanup/rows';
import { findPrunableFamilies, type PrunableFamily } from '../../plugin/store/cleanup/token-families';
import type { Cleanup } from '../cleanup/cleanup';
import { removeGrants, removeInactiveTokens } from './remove-inactive';
import { removeSuperseded, type Kept } from './remove-superseded';

/**
 * Goes through all grants in the order of their ids and removes what their token families do not need. A family that has
 * nothing to remove costs a few look-ups in indexes.
 *
 * @returns how many rows it removed
 */
export async function pruneFamilies(cleanup: Cleanup, kept: Kept): Promise<{ tokens: number; grants: number }> {
    const walking = cleanup.pace();
    const deleting = cleanup.pace();
    const removed = { tokens: 0, grants: 0 };
    let after = '';
    while (!cleanup.isStopped) {
        const { families, last } = await cleanup.batch(walking, (size) => findFamilies(cleanup, kept, after, size));
        const inactive = families.filter(({ isInactive }) => isInactive);
        removed.tokens += await removeInactiveTokens(cleanup, deleting, inactive);
        removed.grants += await removeGrants(cleanup, deleting, inactive);
        const active = families.filter(({ isInactive }) => !isInactive);
        removed.tokens += await removeSuperseded(cleanup, deleting, active, kept);
        if (last === undefined) {
            break;
        }
        after = last;
    }
    return removed;
}

async function findFamilies(
    { database, now }: Cleanup,
    { cutoff, history }: Kept,
    after: string,
    size: number
): Promise<{ families: PrunableFamily[]; last: string | undefined; removed: 0 }> {
    const last = await findLastId(database, 'oauth_grants', after, size);
    // The head and its predecessor are kept too.
    const most = history + 2;
    const families = last === undefined ? [] : await findPrunableFamilies(database, { after, last, now, cutoff, most });
    return { families, last, removed: 0 };
}
