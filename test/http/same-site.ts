import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { isOwnNavigation, mayBeOwnForm, mayChangeState, type Headers } from '../../plugin/http/same-site';
import { ISSUER } from '../support/forum';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const APP = 'https://app.forum.example';
const EVIL = 'https://evil.example';

/** Headers, and whether they pass as a change of state, as a form and as a navigation. */
const TABLE: [Headers, boolean, boolean, boolean][] = [
    [{}, true, true, true],
    [{ origin: ISSUER }, true, true, true],
    [{ origin: APP }, true, false, false],
    [{ origin: EVIL }, false, false, false],
    [{ origin: 'null' }, false, true, false],
    [{ origin: 'null', 'sec-fetch-site': 'same-origin' }, false, true, false],
    [{ origin: 'null', 'sec-fetch-site': 'cross-site' }, false, false, false],
    [{ origin: ISSUER, 'sec-fetch-site': 'same-origin' }, true, true, true],
    [{ origin: ISSUER, 'sec-fetch-site': 'cross-site' }, true, false, false],
    [{ origin: APP, 'sec-fetch-site': 'same-site' }, true, false, false],
    [{ origin: EVIL, 'sec-fetch-site': 'same-origin' }, false, true, false],
    [{ 'sec-fetch-site': 'same-origin' }, true, true, true],
    [{ 'sec-fetch-site': 'none' }, true, true, true],
    [{ 'sec-fetch-site': 'same-site' }, false, false, false],
    [{ 'sec-fetch-site': 'cross-site' }, false, false, false],
    [{ 'sec-fetch-site': '' }, false, false, false],
    [{ 'sec-purpose': 'prefetch' }, false, true, false],
    [{ 'sec-purpose': 'Prefetch;Prerender', 'sec-fetch-site': 'same-origin' }, false, true, false],
    [{ 'sec-purpose': 'other' }, true, true, true]
];

describe('the cross-site rule', () => {
    it('decides by Origin and Sec-Fetch-Site, for each kind of request in its own way', () => {
        const allowed = new Set([ISSUER, APP]);
        for (const [headers, ...expected] of TABLE) {
            const found = [
                mayChangeState(headers, allowed),
                mayBeOwnForm(headers, ISSUER),
                isOwnNavigation(headers, ISSUER)
            ];
            expect(found, JSON.stringify(headers)).to.equal(expected);
        }
    });
});
