import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { mayBeOwnForm, mayBeScript, mayChangeState, type Headers } from '../../plugin/http/same-site';
import { ISSUER } from '../support/forum';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const APP = 'https://app.forum.example';
const EVIL = 'https://evil.example';

/** Headers, and whether they pass as a change of state and as a form. */
const TABLE: [Headers, boolean, boolean][] = [
    [{}, true, true],
    [{ origin: ISSUER }, true, true],
    [{ origin: APP }, true, false],
    [{ origin: EVIL }, false, false],
    [{ origin: 'null' }, false, true],
    [{ origin: 'null', 'sec-fetch-site': 'same-origin' }, false, true],
    [{ origin: 'null', 'sec-fetch-site': 'cross-site' }, false, false],
    [{ origin: ISSUER, 'sec-fetch-site': 'same-origin' }, true, true],
    [{ origin: ISSUER, 'sec-fetch-site': 'cross-site' }, true, false],
    [{ origin: APP, 'sec-fetch-site': 'same-site' }, true, false],
    [{ origin: EVIL, 'sec-fetch-site': 'same-origin' }, false, true],
    [{ 'sec-fetch-site': 'same-origin' }, true, true],
    [{ 'sec-fetch-site': 'none' }, true, true],
    [{ 'sec-fetch-site': 'same-site' }, false, false],
    [{ 'sec-fetch-site': 'cross-site' }, false, false],
    [{ 'sec-fetch-site': '' }, false, false],
    [{ 'sec-purpose': 'prefetch' }, false, true],
    [{ 'sec-purpose': 'Prefetch;Prerender', 'sec-fetch-site': 'same-origin' }, false, true],
    [{ 'sec-purpose': 'other' }, true, true]
];

describe('the cross-site rule', () => {
    it('decides by Origin and Sec-Fetch-Site, for each kind of request in its own way', () => {
        const allowed = new Set([ISSUER, APP]);
        for (const [headers, ...expected] of TABLE) {
            const found = [mayChangeState(headers, allowed), mayBeOwnForm(headers, ISSUER)];
            expect(found, JSON.stringify(headers)).to.equal(expected);
        }
    });

    it('tells what a script sends from what a picture, a frame or a link opens', () => {
        for (const destination of [undefined, 'empty']) {
            expect(mayBeScript({ 'sec-fetch-dest': destination })).to.be.true();
        }
        for (const destination of ['image', 'document', 'iframe', 'object', 'style', '']) {
            expect(mayBeScript({ 'sec-fetch-dest': destination }), destination).to.be.false();
        }
    });
});
