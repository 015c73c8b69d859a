import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789abcdefghijklmnopqrstuv';

/** What tells the ids of two processes apart. */
const PROCESS = randomBytes(5);
let counter = randomBytes(3).readUIntBE(0, 3);

/** Twenty characters of base32hex; the last one carries one bit only. */
export const ID_PATTERN = /^[0-9a-v]{19}[0g]$/;

/**
 * A new xid: 4 bytes of seconds, 5 that belong to this process, 3 that count, in base32hex. Ids sort by time.
 *
 * @param now epoch milliseconds
 */
export function createId(now: number): string {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt32BE(Math.floor(now / 1000) >>> 0, 0);
    PROCESS.copy(bytes, 4);
    bytes.writeUIntBE(counter, 9, 3);
    counter = (counter + 1) & 0xffffff;
    return encodeId(bytes);
}

/** The xid that 12 bytes spell. */
export function encodeId(bytes: Buffer): string {
    let id = '';
    let bits = 0;
    let pending = 0;
    for (const byte of bytes) {
        pending = (pending << 8) | byte;
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            id += ALPHABET[(pending >>> bits) & 31];
        }
        pending &= (1 << bits) - 1;
    }
    return id + ALPHABET[(pending << (5 - bits)) & 31];
}
