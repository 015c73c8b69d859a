import { LRUCache } from 'lru-cache';
import type { VerifiedToken } from './access-token-claims';

/** Characters. A longer token is verified each time, so that a few of them cannot fill the memory. */
const MAX_LENGTH = 4096;

const KEY_LENGTH = 32;

interface Entry extends VerifiedToken {
    token: string;
}

/**
 * The claims of access tokens whose signature was verified lately: to verify and read one costs as much as the rest of a
 * small request. It keeps nothing that changes with time, such as whether a token has expired, and belongs to one
 * registration with its keys, issuer and audience.
 */
export class VerifiedTokenCache {
    readonly #entries: LRUCache<string, Entry>;

    /** @param limit how many tokens are kept at most; each takes one or two kilobytes */
    constructor(limit = 5000) {
        this.#entries = new LRUCache({ max: limit });
    }

    /** How many tokens are kept. */
    get size(): number {
        return this.#entries.size;
    }

    /** @returns a copy, so that a handler that changes its credentials changes nothing for the next request */
    find(token: string): VerifiedToken | undefined {
        const entry = this.#entries.get(keyOf(token));
        return entry?.token === token ? copyOf(entry) : undefined;
    }

    /** Keeps a verified token, unless it is too long or has a claim with parts, which would need a deep copy. */
    add(token: string, verified: VerifiedToken): void {
        if (token.length <= MAX_LENGTH && Object.values(verified.claims).every((value) => typeof value !== 'object')) {
            this.#entries.set(keyOf(token), { token, ...copyOf(verified) });
        }
    }
}

/** The end of the signature: a map reads a whole new key at each look-up, so a short one is much faster. */
function keyOf(token: string): string {
    return token.slice(-KEY_LENGTH);
}

function copyOf({ claims, scope }: VerifiedToken): VerifiedToken {
    return { claims: { ...claims }, scope: [...scope] };
}
