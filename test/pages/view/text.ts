import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { FORUM_PERMISSIONS } from '../../../plugin';
import { nameInWords, PERMISSION_TEXTS } from '../../../plugin/pages/permission-texts';
import { fill, showForeign, showTime } from '../../../plugin/pages/view/text';
import { STANDARD_SCOPES } from '../../../plugin/scopes/registry';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const odd = (code: string): string => `<span class="odd">U+${code}</span>`;

describe('A text that a member chose', () => {
    const cases: [string, string, string][] = [
        ['is isolated', 'Photos', 'Photos'],
        ['is escaped', '<b>"&\'', '&lt;b&gt;&quot;&amp;&#x27;'],
        ['has direction overrides spelled out', 'a\u202Egnp.exe', `a${odd('202E')}gnp.exe`],
        ['has direction isolates spelled out', '\u2066a\u2069', `${odd('2066')}a${odd('2069')}`],
        ['has zero-width spaces spelled out', 'Story\u200Bden', `Story${odd('200B')}den`],
        ['has control characters spelled out', 'a\u0000b\nc', `a${odd('0000')}b${odd('000A')}c`],
        ['has tag characters spelled out', 'a\u{E0041}', `a${odd('E0041')}`],
        ['has private-use and unassigned characters spelled out', '\uE000\uFFFF', `${odd('E000')}${odd('FFFF')}`],
        [
            'keeps emoji whole',
            '\u{1F426}\u200D\u2B1B \u2764\uFE0F 1\uFE0F\u20E3',
            '\u{1F426}\u200D\u2B1B \u2764\uFE0F 1\uFE0F\u20E3'
        ],
        ['has a joiner outside an emoji spelled out', 'a\u200Db', `a${odd('200D')}b`],
        ['keeps letters with marks', 'Kiểm tra é', 'Kiểm tra é'],
        [
            'has more than three marks on a letter spelled out',
            `a${'\u0301'.repeat(20)}b`,
            `a${'\u0301'.repeat(3)}<span class="odd">U+0301…</span>b`
        ],
        ['keeps other scripts', 'مرحبا 読書', 'مرحبا 読書']
    ];
    for (const [what, text, html] of cases) {
        it(what, () => {
            expect(showForeign(text).toString()).to.equal(`<bdi>${html}</bdi>`);
        });
    }

    it('is inserted into a text, which is escaped as well', () => {
        const filled = fill('<i>{name}</i> {other} {name}', { name: showForeign('<b>'), other: '<u>' }).toString();
        expect(filled).to.equal('&lt;i&gt;<bdi>&lt;b&gt;</bdi>&lt;/i&gt; &lt;u&gt; <bdi>&lt;b&gt;</bdi>');
        // A value is not searched for placeholders.
        expect(fill('{a}{b}', { a: '{b}', b: 'x' }).toString()).to.equal('{b}x');
        expect(fill('{a}!', {}).toString()).to.equal('!');
    });
});

describe('The texts of a page', () => {
    it('show times in the language of the page', () => {
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
