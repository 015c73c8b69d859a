import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/*
 * A client that lost the response to a refresh gets the same successor again. The successor is stored for that, encrypted
 * under a key that only the token that was presented yields. The row holds the hash of that token, so the database alone
 * cannot decrypt it.
 */

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts a successor under a key derived from the presented token (RFC 5869, NIST SP 800-38D). base64url. */
export function encryptSuccessor(presented: string, successor: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, keyFor(presented), nonce);
    const encrypted = Buffer.concat([nonce, cipher.update(successor, 'utf8'), cipher.final()]);
    return Buffer.concat([encrypted, cipher.getAuthTag()]).toString('base64url');
}

/** The successor that was encrypted for the presented token; null when it was encrypted for another token. */
export function decryptSuccessor(presented: string, encrypted: string): string | null {
    const bytes = Buffer.from(encrypted, 'base64url');
    try {
        const nonce = bytes.subarray(0, NONCE_BYTES);
        const decipher = createDecipheriv(CIPHER, keyFor(presented), nonce, { authTagLength: TAG_BYTES });
        decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
        const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
        return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch {
        return null;
    }
}

function keyFor(presented: string): Buffer {
    // The label is part of what is stored: a different one would make stored successors unreadable.
    return Buffer.from(hkdfSync('sha256', presented, '', 'hapi-forum-oauth sealed successor', 32));
}
