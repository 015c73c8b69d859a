import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { ID_PATTERN } from '../ids';

/*
 * A refresh token names its chain and its place in it, and proves that it was issued there:
 *
 *     sdort_ <grant id> base64url(generation ‖ 256 random bits ‖ proof)
 *
 * The proof is an HMAC under the chain's own random key, so that a token whose row is long gone can still be told from a
 * made-up one. Who reads the database can forge the proof but not the token, whose hash would have to be there.
 */

const PREFIX = 'sdort_';
const GENERATION_BYTES = 4;
const RANDOM_BYTES = 32;
/** Long enough, and it makes the whole a multiple of three: base64url then has one spelling only. */
const PROOF_BYTES = 18;
const BODY_BYTES = GENERATION_BYTES + RANDOM_BYTES + PROOF_BYTES;
const ID_LENGTH = 20;

/** Far below what four bytes hold; a chain would have to rotate every second for a human life to come near it. */
export const MAX_GENERATION = 0x7fffffff;

const BODY_PATTERN = new RegExp(`^[A-Za-z0-9_-]{${(BODY_BYTES / 3) * 4}}$`);

/** Where a token says that it belongs. Nothing is proven by it. */
export interface TokenReference {
    grantId: string;
    generation: number;
}

/** A new chain key: 256 random bits, base64url. */
export function createFamilyKey(): string {
    return randomBytes(32).toString('base64url');
}

/** A new refresh token at a place of a chain. */
export function createRefreshToken(chainKey: string, { grantId, generation }: TokenReference): string {
    const body = Buffer.alloc(GENERATION_BYTES + RANDOM_BYTES);
    body.writeUInt32BE(generation, 0);
    randomBytes(RANDOM_BYTES).copy(body, GENERATION_BYTES);
    return PREFIX + grantId + Buffer.concat([body, proofOf(chainKey, grantId, body)]).toString('base64url');
}

/** Where a token says that it belongs; null for what is no refresh token of this kind. */
export function readRefreshToken(token: string): TokenReference | null {
    const grantId = token.slice(PREFIX.length, PREFIX.length + ID_LENGTH);
    const body = token.slice(PREFIX.length + ID_LENGTH);
    if (!token.startsWith(PREFIX) || !ID_PATTERN.test(grantId) || !BODY_PATTERN.test(body)) {
        return null;
    }
    const generation = Buffer.from(body, 'base64url').readUInt32BE(0);
    return generation <= MAX_GENERATION ? { grantId, generation } : null;
}

/** True when the token was issued in the chain that it names and whose key this is. */
export function isIssued(chainKey: string, token: string): boolean {
    const grantId = token.slice(PREFIX.length, PREFIX.length + ID_LENGTH);
    const bytes = Buffer.from(token.slice(PREFIX.length + ID_LENGTH), 'base64url');
    const body = bytes.subarray(0, GENERATION_BYTES + RANDOM_BYTES);
    return timingSafeEqual(proofOf(chainKey, grantId, body), bytes.subarray(GENERATION_BYTES + RANDOM_BYTES));
}

function proofOf(chainKey: string, grantId: string, body: Buffer): Buffer {
    return createHmac('sha256', Buffer.from(chainKey, 'base64url'))
        .update('refresh token')
        .update(grantId)
        .update(body)
        .digest()
        .subarray(0, PROOF_BYTES);
}

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts a successor under a key that only the presented token yields (RFC 5869, NIST SP 800-38D). */
export function encryptSuccessor(presented: string, successor: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, sealKey(presented), nonce);
    const sealed = Buffer.concat([nonce, cipher.update(successor, 'utf8'), cipher.final()]);
    return Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64url');
}

/** The successor that was sealed for the presented token; null when the seal is another token's. */
export function decryptSuccessor(presented: string, sealed: string): string | null {
    const bytes = Buffer.from(sealed, 'base64url');
    try {
        const nonce = bytes.subarray(0, NONCE_BYTES);
        const decipher = createDecipheriv(CIPHER, sealKey(presented), nonce, { authTagLength: TAG_BYTES });
        decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
        const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
        return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch {
        return null;
    }
}

function sealKey(presented: string): Buffer {
    return Buffer.from(hkdfSync('sha256', presented, '', 'hapi-forum-oauth sealed successor', 32));
}
