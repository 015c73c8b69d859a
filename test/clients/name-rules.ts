import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { checkName } from '../../plugin/clients/name-rules';
import { refusal } from '../support/refusal';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

describe('the name of a client', () => {
    const settings = {
        firstPartyClients: [
            { clientId: 'storyden-cli', name: 'Storyden' },
            { clientId: 'strasse', name: 'Stra\u00dfe \u03a3\u03a3' }
        ]
    };
    const check = (name: string): string | null => refusal(() => checkName(name, settings));

    it('has 1 to 200 characters, however many code units each takes', () => {
        expect(check('x')).to.be.null();
        expect(check('x'.repeat(200))).to.be.null();
        expect(check('\u{1f600}'.repeat(200))).to.be.null();
        expect(check('\u00e9'.repeat(200))).to.be.null();
        expect(check('x'.repeat(201))).to.equal('name length');
        expect(check('\u{1f600}'.repeat(201))).to.equal('name length');
        expect(check('')).to.equal('name length');
    });

    it('is not blank', () => {
        for (const name of [' ', '\u00a0\u3000', '\u200b', '\u200b \u2060']) {
            expect(check(name), JSON.stringify(name)).to.equal('name length');
        }
    });

    it('can be in any language', () => {
        for (const name of [
            'B\u00fccherwurm',
            '\u8aad\u66f8',
            '\u0627\u0644\u0642\u0627\u0631\u0626',
            'O\u2019Reilly & "S\u00f6hne" <b>',
            '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}'
        ]) {
            expect(check(name), name).to.be.null();
        }
    });

    it('has no control characters', () => {
        for (const character of ['\0', '\t', '\n', '\r', '\x1b', '\x7f', '\x85', '\x9f', '\u2028', '\u2029']) {
            expect(check(`a${character}b`), JSON.stringify(character)).to.equal('name characters');
        }
    });

    it('can have characters that change the direction of text, which pages isolate', () => {
        for (const character of ['\u202a', '\u202d', '\u202e', '\u2066', '\u2067', '\u2068', '\u2069']) {
            expect(check(`a${character}b`), JSON.stringify(character)).to.be.null();
        }
    });

    it('has no unpaired surrogate', () => {
        for (const name of ['\ud83d', 'a\ud800b', '\udc00', '\ude00\ud83d']) {
            expect(check(name), JSON.stringify(name)).to.equal('name characters');
        }
    });

    it('cannot look like the name of a built-in client', () => {
        for (const name of [
            'Storyden',
            'storyden',
            'STORYDEN',
            ' Storyden ',
            '\u00a0Storyden',
            '\uff33toryden',
            '\u017ftoryden',
            'Story\u200bden',
            'Story\u00adden',
            '\ufeffStoryden',
            'STRASSE \u03c3\u03c2',
            'stra\u00dfe  \u03c3\u03c3'
        ]) {
            expect(check(name), JSON.stringify(name)).to.equal('name reserved');
        }
        expect(check('Storyden helper')).to.be.null();
    });
});
