import { findOldTokens, findPrunable, type OldToken } from '../../plugin/store/cleanup/old-tokens';
import { START, type Place } from '../../plugin/store/cleanup/rows';
import type { Cleanup } from '../cleanup/cleanup';
import { KnownFamilies } from './known-families';

/** The job stops after so many batches in a row that found almost nothing. */
const PATIENCE = 5;

/**
 * Removes old tokens in the order of time. Tokens that were made together are stored together, so in a table that is larger
 * than the database's memory this is many times faster than going from family to family. It removes only what is safe to
 * remove in this order, and stops where most old tokens are still needed; `pruneFamilies` does the rest.
 *
 * @param cutoff epoch milliseconds
 * @returns how many tokens it removed
 */
export async function removeOldTokens(cleanup: Cleanup, cutoff: number): Promise<number> {
    if (cleanup.dryRun) {
        // `pruneFamilies` counts these tokens too.
        return 0;
    }
    const { database, now } = cleanup;
    const families = new KnownFamilies(cleanup, cutoff);
    let after: Place = START;
    let fruitless = 0;
    return cleanup.removeFound('oauth_refresh_tokens', async (size) => {
        const tokens = await findOldTokens(database, cutoff, after, size);
        await families.learn(tokens);
        const superseded = tokens.filter((token) => isSuperseded(token, families)).map(({ id }) => id);
        const ids = takeRemovable(tokens, families, await findPrunable(database, superseded, now));
        after = tokens.at(-1) ?? after;
        fruitless = ids.length * 10 < tokens.length ? fruitless + 1 : 0;
        return { ids, more: tokens.length === size && fruitless < PATIENCE };
    });
}

/** True for a token of an active family that is neither its head nor the head's predecessor. */
function isSuperseded({ grantId, generation }: OldToken, families: KnownFamilies): boolean {
    const family = families.get(grantId);
    return family?.state === 'active' && generation >= family.oldest && generation < family.head - 1;
}

/**
 * Takes the tokens that may be removed now, and notes what becomes the oldest token of their families.
 *
 * @param prunable the superseded tokens that active families do not need
 */
function takeRemovable(tokens: readonly OldToken[], families: KnownFamilies, prunable: ReadonlySet<string>): string[] {
    const ids: string[] = [];
    for (const { id, grantId, generation } of [...tokens].sort((one, other) => one.generation - other.generation)) {
        const family = families.get(grantId);
        if (family?.state === 'revoked') {
            ids.push(id);
        } else if (
            // Unless the family is revoked, only its oldest token: one without a successor would count as the head.
            generation === family?.oldest &&
            (family.state === 'expired' || (family.state === 'active' && prunable.has(id)))
        ) {
            family.oldest += 1;
            ids.push(id);
        }
    }
    return ids;
}
