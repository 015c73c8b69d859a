import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { ID_PATTERN } from '../ids';

/*
 * A refresh token names its grant and its place in the token family, and proves that it was issued there:
 *
 *     sdort_ <grant id> base64url(generation ‖ 256 random bits ‖ proof)
 *
 * The proof is an HMAC under a random key of the family. It tells a token whose row was pruned from one that was never
 * issued. A person who reads the database can forge the proof but not the token: the row holds the token's hash.
 */

const PREFIX = 'sdort_';
const GENERATION_BYTES = 4;
const RANDOM_BYTES = 32;
/** 144 bits. The body is then a multiple of three bytes, and has only one spelling in base64url. */
const PROOF_BYTES = 18;
const BODY_BYTES = GENERATION_BYTES + RANDOM_BYTES + PROOF_BYTES;
const ID_LENGTH = 20;

/** Far below what four bytes hold. A family that rotates every second reaches it after 68 years. */
export const MAX_GENERATION = 0x7fffffff;

const BODY_PATTERN = new RegExp(`^[A-Za-z0-9_-]{${(BODY_BYTES / 3) * 4}}$`);

/** Where a refresh token says that it belongs. Nothing is proven by it. */
export interface TokenReference {
    grantId: string;
    /** The place in the token family, from 0. */
    generation: number;
}

/** A new key for the proofs of one token family: 256 random bits, base64url. */
export function createFamilyKey(): string {
    return randomBytes(32).toString('base64url');
}

/** A new refresh token for a place in a token family. */
export function createRefreshToken(familyKey: string, { grantId, generation }: TokenReference): string {
    const body = Buffer.alloc(GENERATION_BYTES + RANDOM_BYTES);
    body.writeUInt32BE(generation, 0);
    randomBytes(RANDOM_BYTES).copy(body, GENERATION_BYTES);
    return PREFIX + grantId + Buffer.concat([body, proofOf(familyKey, grantId, body)]).toString('base64url');
}

/** Where a token says that it belongs; null for a text that is no refresh token. */
export function readRefreshToken(token: string): TokenReference | null {
    const grantId = token.slice(PREFIX.length, PREFIX.length + ID_LENGTH);
    const body = token.slice(PREFIX.length + ID_LENGTH);
    if (!token.startsWith(PREFIX) || !ID_PATTERN.test(grantId) || !BODY_PATTERN.test(body)) {
        return null;
    }
    const generation = Buffer.from(body, 'base64url').readUInt32BE(0);
    return generation <= MAX_GENERATION ? { grantId, generation } : null;
}

/**
 * True when the token was issued in the family that it names.
 *
 * @param familyKey the key of that family
 * @param token a token that `readRefreshToken` can read
 */
export function isIssued(familyKey: string, token: string): boolean {
    const grantId = token.slice(PREFIX.length, PREFIX.length + ID_LENGTH);
    const bytes = Buffer.from(token.slice(PREFIX.length + ID_LENGTH), 'base64url');
    const body = bytes.subarray(0, GENERATION_BYTES + RANDOM_BYTES);
    return timingSafeEqual(proofOf(familyKey, grantId, body), bytes.subarray(GENERATION_BYTES + RANDOM_BYTES));
}

function proofOf(familyKey: string, grantId: string, body: Buffer): Buffer {
    return createHmac('sha256', Buffer.from(familyKey, 'base64url'))
        .update('refresh token')
        .update(grantId)
        .update(body)
        .digest()
        .subarray(0, PROOF_BYTES);
}
