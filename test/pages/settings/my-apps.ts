import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type * as OAuth from '../../../plugin';
import { DEVICE_CODE, FRIGG, LOKI, type Forum } from '../../support/forum';
import { MINE, textOf, withPages } from '../../support/pages';
import { Visitor } from '../../support/visitor';
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

describe('The pages of a member’s own applications', () => {
    const BOT = {
        name: 'A bot',
        type: 'confidential',
        confidential_grants: 'client_credentials',
        scopes: 'CREATE_POST'
    };

    it('ignore the fields that do not apply to the chosen type and grants', async () => {
        const account = forum.addAccount();
        const browser = visitor(account);
        const list = async (): Promise<OAuth.ClientDescription> =>
            (await forum.as(account, 'GET', '/auth/oauth/clients')).body.clients[0];
        await browser.get(`${MINE}/new`);
        // Every box is checked, as after switching between the types.
        const everything = {
            name: '  Everything  ',
            public_grants: ['authorization_code', DEVICE_CODE],
            confidential_grants: ['client_credentials'],
            redirect_uris: ' https://app.example/cb \r\n\r\n',
            scopes: ['openid', 'CREATE_POST', 'offline_access'],
            stays_connected: '1'
        };
        expect((await browser.post(`${MINE}/new`, { ...everything, type: 'confidential' })).status).to.equal(200);
        expect(await list()).to.include({
            name: 'Everything',
            allowed_grants: ['client_credentials'],
            allowed_scopes: ['CREATE_POST'],
            redirect_uris: []
        });
        forum.pass(1);
        await browser.get(`${MINE}/new`);
        expect((await browser.post(`${MINE}/new`, { ...everything, type: 'public' })).status).to.equal(303);
        expect(await list()).to.include({
            allowed_grants: ['authorization_code', DEVICE_CODE, 'refresh_token'],
            allowed_scopes: ['openid', 'CREATE_POST', 'offline_access'],
            redirect_uris: ['https://app.example/cb']
        });
        await browser.get(`${MINE}/new`);
        expect((await browser.post(`${MINE}/new`, { ...everything, type: 'both' })).status).to.equal(400);
        await browser.get(`${MINE}/new`);
        const none = await browser.post(`${MINE}/new`, { name: 'None', type: 'public' });
        expect([none.status, none.html.includes('Choose at least one way')]).to.equal([400, true]);
        await browser.get(`${MINE}/new`);
        const held = await browser.post(`${MINE}/new`, { ...BOT, scopes: 'MANAGE_ROLES' });
        expect([held.status, held.html.includes('id="scopes_problem"')]).to.equal([400, true]);
        expect(held.html).to.contain('value="A bot"');
    });

    it('keep what was entered unchanged beside an error', async () => {
        const browser = visitor(forum.addAccount());
        await browser.get(`${MINE}/new`);
        const uris = '  https://app.example/#one\r\n\r\n  https://app.example/two';
        const form = { name: 'A', type: 'public', public_grants: 'authorization_code', redirect_uris: uris };
        const { html } = await browser.post(`${MINE}/new`, form);
        expect(html).to.contain(`>\n${uris}</textarea>`);
    });

    it('create an application and a secret once, even if the form is sent again', async () => {
        const account = forum.addAccount();
        const browser = visitor(account);
        await browser.get(`${MINE}/new`);
        const form = { ...BOT, form_id: browser.hidden('form_id'), form_token: browser.hidden('form_token') };
        const made = await browser.post(`${MINE}/new`, form);
        expect(made.html).to.match(/value="sdoas_[\w-]{43}"/);
        const again = await browser.post(`${MINE}/new`, form);
        expect([again.status, again.location]).to.equal([303, MINE]);
        expect((await browser.get(MINE)).html).to.contain('You already submitted this form');
        const { body } = await forum.as(account, 'GET', '/auth/oauth/clients');
        expect(body.clients).to.have.length(1);
        const path = `${MINE}/${body.clients[0].id}`;
        await browser.get(path);
        const rotate = {
            overlap_seconds: '3600',
            form_id: browser.hidden('form_id'),
            form_token: browser.hidden('form_token')
        };
        expect((await browser.post(`${path}/secret`, rotate)).html).to.contain('The old secret expires at');
        expect((await browser.post(`${path}/secret`, rotate)).location).to.equal(path);
        await browser.get(path);
        expect((await browser.post(`${path}/secret`, { overlap_seconds: '99' })).status).to.equal(400);
    });

    it('open to the owner only, and allow changes only with the permission to manage applications', async () => {
        const { client } = await forum.createClient(FRIGG);
        const stranger = visitor(forum.addAccount());
        await stranger.get(`${MINE}/new`);
        const token = stranger.hidden('form_token');
        for (const path of ['', '/delete']) {
            expect((await stranger.get(`${MINE}/${client.id}${path}`)).status).to.equal(404);
            expect(
                (await stranger.post(`${MINE}/${client.id}${path}`, { form_token: token, name: 'Mine' })).status
            ).to.equal(404);
        }
        expect(
            (await stranger.post(`${MINE}/${client.id}/secret`, { form_token: token, overlap_seconds: '0' })).status
        ).to.equal(404);

        const other = await withPages(database, { options: { permissions: { manageClients: 'CREATE_POST' } } });
        const loki = new Visitor(other.server, LOKI);
        expect((await loki.get(MINE)).html).not.to.contain(`${MINE}/new`);
        const { html, status } = await loki.get(`${MINE}/new`);
        expect([status, html.includes('have permission to create applications')]).to.equal([403, true]);
        other.account(FRIGG).permissions = [];
        const frigg = new Visitor(other.server, FRIGG);
        expect((await frigg.get(`${MINE}/${client.id}`)).html).not.to.contain('overlap_seconds');
        await other.stop();
    });

    it('show which permissions the owner has lost, and remove them with the next change', async () => {
        const account = forum.addAccount();
        const { client } = await forum.createClient(account, { allowed_scopes: ['CREATE_POST', 'READ_PROFILE'] });
        forum.account(account).permissions = ['READ_PROFILE'];
        const browser = visitor(account);
        const path = `${MINE}/${client.id}`;
        expect(textOf(await browser.get(path)))
            .to.contain('You no longer have these permissions')
            .and.contain('Write posts');
        await browser.post(path, { name: 'Renamed', scopes: 'READ_PROFILE' });
        const { body } = await forum.as(account, 'GET', `/auth/oauth/clients/${client.id}`);
        expect([body.name, body.allowed_scopes]).to.equal(['Renamed', ['READ_PROFILE']]);
        await browser.get(path);
        const wrong = await browser.post(path, { name: '\u200B', scopes: 'READ_PROFILE' });
        expect([wrong.status, wrong.html.includes('id="name_problem"')]).to.equal([400, true]);
    });

    it('list 50 applications per page', async () => {
        const account = forum.addAccount();
        await Promise.all(
            Array.from({ length: 51 }, (_, place) => forum.createClient(account, { name: `Bot ${place}` }))
        );
        const browser = visitor(account);
        expect((await browser.get(MINE)).html.match(/class="card link"/g)).to.have.length(50);
        expect((await browser.get(`${MINE}?page=2`)).html.match(/class="card link"/g)).to.have.length(1);
    });
});
