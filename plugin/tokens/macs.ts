import { createHmac, hkdfSync } from 'node:crypto';
import { sameHash } from './secret';

/** What a MAC is for. Each has a key of its own, so that one never passes for another. */
export type Purpose = 'authorization code' | 'client address' | 'sign-in';

/**
 * The MACs that the processes of a forum share (HMAC-SHA-256 under keys derived from the option `secret` by HKDF, RFC
 * 5869). The first secret makes them, all verify them.
 */
export class Macs {
    readonly #secrets: readonly Buffer[];
    readonly #keys = new Map<Purpose, Buffer[]>();

    constructor(secrets: readonly Buffer[]) {
        this.#secrets = secrets;
    }

    /** The MAC of a text, base64url. */
    make(purpose: Purpose, text: string): string {
        return this.makeAll(purpose, text)[0]!;
    }

    /** The MACs of a text by each secret, the first first. */
    makeAll(purpose: Purpose, text: string): string[] {
        return this.#keysFor(purpose).map((key) => createHmac('sha256', key).update(text).digest('base64url'));
    }

    isValid(purpose: Purpose, text: string, mac: string): boolean {
        return this.makeAll(purpose, text).filter((expected) => sameHash(expected, mac)).length > 0;
    }

    #keysFor(purpose: Purpose): Buffer[] {
        let keys = this.#keys.get(purpose);
        if (!keys) {
            keys = this.#secrets.map((secret) =>
                Buffer.from(hkdfSync('sha256', secret, '', `hapi-forum-oauth ${purpose}`, 32))
            );
            this.#keys.set(purpose, keys);
        }
        return keys;
    }
}
