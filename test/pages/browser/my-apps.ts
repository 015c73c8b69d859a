import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { unique } from '../../support/forum';
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
    describe(
        `The pages of a member’s own applications ${javaScriptEnabled ? 'with' : 'without'} JavaScript`,
        { timeout: 60_000 },
        () => {
            it('create a bot, show its secret once, rotate it with an overlap, and delete the bot', async () => {
                const window = await pages.visit('frigg', '/settings/my-apps', javaScriptEnabled);
                const { page } = window;
                const name = unique('Bot ');
                await page.getByRole('link', { name: 'New application' }).click();
                await page.getByLabel('Name', { exact: true }).fill(name);
                await page.getByLabel('Confidential').check();
                // Fields that do not apply to the chosen type and grants are hidden.
                expect(await page.getByLabel('Members enter a code').isVisible()).to.be.false();
                expect(await page.locator('#redirect_uris').isVisible()).to.be.true();
                await page.getByLabel('Members sign in with').locator('visible=true').uncheck();
                await page.getByLabel('As its owner').check();
                expect(await page.locator('#redirect_uris').isVisible()).to.be.false();
                expect(await page.getByLabel('Stays connected').isVisible()).to.be.false();
                expect(await page.getByLabel('Know who you are').isVisible()).to.be.false();
                await page.getByLabel('Read threads').check();
                await window.button('Create application');

                expect(await window.heading()).to.equal('Your client secret');
                const secret = await page.getByLabel('Client secret').inputValue();
                const clientId = await page.getByLabel('Client ID').inputValue();
                if (javaScriptEnabled) {
                    await window.context.grantPermissions(['clipboard-read', 'clipboard-write']);
                    await page.getByRole('button', { name: 'Copy' }).first().click();
                    await page.getByRole('button', { name: 'Copied' }).waitFor();
                    expect(await page.evaluate('navigator.clipboard.readText()')).to.equal(secret);
                }
                const used = await pages.clientCredentials(clientId, secret);
                expect([used.status, used.body.scope]).to.equal([200, 'READ_PUBLISHED_THREADS']);
                if (javaScriptEnabled) {
                    // Reloading leads to the application's page.
                    await page.reload();
                } else {
                    await page.getByRole('link', { name: 'I’ve copied it' }).click();
                }
                expect(await window.heading()).to.equal(name);
                expect(await page.content()).not.to.contain(secret);

                await page.getByLabel('Old secret').selectOption({ label: 'Expires in 1 hour' });
                await window.button('Generate new secret');
                const second = await page.getByLabel('Client secret').inputValue();
                expect(await window.text()).to.contain('The old secret expires at');
                expect((await pages.clientCredentials(clientId, secret)).status).to.equal(200);
                expect((await pages.clientCredentials(clientId, second)).status).to.equal(200);
                await page.getByRole('link', { name: 'I’ve copied it' }).click();
                await window.button('Generate new secret');
                const third = await page.getByLabel('Client secret').inputValue();
                expect((await pages.clientCredentials(clientId, second)).status).to.equal(401);
                expect((await pages.clientCredentials(clientId, third)).status).to.equal(200);

                await page.getByRole('link', { name: 'I’ve copied it' }).click();
                await page.getByRole('link', { name: 'Delete application' }).click();
                expect(await window.heading()).to.equal(`Delete ${name}?`);
                await page.getByRole('link', { name: 'Cancel' }).click();
                await page.getByRole('link', { name: 'Delete application' }).click();
                await window.button('Delete application');
                await page.getByText('Application deleted').waitFor();
                expect(await window.text()).not.to.contain(name);
                expect((await pages.clientCredentials(clientId, third)).status).to.equal(401);
                await window.close();
            });

            it('create every other kind of application, show errors at their fields, and save changes', async () => {
                const kinds: { type: string; grants: string[]; uri?: string; stored: string[]; secret: boolean }[] = [
                    {
                        type: 'Public',
                        grants: ['Members sign in with'],
                        uri: 'com.example.app:/callback',
                        stored: ['authorization_code', 'refresh_token'],
                        secret: false
                    },
                    {
                        type: 'Public',
                        grants: ['Members enter a code'],
                        stored: [DEVICE_CODE, 'refresh_token'],
                        secret: false
                    },
                    {
                        type: 'Confidential',
                        grants: ['Members sign in with', 'As its owner'],
                        uri: 'https://app.example/callback',
                        stored: ['authorization_code', 'client_credentials', 'refresh_token'],
                        secret: true
                    }
                ];
                const api = await pages.signedIn('frigg');
                const window = await pages.visit('frigg', '/settings/my-apps/new', javaScriptEnabled);
                const { page } = window;
                for (const [index, { type, grants, uri, stored, secret }] of kinds.entries()) {
                    const name = unique('App ');
                    await (index > 0 && page.goto(pages.at('/settings/my-apps/new')));
                    await page.getByLabel('Name', { exact: true }).fill(index === 0 ? 'Storyden' : name);
                    await page.getByLabel(type).check();
                    for (const label of ['Members sign in with', 'Members enter a code', 'As its owner']) {
                        const box = page.getByLabel(label).locator('visible=true');
                        if ((await box.count()) > 0) {
                            await box.setChecked(grants.includes(label));
                        }
                    }
                    if (uri !== undefined) {
                        await page.getByLabel('Redirect URIs').fill(`${uri}\nhttps://app.example/#b`);
                    }
                    await window.button('Create application');
                    if (index === 0) {
                        expect(await page.title()).to.startWith('Error: ');
                        expect(await page.locator('#name_problem').innerText()).to.contain(
                            'belongs to a built-in application'
                        );
                        expect(await page.getByLabel('Name', { exact: true }).getAttribute('aria-invalid')).to.equal(
                            'true'
                        );
                        await page.getByLabel('Name', { exact: true }).fill(name);
                        await window.button('Create application');
                    }
                    if (uri !== undefined) {
                        expect(await page.locator('#redirect_uris_problem').innerText()).to.contain('Redirect URI 2');
                        await page.getByLabel('Redirect URIs').fill(`\n${uri}\n`);
                        await window.button('Create application');
                    }
                    expect(await window.heading()).to.equal(secret ? 'Your client secret' : name);
                    const { body } = await api.send('GET', '/api/auth/oauth/clients');
                    const client = body.clients.find((each: { name: string }) => each.name === name);
                    expect(client.allowed_grants).to.equal(stored);
                    expect(client.redirect_uris).to.equal(uri === undefined ? [] : [uri]);
                    expect(client.allowed_scopes).to.equal(['openid', 'profile', 'offline_access']);

                    if (index < 2) {
                        continue;
                    }
                    await page.goto(pages.at(`/settings/my-apps/${client.id}`));
                    await page.getByLabel('Name', { exact: true }).fill(`${name} 2`);
                    await page.getByLabel('See your email').check();
                    await page.getByLabel('Stays connected').uncheck();
                    await window.button('Save changes');
                    await page.getByText('Changes saved').waitFor();
                    const { body: changed } = await api.send('GET', `/api/auth/oauth/clients/${client.id}`);
                    expect([changed.name, changed.allowed_scopes]).to.equal([
                        `${name} 2`,
                        ['openid', 'profile', 'email']
                    ]);
                    expect(changed.redirect_uris).to.equal(client.redirect_uris);
                }
                await window.close();
            });
        }
    );
}
