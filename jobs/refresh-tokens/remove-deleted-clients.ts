import { findRemovableClients } from '../../plugin/store/cleanup/deleted-clients';
import { findLastId } from '../../plugin/store/cleanup/rows';
import type { Cleanup } from '../cleanup/cleanup';

/** Removes the rows of deleted clients that no other row names any more. */
export function removeDeletedClients(cleanup: Cleanup, cutoff: number): Promise<number> {
    const { database } = cleanup;
    let after = '';
    return cleanup.run(async (size) => {
        const last = await findLastId(database, 'oauth_clients', after, size);
        if (last === undefined) {
            return { removed: 0, more: false };
        }
        const removable = await findRemovableClients(database, { after, last, cutoff });
        after = last;
        return { removed: await cleanup.delete('oauth_clients', removable), more: true };
    });
}
