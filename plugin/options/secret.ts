import type { JWK } from 'jose' with { 'resolution-mode': 'import' };
import Joi from 'joi';

/** A secret of 32 bytes or more. A string counts as its UTF-8 bytes. */
export type Secret = string | Buffer;

const MIN_BYTES = 32;

/** One secret, or a list whose first one is in use. */
export const secret = Joi.any()
    .custom((value: unknown) => {
        const given: unknown[] = Array.isArray(value) ? value : [value];
        if (given.length === 0 || !given.every(isSecret)) {
            throw new Error('not a secret');
        }
        return value;
    })
    .messages({
        'any.custom': `{{#label}} must be a string or Buffer of at least ${MIN_BYTES} bytes, or a list of them`
    });

function isSecret(value: unknown): boolean {
    return (typeof value === 'string' || Buffer.isBuffer(value)) && Buffer.byteLength(value) >= MIN_BYTES;
}

/**
 * The secrets that MACs are made and verified with. Without the option they follow from the private signing keys, so that
 * a key that is taken off the list takes its MACs with it.
 */
export function secretsOf({
    secret: given,
    signingKeys
}: {
    secret?: Secret | Secret[];
    signingKeys: JWK[];
}): Buffer[] {
    if (given === undefined) {
        return signingKeys.map(({ d }) => Buffer.from(String(d)));
    }
    return [given].flat().map((each) => Buffer.from(each));
}
