import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 random bits in base64url, 43 characters. */
export function randomSecret(): string {
    return randomBytes(32).toString('base64url');
}

/** SHA-256 in base64url: what is stored of a code or token. */
export function hashSecret(secret: string): string {
    return createHash('sha256').update(secret).digest('base64url');
}

/** SHA-256 in lower-case hex: what is stored of a client secret. */
export function hashClientSecret(secret: string): string {
    return createHash('sha256').update(secret).digest('hex');
}

/** Compares two hashes of one kind in a time that does not depend on where they differ. */
export function sameHash(left: string, right: string): boolean {
    const a = Buffer.from(left);
    const b = Buffer.from(right);
    return a.length === b.length && timingSafeEqual(a, b);
}
