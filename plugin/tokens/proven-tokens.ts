import { hashSecret } from './secret';

/**
 * Tokens whose signature was verified lately, so that it need not be done again: verifying one costs as much as the rest
 * of a small request. It says nothing of what else a token needs, above all not whether it has expired, and belongs to
 * one set of keys. Hashes are kept, never a token.
 */
export class ProvenTokens {
    readonly #half: number;
    /** Two generations: what is asked for moves on to the newer one, and the older one is dropped as a whole. */
    #newer = new Set<string>();
    #older = new Set<string>();

    /** @param limit how many tokens are remembered at most; even. A megabyte holds about ten thousand */
    constructor(limit = 10_000) {
        this.#half = limit / 2;
    }

    /** How many tokens are remembered. */
    get size(): number {
        return this.#newer.size + this.#older.size;
    }

    has(token: string): boolean {
        const hash = hashSecret(token);
        if (this.#newer.has(hash)) {
            return true;
        }
        if (!this.#older.delete(hash)) {
            return false;
        }
        this.#remember(hash);
        return true;
    }

    add(token: string): void {
        const hash = hashSecret(token);
        this.#older.delete(hash);
        this.#remember(hash);
    }

    #remember(hash: string): void {
        if (this.#newer.size >= this.#half) {
            this.#older = this.#newer;
            this.#newer = new Set();
        }
        this.#newer.add(hash);
    }
}
