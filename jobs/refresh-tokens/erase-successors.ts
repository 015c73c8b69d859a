import {
    eraseEncrypted,
    findSuccessors,
    findWindows,
    FIRST_WINDOW,
    type Successor
} from '../../plugin/store/cleanup/encrypted-successors';
import type { Cleanup } from '../cleanup/cleanup';

/**
 * Erases encrypted successors that can no longer be handed out: the retry window is over, the successor was used or has
 * expired, or the grant is revoked.
 *
 * @returns how many there were
 */
export function eraseSuccessors(cleanup: Cleanup): Promise<number> {
    const { database, now } = cleanup;
    let after = FIRST_WINDOW;
    return cleanup.run(async (size) => {
        const windows = await findWindows(database, after, size);
        const ids = windows.map(({ id }) => id);
        const removed = await erase(cleanup, await findSuccessors(database, ids, now));
        after = windows.at(-1) ?? after;
        return { removed, more: windows.length === size };
    });
}

async function erase({ database, dryRun }: Cleanup, successors: readonly Successor[]): Promise<number> {
    const over = successors.filter((successor) => successor.isOver);
    const spent = successors.filter(({ isOver, isSpent, isEncrypted }) => !isOver && isSpent && isEncrypted);
    if (!dryRun) {
        await eraseEncrypted(database, idsOf(over), { window: true });
        await eraseEncrypted(database, idsOf(spent), { window: false });
    }
    return [...over, ...spent].filter(({ isEncrypted }) => isEncrypted).length;
}

function idsOf(successors: readonly Successor[]): string[] {
    return successors.map(({ id }) => id);
}
