import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { joinNames, parseScope, splitNames } from '../../plugin/scopes/text';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

describe('the scope parameter', () => {
    it('is read in its order', () => {
        expect(parseScope('openid CREATE_POST profile')).to.equal(['openid', 'CREATE_POST', 'profile']);
    });

    it('is no scope when it is missing, empty or blank', () => {
        expect(parseScope(undefined)).to.equal([]);
        expect(parseScope('')).to.equal([]);
        expect(parseScope('   ')).to.equal([]);
    });

    it('folds duplicates to the first of them', () => {
        expect(parseScope('B A B  A C')).to.equal(['B', 'A', 'C']);
    });

    it('keeps names that differ in case apart', () => {
        expect(parseScope('openid OpenID')).to.equal(['openid', 'OpenID']);
    });

    it('is unreadable with a character that no scope has', () => {
        for (const text of ['a\tb', 'a\nb', 'a"b', 'a\\b', 'a\u0000', 'é', 'a\u00a0b', 'a\u007f', '\ud800']) {
            expect(parseScope(text), JSON.stringify(text)).to.be.null();
        }
        expect(parseScope("!#$%&'()*+,-./:;<=>?@[]^_`{|}~")).to.have.length(1);
    });

    it('is written with single spaces and read back as it was', () => {
        expect(joinNames([])).to.equal('');
        expect(joinNames(['openid', 'A'])).to.equal('openid A');
        expect(splitNames(joinNames(['openid', 'A', 'B']))).to.equal(['openid', 'A', 'B']);
        expect(splitNames('')).to.equal([]);
    });
});
