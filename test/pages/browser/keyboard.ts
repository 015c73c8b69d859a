import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { Window } from '../../support/chromium';
import { unique } from '../../support/forum';
import { PagesInBrowser } from '../../support/pages-in-browser';

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

describe('The pages', { timeout: 60_000 }, () => {
    it('can be used with the keyboard alone by a member', async () => {
        const device = await pages.device();
        const window = await Window.open(pages.browser);
        const { page } = window;
        const { keyboard } = page;
        await page.goto(pages.at('/oauth/consent'));
        await page.locator('#handle:focus').waitFor();
        await keyboard.type('frigg');
        await keyboard.press('Tab');
        await keyboard.type('password');
        await keyboard.press('Enter');
        await page.waitForURL(pages.at('/oauth/consent'));
        await page.locator('#user_code:focus').waitFor();
        // The script inserts the hyphen.
        await keyboard.type(device.user_code.replace('-', '').toLowerCase());
        expect(await page.getByLabel('Code').inputValue()).to.equal(device.user_code);
        await keyboard.press('Enter');
        await page.getByRole('heading', { name: 'Authorize Storyden?' }).waitFor();
        await window.tabTo('[value=approve]');
        await keyboard.press('Enter');
        await page.getByText('Return to your device').waitFor();
        expect((await pages.poll(device)).status).to.equal(200);

        await page.goto(pages.at('/settings/connected-apps'));
        await keyboard.press('Tab');
        expect(await page.locator(':focus').innerText()).to.equal('Skip to content');
        await keyboard.press('Enter');
        await window.tabTo('[aria-label="Disconnect Storyden"]');
        await keyboard.press('Enter');
        await page.getByText('Application disconnected').waitFor();

        await page.goto(pages.at('/settings/my-apps/new'));
        await window.tabTo('#name');
        await keyboard.type('By keyboard');
        await window.tabTo('[name=type]');
        await keyboard.press('ArrowDown');
        await window.tabTo('[value=client_credentials]');
        await keyboard.press('Space');
        await window.tabTo('#redirect_uris');
        await keyboard.type('https://app.example/callback');
        await window.tabTo('button.primary');
        await keyboard.press('Enter');
        await page.getByRole('heading', { name: 'Your client secret' }).waitFor();
        await window.tabTo('a.primary');
        await keyboard.press('Enter');
        await page.getByRole('heading', { name: 'By keyboard' }).waitFor();
        await window.tabTo('#overlap_seconds');
        await keyboard.press('ArrowDown');
        await window.tabTo('[action$="/secret"] button');
        await keyboard.press('Enter');
        await page.getByText('The old secret expires at').waitFor();
        await window.tabTo('a.primary');
        await keyboard.press('Enter');
        await page.getByRole('heading', { name: 'By keyboard' }).waitFor();
        await window.tabTo('a.danger');
        await keyboard.press('Enter');
        await page.getByRole('heading', { name: 'Delete By keyboard?' }).waitFor();
        await window.tabTo('button.danger');
        await keyboard.press('Enter');
        await page.getByText('Application deleted').waitFor();
        await window.close();
    });

    it('can be used with the keyboard alone to decide requests, and by an administrator', async () => {
        const { id, client_id: clientId } = await pages.createApp('frigg', { name: unique('Keys ') });
        const device = await pages.device();
        const window = await pages.visit('odin', `/oauth/consent?user_code=${device.user_code}`);
        const { page } = window;
        const { keyboard } = page;
        await page.locator('#user_code:focus').waitFor();
        await keyboard.press('Enter');
        await page.getByRole('heading', { name: 'Authorize Storyden?' }).waitFor();
        await window.tabTo('[value=deny]');
        await keyboard.press('Enter');
        await page.getByRole('heading', { name: 'Request denied' }).waitFor();
        expect((await pages.poll(device)).body.error).to.equal('access_denied');

        await window.context.route('https://photos.example/**', (route) => route.fulfill({ body: 'Photos' }));
        for (const [decision, parameter] of [
            ['approve', 'code'],
            ['deny', 'error']
        ] as const) {
            await page.goto(pages.at(pages.authorizePath(clientId)));
            await window.tabTo(`[value=${decision}]`);
            await keyboard.press('Enter');
            await page.waitForURL((url) => url.hostname === 'photos.example' && url.searchParams.has(parameter));
        }

        const token = await pages.connect('frigg');
        await page.goto(pages.at('/admin/apps'));
        await window.tabTo('#q');
        await keyboard.type('storyden-cli');
        await keyboard.press('Enter');
        await page.waitForURL(/q=storyden-cli/);
        await window.tabTo('.card.link a');
        await keyboard.press('Enter');
        await page.getByRole('heading', { name: 'Storyden' }).waitFor();
        await window.tabTo('button.danger');
        await keyboard.press('Enter');
        await page.getByText('Session ended').waitFor();
        expect((await pages.refresh(token)).body.error).to.equal('invalid_grant');
        await page.goto(pages.at(`/admin/apps/${id}`));
        await window.tabTo('a.danger');
        await keyboard.press('Enter');
        await page.getByRole('button', { name: 'Delete application' }).waitFor();
        await window.tabTo('button.danger');
        await keyboard.press('Enter');
        await page.getByText('Application deleted').waitFor();
        await window.close();
    });
});
