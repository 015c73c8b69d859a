import type { VerifiedToken } from './access-token';

/** In characters. A longer token is verified each time, so that a few of them cannot fill the memory. */
const LONGEST = 4096;

const KEY_LENGTH = 32;

/**
 * Access tokens whose signature was verified lately, and their claims: verifying and reading one costs as much as the
 * rest of a small request. It says nothing of what time changes, above all not whether a token has expired, and belongs to
 * one registration with its keys, issuer and audience.
 */
export class VerifiedTokenCache {
    readonly #half: number;
    /** Two generations: what is asked for moves on to the newer one, and the older one is dropped as a whole. */
    #newer = new Map<string, Proven>();
    #older = new Map<string, Proven>();

    /** @param limit how many tokens are remembered at most; even. They take one or two kilobytes each */
    constructor(limit = 5000) {
        this.#half = limit / 2;
    }

    /** How many tokens are remembered. */
    get size(): number {
        return this.#newer.size + this.#older.size;
    }

    /** A token that is remembered: a copy, as what is done to it must not reach another request. */
    find(token: string): VerifiedToken | undefined {
        const key = keyOf(token);
        let proven = this.#newer.get(key);
        if (!proven) {
            proven = this.#older.get(key);
            if (!proven) {
                return undefined;
            }
            this.#older.delete(key);
            this.#remember(key, proven);
        }
        return proven.token === token ? copyOf(proven) : undefined;
    }

    /** Remembers a token that was verified, where its claims can be copied and it is of a usual length. */
    add(token: string, verified: VerifiedToken): void {
        if (token.length <= LONGEST && Object.values(verified.claims).every((value) => typeof value !== 'object')) {
            const key = keyOf(token);
            this.#older.delete(key);
            this.#remember(key, { token, ...copyOf(verified) });
        }
    }

    #remember(key: string, proven: Proven): void {
        if (this.#newer.size >= this.#half) {
            this.#older = this.#newer;
            this.#newer = new Map();
        }
        this.#newer.set(key, proven);
    }
}

interface Proven extends VerifiedToken {
    token: string;
}

/** The end of its signature: a map would read all of a longer key at each look-up, which is most of what one costs. */
function keyOf(token: string): string {
    return token.slice(-KEY_LENGTH);
}

function copyOf({ claims, scope }: VerifiedToken): VerifiedToken {
    return { claims: { ...claims }, scope: [...scope] };
}
