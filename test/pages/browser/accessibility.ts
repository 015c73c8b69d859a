import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { Window } from '../../support/chromium';
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
    it('pass axe in light and dark mode, and fit a screen of 320 pixels', async () => {
        await Promise.all([pages.connect('odin'), pages.connect('odin')]);
        const { id, client_id: clientId } = await pages.createApp('odin', {
            allowed_scopes: ['openid', 'profile', 'offline_access', 'CREATE_POST', 'ADMINISTRATOR']
        });
        const long = await pages.createApp('odin', {
            name: 'W'.repeat(200),
            redirect_uris: [`https://${'photos.'.repeat(30)}example/callback`]
        });
        const bot = await pages.createApp('odin', {
            name: 'Weather bot',
            type: 'confidential',
            redirect_uris: [],
            allowed_grants: ['client_credentials'],
            allowed_scopes: ['CREATE_POST']
        });
        const { body: clients } = await (await pages.signedIn('odin')).send('GET', '/api/admin/oauth/clients');
        const builtIn = clients.clients.find((client: { client_id: string }) => client.client_id === 'storyden-cli').id;
        const [odins, friggs] = [await pages.device(), await pages.device()];
        const uri = 'https://photos.example/callback';
        const paths = [
            '/oauth/consent',
            `/oauth/consent?user_code=${odins.user_code}`,
            pages.authorizePath(clientId, uri, 'openid CREATE_POST ADMINISTRATOR MANAGE_POSTS email'),
            pages.authorizePath(long.client_id, `https://${'photos.'.repeat(30)}example/callback`),
            '/oauth/authorize/consent?request_id=unknown',
            '/settings/connected-apps',
            '/settings/my-apps',
            '/settings/my-apps/new',
            `/settings/my-apps/${id}`,
            `/settings/my-apps/${bot.id}`,
            `/settings/my-apps/${long.id}/delete`,
            '/admin/apps',
            `/admin/apps/${builtIn}`,
            '/admin/apps/devices',
            '/admin/apps/tokens'
        ];
        // Several windows at once, because axe is slow.
        const found: string[] = [];
        const check = async (window: Window): Promise<void> => {
            await window.page.setViewportSize({ width: 1000, height: 800 });
            found.push(...(await window.violations()));
            const excess = await window.overflow();
            if (excess > 0) {
                found.push(`${window.page.url()} is ${excess} pixels too wide`);
            }
        };
        const queue = [...paths];
        const work = async (): Promise<void> => {
            const window = await pages.visit('odin', '/');
            for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
                await window.page.goto(pages.at(path));
                await check(window);
            }
            await window.close();
        };
        const forms = async (): Promise<void> => {
            const window = await pages.visit('frigg', `/oauth/consent?user_code=${friggs.user_code}`);
            await window.button('Continue');
            await window.page.getByRole('heading', { name: 'Authorize Storyden?' }).waitFor();
            await check(window);
            await window.page.setViewportSize({ width: 1000, height: 800 });
            await window.button('Authorize');
            await window.page.getByText('Return to your device').waitFor();
            await check(window);
            await window.page.goto(pages.at('/oauth/consent?user_code=AAAAAAAA'));
            await window.button('Continue');
            await window.page.getByText('This code is incorrect').waitFor();
            await check(window);
            await window.page.goto(pages.at('/settings/my-apps/new'));
            await window.page.getByLabel('Name', { exact: true }).fill(' ');
            await window.button('Create application');
            await check(window);
            await window.page.setViewportSize({ width: 1000, height: 800 });
            await window.page.getByLabel('Confidential').check();
            await window.page.getByLabel('Name', { exact: true }).fill('With a secret');
            await window.page.getByLabel('Redirect URIs').fill(uri);
            await window.button('Create application');
            await check(window);
            await window.close();
        };
        await Promise.all([work(), work(), forms()]);
        expect(found).to.equal([]);
    });
});
