import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { ProvenTokens } from '../../plugin/tokens/proven-tokens';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

describe('tokens whose signature is proven', () => {
    it('are known, others are not', () => {
        const proven = new ProvenTokens();
        expect(proven.has('a')).to.be.false();
        proven.add('a');
        expect(proven.has('a')).to.be.true();
        expect(proven.has('a ')).to.be.false();
        expect(new ProvenTokens().has('a')).to.be.false();
    });

    it('are never more than the limit, whatever is asked for in between', () => {
        const proven = new ProvenTokens(10);
        for (let number = 0; number < 1000; ++number) {
            proven.add(`token ${number}`);
            proven.has(`token ${number - (number % 7)}`);
            proven.add(`token ${number}`);
            expect(proven.size).to.be.at.most(10);
            expect(proven.has(`token ${number}`)).to.be.true();
        }
        expect(proven.has('token 900')).to.be.false();
    });

    it('stay while they are asked for', () => {
        const proven = new ProvenTokens(10);
        proven.add('busy');
        for (let number = 0; number < 100; ++number) {
            proven.add(`token ${number}`);
            expect(proven.has('busy')).to.be.true();
        }
    });
});
