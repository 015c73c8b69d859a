import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { FORUM_PERMISSIONS } from '../../plugin';
import { nameInWords, PERMISSION_TEXTS } from '../../plugin/pages/permission-texts';
import { fill, showForeign, showTime } from '../../plugin/pages/view/text';
import { STANDARD_SCOPES } from '../../plugin/scopes/registry';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const odd = (code: string): string => `<span class="odd">U+${code}</span>`;

describe('A text that somebody else has written', () => {
    const cases: [string, string, string][] = [
        ['is isolated', 'Photos', 'Photos'],
        ['is escaped', '<b>"&\'', '&lt;b&gt;&quot;&amp;&#x27;'],
        ['has its overrides spelled out', 'a\u202Egnp.exe', `a${odd('202E')}gnp.exe`],
        ['has its isolates spelled out', '\u2066a\u2069', `${odd('2066')}a${odd('2069')}`],
        ['has its blanks without width spelled out', 'Story\u200Bden', `Story${odd('200B')}den`],
        ['has control characters spelled out', 'a\u0000b\nc', `a${odd('0000')}b${odd('000A')}c`],
        ['has its tags spelled out', 'a\u{E0041}', `a${odd('E0041')}`],
        ['has what is nobody’s spelled out', '\uE000\uFFFF', `${odd('E000')}${odd('FFFF')}`],
        [
            'keeps emoji whole',
            '\u{1F426}\u200D\u2B1B \u2764\uFE0F 1\uFE0F\u20E3',
            '\u{1F426}\u200D\u2B1B \u2764\uFE0F 1\uFE0F\u20E3'
        ],
        ['keeps no joiner that joins nothing', 'a\u200Db', `a${odd('200D')}b`],
        ['keeps letters with marks', 'Kiểm tra é', 'Kiểm tra é'],
        [
            'has marks that pile up cut off',
            `a${'\u0301'.repeat(20)}b`,
            `a${'\u0301'.repeat(3)}<span class="odd">U+0301…</span>b`
        ],
        ['keeps other writing', 'مرحبا 読書', 'مرحبا 読書']
    ];
    for (const [what, text, html] of cases) {
        it(what, () => {
            expect(showForeign(text).toString()).to.equal(`<bdi>${html}</bdi>`);
        });
    }

    it('stands in a text of the forum’s, which is no HTML either', () => {
        const filled = fill('<i>{name}</i> {other} {name}', { name: showForeign('<b>'), other: '<u>' }).toString();
        expect(filled).to.equal('&lt;i&gt;<bdi>&lt;b&gt;</bdi>&lt;/i&gt; &lt;u&gt; <bdi>&lt;b&gt;</bdi>');
        // What it says in braces is not filled in.
        expect(fill('{a}{b}', { a: '{b}', b: 'x' }).toString()).to.equal('{b}x');
        expect(fill('{a}!', {}).toString()).to.equal('!');
    });
});

describe('The words of a page', () => {
    it('tell a time in the language of the page', () => {
        const iso = '2026-11-21T12:00:00.000Z';
        expect(showTime('en', iso).toString()).to.match(
            /^<time datetime="2026-11-21T12:00:00.000Z">Nov 21, 2026, 12:00.PM UTC<\/time>$/
        );
        expect(showTime('de', iso).toString()).to.contain('21.11.2026');
    });

    it('describe every permission and every standard scope', () => {
        for (const scope of [...FORUM_PERMISSIONS, ...STANDARD_SCOPES]) {
            expect(PERMISSION_TEXTS[scope]?.name, scope).to.match(/^[A-Z]/);
            expect(PERMISSION_TEXTS[scope]?.sentence, scope).to.match(/^[A-Z].*\.$/);
        }
        expect(Object.keys(PERMISSION_TEXTS)).to.have.length(FORUM_PERMISSIONS.length + STANDARD_SCOPES.length);
        expect(nameInWords('BAKE_CAKES')).to.equal('Bake cakes');
    });
});
