import { createHash } from 'node:crypto';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { createId } from '../../plugin/ids';
import { decryptSuccessor, encryptSuccessor } from '../../plugin/tokens/encrypted-successor';
import {
    createFamilyKey,
    createRefreshToken,
    isIssued,
    MAX_GENERATION,
    readRefreshToken
} from '../../plugin/tokens/refresh-token';
import { decryptsSuccessor } from '../support/token-family';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const grantId = createId(Date.now());
const chainKey = createFamilyKey();
const token = createRefreshToken(chainKey, { grantId, generation: 5 });

/** What the token endpoint asks of a token whose row is gone. */
function passes(key: string, presented: string): boolean {
    const address = readRefreshToken(presented);
    return address !== null && address.grantId === grantId && isIssued(key, presented);
}

describe('a refresh token', () => {
    it('begins with a prefix that secret scanners know and has characters that need no escaping', () => {
        expect(token).to.match(/^sdort_[A-Za-z0-9_-]{92}$/);
    });

    it('says to which token family it belongs and where in it', () => {
        for (const generation of [0, 1, 255, 65_536, MAX_GENERATION]) {
            const made = createRefreshToken(chainKey, { grantId, generation });
            expect(readRefreshToken(made)).to.equal({ grantId, generation });
            expect(isIssued(chainKey, made)).to.be.true();
        }
    });

    it('differs from every other token of its token family, at the same place too', () => {
        const made = Array.from({ length: 1000 }, () => createRefreshToken(chainKey, { grantId, generation: 5 }));
        expect(new Set(made).size).to.equal(1000);
        expect(made.every((other) => passes(chainKey, other))).to.be.true();
    });

    it('is not proven by the key of another token family', () => {
        expect(isIssued(createFamilyKey(), token)).to.be.false();
    });

    it('does not prove anything once any of its characters is another', () => {
        for (let at = 0; at < token.length; ++at) {
            for (const character of ALPHABET) {
                if (character !== token[at]) {
                    const forged = token.slice(0, at) + character + token.slice(at + 1);
                    expect(passes(chainKey, forged), forged).to.be.false();
                }
            }
        }
    });

    it('is not one in any other form', () => {
        const body = token.slice(26);
        for (const other of [
            '',
            'sdort_',
            token.slice(1),
            token.slice(0, -1),
            `${token}A`,
            `${token}AAA`,
            `${token}=`,
            `${token} `,
            ` ${token}`,
            `${token}\n`,
            `${token}\0`,
            token.toUpperCase(),
            token.replace('sdort_', 'sdoas_'),
            `sdort_${'w'.repeat(20)}${body}`,
            `sdort_${grantId.slice(0, 19)}1${body}`,
            `sdort_${grantId}${'+'.repeat(72)}`,
            `sdort_${grantId}${'é'.repeat(72)}`,
            `sdort_${grantId}_____w${body.slice(6)}`
        ]) {
            expect(readRefreshToken(other), JSON.stringify(other)).to.be.null();
        }
    });
});

describe('an encrypted successor', () => {
    const successor = createRefreshToken(chainKey, { grantId, generation: 6 });
    const sealed = encryptSuccessor(token, successor);

    it('is opened by the token that it was encrypted for', () => {
        expect(decryptSuccessor(token, sealed)).to.equal(successor);
    });

    it('fits its column and does not show what it holds', () => {
        expect(sealed.length).to.be.at.most(255);
        expect(Buffer.from(sealed, 'base64url').toString('latin1')).to.not.include(successor.slice(26, 40));
        expect(encryptSuccessor(token, successor)).to.not.equal(sealed);
    });

    it('stays shut for every other token and for what is stored of this one', () => {
        for (const other of [
            successor,
            createRefreshToken(chainKey, { grantId, generation: 5 }),
            createHash('sha256').update(token).digest('base64url'),
            createHash('sha256').update(token).digest('hex'),
            chainKey,
            ''
        ]) {
            expect(decryptSuccessor(other, sealed)).to.be.null();
            expect(decryptsSuccessor(other, sealed)).to.be.false();
        }
        expect(decryptsSuccessor(token, sealed)).to.be.true();
    });

    it('stays shut once a byte of it has changed or is missing', () => {
        const bytes = Buffer.from(sealed, 'base64url');
        for (let at = 0; at < bytes.length; ++at) {
            const changed = Buffer.from(bytes);
            changed[at]! ^= 1;
            expect(decryptSuccessor(token, changed.toString('base64url'))).to.be.null();
            expect(decryptSuccessor(token, bytes.subarray(0, at).toString('base64url'))).to.be.null();
        }
        expect(decryptSuccessor(token, '')).to.be.null();
    });
});
