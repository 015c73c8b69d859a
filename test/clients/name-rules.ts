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
        for (const name of [' ', '\u00a0\u3000', '\u200b', '\u200b \u2060', '\u2800', '\u{1d159}']) {
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
            'stra\u00dfe  \u03c3\u03c3',
            // A blank symbol, a Cyrillic letter, a note without a head, dots below.
            'Storyden\u2800',
            'St\u043eryden',
            '\u0405t\u043er\u0443d\u0435n',
            'Storyden\u{1d159}',
            'Storyd\u0323e\u0323n\u0323',
            'St\u1ecdryden',
            'St0ryden',
            // Shown from right to left, as a whole, in part, or by an order of its words.
            '\u202EnedyrotS',
            'Stor\u202Enedy',
            '\u202EnedyrotS\u202C',
            '\u200Fden\u200FStory',
            '\u{1d5e6}\u{1d601}\u{1d5fc}\u{1d5ff}\u{1d606}\u{1d5f1}\u{1d5f2}\u{1d5fb}'
        ]) {
            expect(check(name), JSON.stringify(name)).to.equal('name reserved');
        }
        for (const name of ['Storyden helper', 'Story', '\u0418\u0441\u0442\u043e\u0440\u0438\u044f']) {
            expect(check(name), name).to.be.null();
        }
    });
});
