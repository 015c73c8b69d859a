import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { VerifiedToken } from '../../plugin/tokens/access-token-claims';
import { VerifiedTokenCache } from '../../plugin/tokens/verified-token-cache';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const VERIFIED: VerifiedToken = {
    claims: {
        iss: 'https://forum.example',
        sub: 'frigg',
        aud: 'https://forum.example',
        client_id: 'storyden-cli',
        exp: 2_000_000_000,
        iat: 1_900_000_000,
        jti: 'an-id',
        scope: 'openid profile'
    },
    scope: ['openid', 'profile']
};

describe('the cache of verified tokens', () => {
    it('finds the claims of tokens that were added, and of no others', () => {
        const cache = new VerifiedTokenCache();
        expect(cache.find('a')).to.be.undefined();
        cache.add('a', VERIFIED);
        expect(cache.find('a')).to.equal(VERIFIED);
        expect(cache.find('a ')).to.be.undefined();
        expect(new VerifiedTokenCache().find('a')).to.be.undefined();
    });

    it('never holds more than its limit', () => {
        const cache = new VerifiedTokenCache(10);
        for (let number = 0; number < 1000; ++number) {
            cache.add(`token ${number}`, VERIFIED);
            cache.find(`token ${number - (number % 7)}`);
            cache.add(`token ${number}`, VERIFIED);
            expect(cache.size).to.be.at.most(10);
            expect(cache.find(`token ${number}`)).to.equal(VERIFIED);
        }
        expect(cache.find('token 900')).to.be.undefined();
    });

    it('keeps a token that is in use', () => {
        const cache = new VerifiedTokenCache(10);
        cache.add('busy', { ...VERIFIED, claims: { ...VERIFIED.claims, sub: 'busy' } });
        for (let number = 0; number < 100; ++number) {
            cache.add(`token ${number}`, VERIFIED);
            expect(cache.find('busy')?.claims.sub).to.equal('busy');
        }
    });

    it('returns copies, so that no request changes what the next one sees', () => {
        const cache = new VerifiedTokenCache();
        const given = structuredClone(VERIFIED);
        cache.add('a', given);
        given.claims.scope = 'ADMINISTRATOR';
        given.scope.push('ADMINISTRATOR');
        for (let time = 0; time < 3; ++time) {
            const found = cache.find('a')!;
            expect(found).to.equal(VERIFIED);
            found.claims.scope = 'ADMINISTRATOR';
            found.scope.push('ADMINISTRATOR');
        }
    });

    it('tells tokens with the same end apart', () => {
        const cache = new VerifiedTokenCache();
        const end = 'x'.repeat(64);
        cache.add(`one${end}`, VERIFIED);
        expect(cache.find(`two${end}`)).to.be.undefined();
        expect(cache.find(end)).to.be.undefined();
        expect(cache.find(`one${end}`)).to.equal(VERIFIED);
    });

    it('does not keep long tokens, or tokens with nested claims', () => {
        const cache = new VerifiedTokenCache();
        cache.add('x'.repeat(4096), VERIFIED);
        cache.add('x'.repeat(4097), VERIFIED);
        cache.add('list', { ...VERIFIED, claims: { ...VERIFIED.claims, roles: ['member'] } });
        expect(cache.size).to.equal(1);
        expect(cache.find('x'.repeat(4096))).to.equal(VERIFIED);
    });
});
