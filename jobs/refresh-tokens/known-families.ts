import { LRUCache } from 'lru-cache';
import { findFamilyStates, type FamilyState, type OldToken } from '../../plugin/store/cleanup/old-tokens';
import type { Cleanup } from '../cleanup/cleanup';

/** How many families are remembered from batch to batch. */
const MAX_KNOWN = 20_000;

/** What `removeOldTokens` may do with a family. */
export interface KnownFamily {
    /**
     * `revoked`, `expired`: for longer than the retention, so all of it may go. `recent`: for less, so all of it is kept.
     * `active`: superseded tokens may go.
     */
    state: 'revoked' | 'expired' | 'recent' | 'active';
    /** The generation of its oldest token. */
    oldest: number;
    head: number;
}

/** The families whose tokens the last batches met. Those that were not met for longest are forgotten. */
export class KnownFamilies {
    readonly #cleanup: Cleanup;
    readonly #cutoff: number;
    readonly #known = new LRUCache<string, KnownFamily>({ max: MAX_KNOWN });

    constructor(cleanup: Cleanup, cutoff: number) {
        this.#cleanup = cleanup;
        this.#cutoff = cutoff;
    }

    get(grantId: string): KnownFamily | undefined {
        return this.#known.get(grantId);
    }

    /** Reads the families of these tokens, unless they are known. */
    async learn(tokens: readonly OldToken[]): Promise<void> {
        const grants = new Set(tokens.map((token) => token.grantId));
        const unknown = [...grants].filter((grantId) => !this.#known.get(grantId));
        for (const family of await findFamilyStates(this.#cleanup.database, unknown)) {
            const { grantId, oldest, head } = family;
            this.#known.set(grantId, { state: this.#stateOf(family), oldest, head });
        }
    }

    #stateOf({ revokedAt, expiresAt }: FamilyState): KnownFamily['state'] {
        if (revokedAt !== null && revokedAt <= this.#cutoff) {
            return 'revoked';
        }
        if (expiresAt <= this.#cutoff) {
            return 'expired';
        }
        return revokedAt === null && expiresAt > this.#cleanup.now ? 'active' : 'recent';
    }
}
