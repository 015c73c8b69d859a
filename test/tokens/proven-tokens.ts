import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { AccessTokenClaims } from '../../plugin';
import { ProvenTokens } from '../../plugin/tokens/proven-tokens';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const CLAIMS: AccessTokenClaims = {
    iss: 'https://forum.example',
    sub: 'frigg',
    aud: 'https://forum.example',
    client_id: 'storyden-cli',
    exp: 2_000_000_000,
    iat: 1_900_000_000,
    jti: 'an-id',
    scope: 'openid'
};

describe('tokens whose signature is proven', () => {
    it('are known with their claims, others are not', () => {
        const proven = new ProvenTokens();
        expect(proven.claims('a')).to.be.undefined();
        proven.add('a', CLAIMS);
        expect(proven.claims('a')).to.equal(CLAIMS);
        expect(proven.claims('a ')).to.be.undefined();
        expect(new ProvenTokens().claims('a')).to.be.undefined();
    });

    it('are never more than the limit, whatever is asked for in between', () => {
        const proven = new ProvenTokens(10);
        for (let number = 0; number < 1000; ++number) {
            proven.add(`token ${number}`, CLAIMS);
            proven.claims(`token ${number - (number % 7)}`);
            proven.add(`token ${number}`, CLAIMS);
            expect(proven.size).to.be.at.most(10);
            expect(proven.claims(`token ${number}`)).to.equal(CLAIMS);
        }
        expect(proven.claims('token 900')).to.be.undefined();
    });

    it('stay while they are asked for', () => {
        const proven = new ProvenTokens(10);
        proven.add('busy', { ...CLAIMS, sub: 'busy' });
        for (let number = 0; number < 100; ++number) {
            proven.add(`token ${number}`, CLAIMS);
            expect(proven.claims('busy')?.sub).to.equal('busy');
        }
    });

    it('have their claims for themselves', () => {
        const proven = new ProvenTokens();
        const given = { ...CLAIMS };
        proven.add('a', given);
        given.scope = 'ADMINISTRATOR';
        for (let time = 0; time < 3; ++time) {
            const claims = proven.claims('a')!;
            expect(claims).to.equal(CLAIMS);
            claims.scope = 'ADMINISTRATOR';
        }
    });

    it('are not remembered where they are long, or have claims with parts', () => {
        const proven = new ProvenTokens();
        proven.add('x'.repeat(4096), CLAIMS);
        proven.add('x'.repeat(4097), CLAIMS);
        proven.add('list', { ...CLAIMS, roles: ['member'] });
        expect(proven.size).to.equal(1);
        expect(proven.claims('x'.repeat(4096))).to.equal(CLAIMS);
    });
});
