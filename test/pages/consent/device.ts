import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthDeviceAuthorization } from '../../../entities';
import { FRIGG, LOKI, ODIN, type Forum } from '../../support/forum';
import { MINE, textOf, withPages } from '../../support/pages';
import { createDevice } from '../../support/token-family';
import { Visitor, type Shown } from '../../support/visitor';
import { useDatabase } from '../../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const database = useDatabase(lab);
let forum: Forum;

before(async () => {
    forum = await withPages(database);
});

after(async () => {
    await forum.stop();
});

/** The account that has read a code. */
async function claimedBy(code: string): Promise<string | null> {
    const userCode = code.replace('-', '');
    const devices = forum.dataSource.getRepository(OAuthDeviceAuthorization);
    return (await devices.findOneByOrFail({ userCode })).claimedByAccountId;
}

const visitor = (accountId?: string): Visitor => new Visitor(forum.server, accountId);

describe('The device page', () => {
    it('lets an account without the permission deny, but not approve', async () => {
        const { user_code: code } = await forum.device();
        const browser = visitor(LOKI);
        const { html, status } = await browser.get('/oauth/consent');
        expect([status, html.includes('have permission to authorize applications')]).to.equal([403, true]);
        // The account loses the permission between reading and approving.
        const account = forum.addAccount();
        const member = visitor(account);
        await member.enterCode(code);
        const token = member.hidden('form_token');
        forum.account(account).permissions = [];
        expect((await member.post('/oauth/consent', { user_code: code, decision: 'approve' })).status).to.equal(403);
        const denied = await member.post('/oauth/consent', { form_token: token, user_code: code, decision: 'deny' });
        expect([denied.status, textOf(denied).includes('Request denied')]).to.equal([200, true]);
    });

    it('claims a code for the first account that sends its form, and by no URL at all', async () => {
        const { user_code: code } = await forum.device();
        const others: Record<string, string>[] = [
            {},
            { 'sec-fetch-site': 'none' },
            { 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'image' },
            { 'sec-fetch-site': 'cross-site' },
            { 'sec-purpose': 'prefetch;prerender' }
        ];
        for (const headers of others) {
            const { html, status } = await visitor(FRIGG).get(`/oauth/consent?user_code=${code}`, headers);
            expect([status, html.includes(`value="${code}"`), html.includes('value="approve"')]).to.equal([
                200,
                true,
                false
            ]);
        }
        // A form without the token of this browser, as another site or a post could send it.
        const forged = await visitor(FRIGG).post('/oauth/consent', { user_code: code, form_token: 'x' });
        expect(forged.status).to.equal(403);
        expect(await claimedBy(code)).to.be.null();

        const account = forum.addAccount();
        const first = await visitor(account).enterCode(code);
        expect(textOf(first)).to.contain([code, 'Authorize']);
        expect(await claimedBy(code)).to.equal(account);
        const second = await visitor(FRIGG).enterCode(code);
        expect([second.status, textOf(second).includes('Someone else already entered this code')]).to.equal([
            400,
            true
        ]);
    });

    it('counts no wrong code of a picture in a post', async () => {
        const account = forum.addAccount();
        const picture = { 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'image' };
        for (let shown = 0; shown < 12; ++shown) {
            const path = '/oauth/device/consent?user_code=AAAA-AAAA';
            expect((await forum.as(account, 'GET', path, undefined, picture)).status).to.equal(403);
            await visitor(account).get('/oauth/consent?user_code=AAAA-AAAA', picture);
        }
        const { user_code: code } = await forum.device();
        expect(textOf(await visitor(account).enterCode(code))).to.contain('Authorize');
    });

    it('limits wrong codes, and says when to try again', async () => {
        const browser = visitor(forum.addAccount());
        for (let wrong = 0; wrong < 10; ++wrong) {
            expect((await browser.enterCode('AAAAAAAA')).status).to.equal(400);
        }
        const { headers, html, status } = await browser.enterCode('AAAAAAAA');
        expect([status, headers['retry-after']]).to.equal([429, '600']);
        expect(html).to.contain('Try again in 10 min');
    });

    it('accepts only approve and deny, only after the code was read, and decides once', async () => {
        const account = forum.addAccount();
        const browser = visitor(account);
        const { user_code: code } = await forum.device();
        const open = (): Promise<Shown> => browser.get(`${MINE}/new`);
        await open();
        expect((await browser.post('/oauth/consent', { user_code: code, decision: 'perhaps' })).status).to.equal(400);
        await open();
        expect(
            (await browser.post('/oauth/consent', { user_code: 'x'.repeat(100), decision: 'deny' })).status
        ).to.equal(400);
        await open();
        // The account has not read the code yet.
        expect((await browser.post('/oauth/consent', { user_code: code, decision: 'approve' })).status).to.equal(400);
        await browser.enterCode(code);
        const token = browser.hidden('form_token');
        const fields = { form_token: token, user_code: code, decision: 'approve' };
        expect(textOf(await browser.post('/oauth/consent', fields))).to.contain('Application authorized');
        // A second click, even on the other button, shows what was decided.
        for (const decision of ['approve', 'deny']) {
            const again = await browser.post('/oauth/consent', { ...fields, decision });
            expect([again.status, textOf(again).includes('Application authorized')]).to.equal([200, true]);
        }
    });

    it('warns about administrator access, and shows the owner and when the request was made', async () => {
        const device = await createDevice(forum, 'openid ADMINISTRATOR CREATE_POST', ODIN);
        const { user_code: code } = await forum.device({ client_id: device.client_id, scope: device.scope });
        forum.pass(120);
        const shown = await visitor(ODIN).enterCode(code);
        expect(textOf(shown)).to.contain([
            'gives the application full administrator access',
            'Full administrator access',
            'Created by Odin (@ odin',
            'Write posts'
        ]);
        const asked = new Date(forum.now - 120_000).toISOString();
        expect(shown.html).to.contain(`datetime="${asked}"`);
        forum.accounts.delete(ODIN);
        // The application of an owner who may not act goes nowhere.
        expect((await visitor(forum.addAccount()).enterCode(code)).status).to.equal(400);
        forum.accounts.set(ODIN, { id: ODIN, handle: 'odin', name: 'Odin', permissions: ['ADMINISTRATOR'] });
    });
});
