import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { VerifiedToken } from '../../plugin/tokens/access-token';
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

describe('tokens whose signature is proven', () => {
    it('are known with their claims, others are not', () => {
        const proven = new VerifiedTokenCache();
        expect(proven.find('a')).to.be.undefined();
        proven.add('a', VERIFIED);
        expect(proven.find('a')).to.equal(VERIFIED);
        expect(proven.find('a ')).to.be.undefined();
        expect(new VerifiedTokenCache().find('a')).to.be.undefined();
    });

    it('are never more than the limit, whatever is asked for in between', () => {
        const proven = new VerifiedTokenCache(10);
        for (let number = 0; number < 1000; ++number) {
            proven.add(`token ${number}`, VERIFIED);
            proven.find(`token ${number - (number % 7)}`);
            proven.add(`token ${number}`, VERIFIED);
            expect(proven.size).to.be.at.most(10);
            expect(proven.find(`token ${number}`)).to.equal(VERIFIED);
        }
        expect(proven.find('token 900')).to.be.undefined();
    });

    it('stay while they are asked for', () => {
        const proven = new VerifiedTokenCache(10);
        proven.add('busy', { ...VERIFIED, claims: { ...VERIFIED.claims, sub: 'busy' } });
        for (let number = 0; number < 100; ++number) {
            proven.add(`token ${number}`, VERIFIED);
            expect(proven.find('busy')?.claims.sub).to.equal('busy');
        }
    });

    it('have their claims and scopes for themselves', () => {
        const proven = new VerifiedTokenCache();
        const given = structuredClone(VERIFIED);
        proven.add('a', given);
        given.claims.scope = 'ADMINISTRATOR';
        given.scope.push('ADMINISTRATOR');
        for (let time = 0; time < 3; ++time) {
            const found = proven.find('a')!;
            expect(found).to.equal(VERIFIED);
            found.claims.scope = 'ADMINISTRATOR';
            found.scope.push('ADMINISTRATOR');
        }
    });

    it('are told from others with the same end', () => {
        const proven = new VerifiedTokenCache();
        const end = 'x'.repeat(64);
        proven.add(`one${end}`, VERIFIED);
        expect(proven.find(`two${end}`)).to.be.undefined();
        expect(proven.find(end)).to.be.undefined();
        expect(proven.find(`one${end}`)).to.equal(VERIFIED);
    });

    it('are not remembered where they are long, or have claims with parts', () => {
        const proven = new VerifiedTokenCache();
        proven.add('x'.repeat(4096), VERIFIED);
        proven.add('x'.repeat(4097), VERIFIED);
        proven.add('list', { ...VERIFIED, claims: { ...VERIFIED.claims, roles: ['member'] } });
        expect(proven.size).to.equal(1);
        expect(proven.find('x'.repeat(4096))).to.equal(VERIFIED);
    });
});
