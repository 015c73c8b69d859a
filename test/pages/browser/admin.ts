import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
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

for (const javaScriptEnabled of [true, false]) {
    describe(
        `The administrator pages ${javaScriptEnabled ? 'with' : 'without'} JavaScript`,
        { timeout: 60_000 },
        () => {
            it('list all applications, devices and sessions, and can end and delete them', async () => {
                const { id, client_id: clientId } = await pages.createApp('frigg', { name: unique('Zebra ') });
                const token = await pages.connect('frigg');
                const device = await pages.device();
                const window = await pages.visit('odin', '/settings/connected-apps', javaScriptEnabled);
                const { page } = window;
                await page.getByRole('link', { name: 'All apps' }).click();
                await page.getByLabel('Search').fill('zebra');
                await page.getByLabel('Type').selectOption('public');
                await window.button('Apply');
                // Counting does not wait for the new page.
                await page.waitForURL(/type=public/);
                const listed = page.getByRole('listitem').filter({ hasText: 'Zebra' });
                expect(await listed.count()).to.be.at.least(1);
                expect(await window.text()).not.to.contain('Storyden');
                await page.getByRole('link', { name: 'Clear filters' }).click();
                await page.getByRole('link', { name: 'Storyden', exact: true }).click();
                expect(await window.text()).to.contain(['Built-in applications can’t be changed', 'Active sessions']);

                await page.getByRole('link', { name: 'Devices' }).click();
                expect(await window.text()).to.contain([device.user_code, 'Pending']);
                await page.getByRole('link', { name: 'Sessions', exact: true }).click();
                await page.getByRole('link', { name: 'cc5lnd2s1s4652adtu5g' }).first().click();
                expect(await window.text()).to.contain('Sessions of Frigg (@frigg)');
                await page.getByLabel('Status').selectOption('active');
                await window.button('Apply');
                await page.waitForURL(/status=active/);
                expect((await pages.refresh(token)).status).to.equal(200);
                await page.reload();
                await page
                    .getByRole('button', { name: /End session of/ })
                    .first()
                    .click();
                await page.getByText('Session ended').waitFor();
                expect(page.url()).to.contain('account_id=cc5lnd2s1s4652adtu5g');

                await page.goto(pages.at(`/admin/apps?q=${clientId}`));
                await page.getByRole('link', { name: 'Zebra' }).click();
                await page.getByRole('link', { name: 'Delete application' }).click();
                await window.button('Delete application');
                await page.getByText('Application deleted').waitFor();
                expect((await page.goto(pages.at(`/admin/apps/${id}`)))!.status()).to.equal(404);
                await window.close();
            });
        }
    );
}
