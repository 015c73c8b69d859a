import type { Context } from '../context';
import { countSelfMade, findRemovable, removeUnusedClient, type SelfMade } from '../store/self-made-clients';

/** How often room is looked for while other requests are quicker. */
const ATTEMPTS = 10;

/** How many clients one request removes at most. */
const MOST_REMOVED = 20;

/**
 * Lets the oldest clients go that nobody needs, where there are too many. Requests that run at once can each find the last
 * place free, so one that comes later removes what is over.
 *
 * @param most how many there may be
 * @param before made before this time, epoch milliseconds
 * @returns false where none can go
 */
export async function makeRoom(
    { clock, database, settings }: Context,
    { source, most, before }: { source: SelfMade; most: number; before: number }
): Promise<boolean> {
    const { pinned, trusted } = settings.clientMetadataDocuments || { pinned: {}, trusted: [] };
    const kept = source === 'metadata_document' ? [...trusted, ...Object.keys(pinned)] : [];
    for (let attempts = 0; attempts < ATTEMPTS; attempts += 1) {
        const over = (await countSelfMade(database, source, most + MOST_REMOVED)) - most + 1;
        if (over <= 0) {
            return true;
        }
        const limit = Math.min(over, MOST_REMOVED);
        const oldest = await findRemovable(database, source, { before, kept, limit });
        if (oldest.length === 0) {
            return false;
        }
        let removed = 0;
        for (const each of oldest) {
            removed += (await removeUnusedClient(database, each, clock())) ? 1 : 0;
        }
        if (removed > 0) {
            return true;
        }
    }
    return false;
}
