import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** What personal access keys begin with, so that scanners find those that leaked. */
export const ACCESS_KEY_PREFIX = 'sdpak_';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** 190 random bits. */
const RANDOM_LENGTH = 32;

/** Enough for any CRC-32. */
const CHECKSUM_LENGTH = 6;

const PATTERN = new RegExp(`^${ACCESS_KEY_PREFIX}([0-9A-Za-z]{${RANDOM_LENGTH}})([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`);

/** A new personal access key: the prefix, 32 random characters, and their CRC-32 in 6, all in base62. */
export function createAccessKey(): string {
    const random = Array.from({ length: RANDOM_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
    return ACCESS_KEY_PREFIX + random + checksumOf(random);
}

/** Whether a text can be a key at all. What was mistyped, cut off or made up is told without asking a database. */
export function isWellFormedAccessKey(text: string): boolean {
    const [, random, checksum] = PATTERN.exec(text) ?? [];
    return random !== undefined && checksumOf(random) === checksum;
}

/** CRC-32 in base62, with zeros in front. */
function checksumOf(text: string): string {
    let rest = crc32(text);
    let digits = '';
    while (digits.length < CHECKSUM_LENGTH) {
        digits = ALPHABET[rest % ALPHABET.length]! + digits;
        rest = Math.floor(rest / ALPHABET.length);
    }
    return digits;
}
