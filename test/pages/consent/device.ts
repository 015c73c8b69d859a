import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
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

const visitor = (accountId?: string): Visitor => new Visitor(forum.server, accountId);

describe('The device page', () => {
    it('lets an account without the permission deny, but not approve', async () => {
        const { user_code: code } = await forum.device();
        const browser = visitor(LOKI);
        const { html, status } = await browser.get(`/oauth/consent?user_code=${code}`);
        expect([status, html.includes('have permission to authorize applications')]).to.equal([403, true]);
        // The account loses the permission between reading and approving.
        const account = forum.addAccount();
        const member = visitor(account);
        await member.get(`/oauth/consent?user_code=${code}`);
        const token = member.hidden('form_token');
        forum.account(account).permissions = [];
        expect((await member.post('/oauth/consent', { user_code: code, decision: 'approve' })).status).to.equal(403);
        const denied = await member.post('/oauth/consent', { form_token: token, user_code: code, decision: 'deny' });
        expect([denied.status, textOf(denied).includes('Request denied')]).to.equal([200, true]);
    });

    it('claims a code for the first account that reads it, but never for a link or prefetch from another site', async () => {
        const { user_code: code } = await forum.device();
        const url = `/oauth/consent?user_code=${code}`;
        const others: Record<string, string>[] = [
            { 'sec-fetch-site': 'cross-site' },
            { 'sec-fetch-site': 'same-site' },
            { origin: 'https://elsewhere.example' },
            { origin: 'null' },
            { 'sec-purpose': 'prefetch;prerender' }
        ];
        for (const headers of others) {
            const { html, status } = await visitor(FRIGG).get(url, headers);
            expect([status, html.includes(`value="${code}"`), html.includes('value="approve"')]).to.equal([
                200,
                true,
                false
            ]);
        }
        const account = forum.addAccount();
        const first = await visitor(account).get(url, { 'sec-fetch-site': 'none' });
        expect(textOf(first)).to.contain([code, 'Authorize']);
        const second = await visitor(FRIGG).get(url);
        expect([second.status, textOf(second).includes('Someone else already entered this code')]).to.equal([
            400,
            true
        ]);
    });

    it('limits wrong codes, and says when to try again', async () => {
        const browser = visitor(forum.addAccount());
        for (let wrong = 0; wrong < 10; ++wrong) {
            expect((await browser.get('/oauth/consent?user_code=AAAAAAAA')).status).to.equal(400);
        }
        const { headers, html, status } = await browser.get('/oauth/consent?user_code=AAAAAAAA');
        expect([status, headers['retry-after']]).to.equal([429, '600']);
        expect(html).to.contain('Try again in 10 min');
    });

    it('accepts only approve and deny, only after the code was read, and only once', async () => {
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
        await browser.get(`/oauth/consent?user_code=${code}`);
        const token = browser.hidden('form_token');
        const fields = { form_token: token, user_code: code, decision: 'approve' };
        expect(textOf(await browser.post('/oauth/consent', fields))).to.contain('Application authorized');
        expect((await browser.post('/oauth/consent', fields)).status).to.equal(400);
    });

    it('warns about administrator access, and shows the owner and when the request was made', async () => {
        const device = await createDevice(forum, 'openid ADMINISTRATOR CREATE_POST', ODIN);
        const { user_code: code } = await forum.device({ client_id: device.client_id, scope: device.scope });
        forum.pass(120);
        const shown = await visitor(ODIN).get(`/oauth/consent?user_code=${code}`);
        expect(textOf(shown)).to.contain([
            'gives the application full administrator access',
            'Full administrator access',
            'Created by Odin (@ odin',
            'Write posts'
        ]);
        const asked = new Date(forum.now - 120_000).toISOString();
        expect(shown.html).to.contain(`datetime="${asked}"`);
        forum.accounts.delete(ODIN);
        const gone = await visitor(forum.addAccount()).get(
            `/oauth/consent?user_code=${(await forum.device({ client_id: device.client_id, scope: 'openid MANAGE_ROLES' }).catch(() => ({ user_code: '' }))).user_code}`
        );
        expect(gone.status).to.equal(200);
        forum.accounts.set(ODIN, { id: ODIN, handle: 'odin', name: 'Odin', permissions: ['ADMINISTRATOR'] });
    });
});
