import { randomInt } from 'node:crypto';

/** Crockford's base32: no I, L, O or U. Eight of them are 40 bits. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 8;

const PATTERN = new RegExp(`^[${ALPHABET}]{${LENGTH}}$`);

/** A new user code (RFC 8628 §6.1), without its hyphen. */
export function createUserCode(): string {
    return Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

/** The code that a person typed, in any case, with or without hyphen, O for 0, I or L for 1; null for no code at all. */
export function readUserCode(typed: string): string | null {
    const code = typed.toUpperCase().replaceAll(/[-\s]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
    return PATTERN.test(code) ? code : null;
}

/** `XXXX-XXXX`. */
export function formatUserCode(code: string): string {
    return `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2)}`;
}
