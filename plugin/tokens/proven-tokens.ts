import type { AccessTokenClaims } from './access-token';

/** In characters. A longer token is verified each time, so that a few of them cannot fill the memory. */
const LONGEST = 4096;

/**
 * Access tokens whose signature was verified lately, and their claims: verifying and reading one costs as much as the
 * rest of a small request. It says nothing of what time changes, above all not whether a token has expired, and belongs to
 * one registration with its keys, issuer and audience.
 */
export class ProvenTokens {
    readonly #half: number;
    /** Two generations: what is asked for moves on to the newer one, and the older one is dropped as a whole. */
    #newer = new Map<string, AccessTokenClaims>();
    #older = new Map<string, AccessTokenClaims>();

    /** @param limit how many tokens are remembered at most; even. They take one or two kilobytes each */
    constructor(limit = 5000) {
        this.#half = limit / 2;
    }

    /** How many tokens are remembered. */
    get size(): number {
        return this.#newer.size + this.#older.size;
    }

    /** The claims of a token that is remembered: a copy, as what is done to it must not reach another request. */
    claims(token: string): AccessTokenClaims | undefined {
        let claims = this.#newer.get(token);
        if (!claims) {
            claims = this.#older.get(token);
            if (!claims) {
                return undefined;
            }
            this.#older.delete(token);
            this.#remember(token, claims);
        }
        return { ...claims };
    }

    /** Remembers a token that was verified, where its claims can be copied and it is of a usual length. */
    add(token: string, claims: AccessTokenClaims): void {
        if (token.length <= LONGEST && Object.values(claims).every((value) => typeof value !== 'object')) {
            this.#older.delete(token);
            this.#remember(token, { ...claims });
        }
    }

    #remember(token: string, claims: AccessTokenClaims): void {
        if (this.#newer.size >= this.#half) {
            this.#older = this.#newer;
            this.#newer = new Map();
        }
        this.#newer.set(token, claims);
    }
}
