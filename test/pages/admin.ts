import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthClient } from '../../entities';
import { createApp } from '../support/authorization';
import { CLI, DEVICE_CODE, FRIGG, ODIN, type Forum } from '../support/forum';
import { ABSENT, ADMIN, CONNECTED, MINE, textOf, withPages } from '../support/pages';
import { Visitor } from '../support/visitor';
import { useDatabase } from '../support/setup';

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

describe('The administrator pages', () => {
    it('refuse other accounts', async () => {
        const { client } = await forum.createClient(FRIGG);
        const browser = visitor(FRIGG);
        await browser.get(`${MINE}/new`);
        const token = browser.hidden('form_token');
        for (const path of [
            ADMIN,
            `${ADMIN}/devices`,
            `${ADMIN}/tokens`,
            `${ADMIN}/${client.id}`,
            `${ADMIN}/${client.id}/delete`
        ]) {
            const { html, status } = await browser.get(path);
            expect([status, html.includes('have permission to do this')], path).to.equal([403, true]);
        }
        expect((await browser.post(`${ADMIN}/${client.id}/delete`, { form_token: token })).status).to.equal(403);
        expect((await browser.post(`${ADMIN}/tokens/${ABSENT}/end`, { form_token: token })).status).to.equal(403);
    });

    it('show who owns an application, and refuse to delete a built-in one', async () => {
        const odin = visitor(ODIN);
        const { client } = await forum.createClient(FRIGG, { name: 'Hers' });
        expect(textOf(await odin.get(`${ADMIN}/${client.id}`))).to.contain(['Hers', 'Frigg', 'No active sessions']);
        const owned = await odin.get(`${ADMIN}?owner=${FRIGG}&type=confidential`);
        expect(textOf(owned))
            .to.contain(['Hers', 'Applications owned by account', 'Clear filters'])
            .and.not.contain('Storyden');
        const { body: orphan } = await forum.as(ODIN, 'POST', '/admin/oauth/clients', {
            name: 'Nobody’s',
            type: 'public',
            scope_policy: 'inherit',
            allowed_grants: [DEVICE_CODE],
            allowed_scopes: ['openid']
        });
        expect(textOf(await odin.get(`${ADMIN}/${orphan.id}`))).to.contain([
            'Owner None',
            'All permissions of its user'
        ]);
        const [builtIn] = (
            await forum.server.plugins['hapi-forum-oauth'].admin.listClients(ODIN, { search: CLI.client_id })
        ).clients;
        expect(textOf(await odin.get(`${ADMIN}/${builtIn!.id}`))).to.contain('can’t be changed or deleted');
        await odin.get(`${MINE}/new`);
        expect((await odin.post(`${ADMIN}/${builtIn!.id}/delete`)).status).to.equal(409);
    });

    it('filter applications by source and status, and say when a document was read', async () => {
        const odin = visitor(ODIN);
        const { client: known } = await forum.createClient(FRIGG, { name: 'Known by a document' });
        const { client: stopped } = await forum.createClient(FRIGG, { name: 'Stopped' });
        await forum.dataSource
            .getRepository(OAuthClient)
            .update(known.id, { source: 'metadata_document', accountId: null, metadataFetchedAt: forum.now });
        await forum.as(ODIN, 'PATCH', `/admin/oauth/clients/${stopped.id}`, { status: 'suspended' });

        const documents = textOf(await odin.get(`${ADMIN}?source=metadata_document`));
        expect(documents).to.contain(['Known by a document', 'Describes itself', 'Clear filters']);
        expect(documents).to.not.contain('Stopped').and.not.contain('Storyden');
        const suspended = textOf(await odin.get(`${ADMIN}?status=suspended&source=member`));
        expect(suspended).to.contain('Stopped').and.not.contain('Known by a document');
        expect(textOf(await odin.get(`${ADMIN}/${known.id}`))).to.contain([
            'Known by its document',
            'Document last read at'
        ]);

        const ids = async (query: string): Promise<string[]> => {
            const { body } = await forum.as(ODIN, 'GET', `/admin/oauth/clients?${query}`);
            return (body.clients as { id: string }[]).map(({ id }) => id);
        };
        expect(await ids('source=metadata_document')).to.equal([known.id]);
        expect(await ids('status=suspended')).to.equal([stopped.id]);
        expect(await ids('status=suspended&source=metadata_document')).to.equal([]);
        expect((await forum.as(ODIN, 'GET', '/admin/oauth/clients?source=elsewhere')).status).to.equal(400);
    });

    it('show sessions in every state, and return to the page where one was ended', async () => {
        const account = forum.addAccount();
        const odin = visitor(ODIN);
        const first = await forum.signIn(account);
        await forum.refresh(first.refresh_token);
        await forum.signIn(account);
        const { body } = await forum.as(account, 'GET', '/auth/oauth/tokens?status=active');
        const here = `${ADMIN}/tokens?account_id=${account}`;
        const shown = await odin.get(here);
        expect(textOf(shown)).to.contain(['Replaced', 'Active', `Sessions of A member (@ ${account} )`]);
        const back = odin.hidden('back').replaceAll('&#x3D;', '=');
        expect(back).to.equal(here);
        const ended = await odin.post(`${ADMIN}/tokens/${body.tokens[0].id}/end`, { back });
        expect([ended.status, ended.location]).to.equal([303, here]);
        expect(textOf(await odin.get(here))).to.contain('Revoked');
        for (const elsewhere of [
            'https://evil.example/',
            '//evil.example',
            '/elsewhere',
            `${ADMIN}evil`,
            `${ADMIN}/\r\nx: y`,
            ''
        ]) {
            await odin.get(here);
            const response = await odin.post(`${ADMIN}/tokens/${body.tokens[0].id}/end`, { back: elsewhere });
            expect(response.location, elsewhere).to.equal(`${ADMIN}/tokens`);
        }
        forum.pass(31 * 24 * 3600);
        expect(textOf(await odin.get(`${here}&status=expired`))).to.contain('Expired');
        expect((await odin.get(`${ADMIN}/tokens?account_id=nobody&status=nothing`)).html).to.contain(
            'No sessions found.'
        );
    });

    it('show devices in every state', async () => {
        const odin = visitor(ODIN);
        const account = forum.addAccount();
        await forum.signIn(account);
        await forum.decide(account, (await forum.device()).user_code);
        await forum.decide(account, (await forum.device()).user_code, 'deny');
        const { user_code: late } = await forum.device();
        forum.pass(601);
        const { user_code: waiting } = await forum.device();
        const text = textOf(await odin.get(`${ADMIN}/devices`));
        expect(text).to.contain([`${late} Expired`, `${waiting} Pending`, 'Approved', 'Denied', 'Connected', account]);
    });

    it('suspend and reactivate an application, and say whether the forum vouches for it', async () => {
        const odin = visitor(ODIN);
        const { client } = await forum.createClient(FRIGG, { name: 'Watched' });
        const path = `${ADMIN}/${client.id}`;
        const review = async (fields: Record<string, string>): Promise<string> => {
            await odin.get(path);
            const sent = await odin.post(`${path}/review`, fields);
            expect([sent.status, sent.location], JSON.stringify(fields)).to.equal([303, path]);
            return textOf(await odin.get(path));
        };
        expect(await review({ review: 'suspend', suspended_reason: 'Sends <b>spam</b>' })).to.contain([
            'Application suspended',
            'Sends &lt;b&gt;spam&lt;/b&gt;',
            'Reactivate application'
        ]);
        const frigg = visitor(FRIGG);
        const own = await frigg.get(`${MINE}/${client.id}`);
        expect(textOf(own)).to.contain(['An administrator suspended this application', 'Sends']);
        expect(own.html).not.to.contain(['Generate new secret', 'Delete application']);
        expect((await frigg.post(`${MINE}/${client.id}/delete`)).status).to.equal(409);
        expect(textOf(await odin.get(ADMIN))).to.contain('Suspended');
        expect(await review({ review: 'reactivate' })).to.contain(['Application reactivated', 'Suspend application']);
        expect(await review({ review: 'verify' })).to.contain('The forum vouches for this application.');
        expect(await review({ review: 'unverify' })).to.contain('Nobody vouches for this application.');
        await odin.get(path);
        expect((await odin.post(`${path}/review`, { review: 'constructor' })).status).to.equal(400);
        await frigg.get(MINE);
        expect((await frigg.post(`${path}/review`, { review: 'verify' })).status).to.equal(403);
    });

    it('name the owner wherever they name an application', async () => {
        const odin = visitor(ODIN);
        const account = forum.addAccount();
        const grants = ['authorization_code', DEVICE_CODE, 'refresh_token'];
        const app = await createApp(forum, { name: 'Storyd\u0435n news', allowed_grants: grants }, FRIGG);
        await forum.signIn(account, { client_id: app.client_id, scope: 'openid offline_access' });
        for (const path of [ADMIN, `${ADMIN}/devices`, `${ADMIN}/tokens?account_id=${account}`]) {
            expect(textOf(await odin.get(path)), path).to.contain(['Storyd\u0435n news', 'Created by Frigg']);
        }
        expect(textOf(await odin.get(ADMIN))).to.contain('Built into this forum');
        const connected = textOf(await visitor(account).get(CONNECTED));
        expect(connected).to.contain(['Storyd\u0435n news', 'Created by Frigg (@ frigg']);
    });
});
