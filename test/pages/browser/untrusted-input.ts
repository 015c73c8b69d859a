import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { DEVICE_CODE, PagesInBrowser } from '../../support/pages-in-browser';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

let pages: PagesInBrowser;

before(async () => {
    pages = await PagesInBrowser.start();
});

after(async () => {
    await pages.stop();
});

for (const javaScriptEnabled of [true, false]) {
    describe(`Every page ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, { timeout: 60_000 }, () => {
        it('shows hostile names and redirect URIs as plain text, with invisible characters spelled out', async () => {
            const name = `<script>alert(1)</script> \u202Egnp.\u2066exe\u200B`;
            const hostile = 'https://photos.example/cb?x=%3Cscript%3Ealert(1)%3C/script%3E&"'.replace('"', "'");
            const { id, client_id: clientId } = await pages.createApp('frigg', { name, redirect_uris: [hostile] });
            const window = await pages.visit('frigg', '/settings/my-apps', javaScriptEnabled);
            const { page } = window;
            const shown = '<script>alert(1)</script> U+202Egnp.U+2066exeU+200B';
            expect(await window.text()).to.contain(shown);
            await page.goto(pages.at(`/settings/my-apps/${id}`));
            expect(await window.heading()).to.equal(shown);
            await page.goto(pages.at(pages.authorizePath(clientId, hostile)));
            expect(await window.heading()).to.equal(`Authorize ${shown}?`);
            expect(await page.locator('.host').innerText()).to.equal('photos.example');
            await page.goto(pages.at(`/settings/my-apps/${id}/delete`));
            expect(await window.heading()).to.equal(`Delete ${shown}?`);
            const admin = await pages.visit('odin', `/admin/apps/${id}`, javaScriptEnabled);
            expect(await admin.text()).to.contain([shown, hostile]);
            await admin.close();
            await window.close();
        });
    });
}

describe('Every page', { timeout: 60_000 }, () => {
    it('rejects forms from another site, even with a valid session and valid ids', async () => {
        const token = await pages.connect('frigg');
        const { id } = await pages.createApp('frigg', { name: 'Unchanged' });
        const api = await pages.signedIn('frigg');
        const { body } = await api.send('GET', '/api/auth/oauth/tokens?status=active');
        const { id: tokenId, oauth_client_id: clientId } = body.tokens[0];
        const device = await pages.device();
        await api.send('GET', `/api/oauth/device/consent?user_code=${device.user_code}`);
        const forms: [string, Record<string, string>][] = [
            ['/oauth/consent', { user_code: device.user_code, decision: 'approve' }],
            [`/settings/connected-apps/${clientId}/disconnect`, {}],
            [`/settings/connected-apps/sessions/${tokenId}/disconnect`, {}],
            ['/settings/my-apps/new', { name: 'Forged', type: 'public', public_grants: DEVICE_CODE }],
            [`/settings/my-apps/${id}/delete`, {}]
        ];
        const window = await pages.visit('frigg', '/');
        for (const [path, fields] of forms) {
            const inputs = Object.entries(fields)
                .map(([name, value]) => `<input name="${name}" value="${value}">`)
                .join('');
            // On the same host, so that the browser sends the session cookie: only the origin differs.
            const evil = `http://localhost:1/`;
            await window.context.route(evil, (route) =>
                route.fulfill({
                    contentType: 'text/html',
                    body: `<form method="post" action="${pages.at(path)}">${inputs}<button>Win</button></form>`
                })
            );
            await window.page.goto(evil);
            await window.button('Win');
            expect(await window.heading(), path).to.equal('Something went wrong');
            await window.context.unroute(evil);
        }
        expect((await pages.refresh(token)).status).to.equal(200);
        expect((await pages.poll(device)).body.error).to.equal('authorization_pending');
        const { body: mine } = await api.send('GET', '/api/auth/oauth/clients');
        const names = mine.clients.map(({ name }: { name: string }) => name);
        expect(names).to.include('Unchanged').and.not.include('Forged');
        await window.close();
    });
});
