import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { Window } from '../../support/chromium';
import type { ExampleSite } from '../../support/example';
import { unique } from '../../support/forum';
import { PagesInBrowser } from '../../support/pages-in-browser';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

let pages: PagesInBrowser;
let site: ExampleSite;

before(async () => {
    pages = await PagesInBrowser.start();
    site = await pages.forum.site();
});

after(async () => {
    await site.stop();
    await pages.stop();
});

describe('The consent pages', { timeout: 60_000 }, () => {
    it('take no decision from the second click of a double click that another page began', async () => {
        const device = await pages.device();
        const window = await pages.visit('frigg', `/oauth/consent?user_code=${device.user_code}`);
        const { page } = window;
        await window.button('Continue');
        const approve = page.getByRole('button', { name: 'Authorize' });
        await approve.waitFor();
        // As when this page appears below the pointer: a click without a move, at once.
        await approve.dispatchEvent('click');
        await page.waitForTimeout(700);
        await approve.dispatchEvent('click');
        expect(await window.heading()).to.equal('Authorize Storyden?');
        expect((await pages.poll(device)).body.error).to.equal('authorization_pending');
        // The focus comes back from another window: it counts from then on.
        await page.mouse.move(10, 10);
        await page.mouse.move(20, 20);
        await page.evaluate('dispatchEvent(new Event("blur"))');
        await approve.dispatchEvent('click');
        expect(await window.heading()).to.equal('Authorize Storyden?');
        await page.evaluate('dispatchEvent(new Event("focus"))');
        await window.button('Authorize');
        await page.getByText('Return to your device').waitFor();
        await window.close();
    });

    it('show the same outcome to both clicks of a double click, also without JavaScript', async () => {
        for (const javaScriptEnabled of [true, false]) {
            const window = await Window.open(pages.browser, { javaScriptEnabled });
            const { page } = window;
            await page.goto(site.origin);
            await window.button('Sign in with the forum');
            await window.signIn('frigg');
            await page.getByRole('heading', { name: 'Authorize A second site?' }).waitFor();
            const approve = page.getByRole('button', { name: 'Authorize' });
            if (javaScriptEnabled) {
                await page.waitForTimeout(600);
            }
            await approve.dblclick({ delay: 20, noWaitAfter: true });
            await page.getByText('You are Frigg').waitFor();
            await window.close();
        }
    });
});

for (const javaScriptEnabled of [true, false]) {
    describe(`The consent pages ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, { timeout: 60_000 }, () => {
        it('approve a device from the URL it printed, after a sign-in; its refresh fails once it is disconnected', async () => {
            const tokens = unique('cli');
            const login = pages.forum.cli('login', '--tokens', tokens);
            const [, url = ''] = await login.says(/or open (\S+)\n/);
            const window = await Window.open(pages.browser, { javaScriptEnabled });
            await window.page.goto(url);
            expect(new URL(window.page.url()).pathname).to.equal('/login');
            await window.signIn('frigg');
            expect(window.page.url()).to.equal(url);
            expect(await window.heading()).to.equal('Connect a device');
            await window.button('Continue');
            expect(await window.heading()).to.equal('Authorize Storyden?');
            const shown = await window.text();
            expect(shown).to.contain([
                new URL(url).searchParams.get('user_code')!,
                'Built into this forum',
                '@frigg',
                'Write posts',
                'Stay connected'
            ]);
            expect(shown).not.to.contain('administrator');
            await window.button('Authorize');
            await window.page.getByText('Return to your device').waitFor();
            expect((await login.finished).output).to.contain('Signed in as frigg.');

            await window.page.goto(pages.at('/settings/connected-apps'));
            expect(await window.text()).to.contain('Storyden');
            await window.button('Disconnect Storyden');
            await window.page.getByText('Application disconnected').waitFor();
            expect(await window.page.getByText('Disconnect Storyden').count()).to.equal(0);
            const refused = await pages.forum.cli('refresh', '--tokens', tokens).finished;
            expect(refused.output).to.match(/^invalid_grant: /);
            // A notice is shown once.
            await window.page.reload();
            expect(await window.text()).not.to.contain('Application disconnected');
            await window.close();
        });

        it('deny a device whose code was typed in lower case without a hyphen', async () => {
            const login = pages.forum.cli('login', '--tokens', unique('cli'));
            const [, code] = await login.says(/enter the code (\S+),/);
            const window = await pages.visit('frigg', '/oauth/consent', javaScriptEnabled);
            await window.page.getByLabel('Code').fill('AAAAAAAA');
            await window.button('Continue');
            await window.page.getByText('This code is incorrect').waitFor();
            await window.page.getByLabel('Code').fill(code!.replace('-', ' ').toLowerCase());
            await window.button('Continue');
            await window.page.getByRole('heading', { name: 'Authorize Storyden?' }).waitFor();
            expect(await window.text()).to.contain(code!);
            await window.button('Deny');
            await window.page.getByRole('heading', { name: 'Request denied' }).waitFor();
            const { code: status, output } = await login.finished;
            expect([status, output.includes('access_denied')], output).to.equal([1, true]);
            await window.close();
        });

        it('only fill in the code for a link on another site, until it is confirmed', async () => {
            const device = await pages.device();
            const window = await pages.visit('frigg', '/', javaScriptEnabled);
            await window.context.route('http://elsewhere.example/', (route) =>
                route.fulfill({
                    contentType: 'text/html',
                    body: `<a href="${device.verification_uri_complete}">link</a>`
                })
            );
            await window.page.goto('http://elsewhere.example/');
            await window.page.getByRole('link').click();
            expect(await window.heading()).to.equal('Connect a device');
            expect(await window.page.getByLabel('Code').inputValue()).to.equal(device.user_code);
            await window.button('Continue');
            expect(await window.heading()).to.equal('Authorize Storyden?');
            await window.close();
        });

        it('sign a member in to another site', async () => {
            const window = await Window.open(pages.browser, { javaScriptEnabled });
            await window.page.goto(site.origin);
            await window.button('Sign in with the forum');
            await window.signIn('frigg');
            expect(await window.heading()).to.equal('Authorize A second site?');
            expect(await window.text()).to.contain([
                'An application on this computer',
                'Created by Frigg (@frigg)',
                'See your email address'
            ]);
            await window.button('Authorize');
            await window.page.getByText('You are Frigg').waitFor();
            expect(new URL(window.page.url()).origin).to.equal(site.origin);

            await window.page.goto(`${site.origin}/sign-in`);
            await window.button('Deny');
            await window.page.getByText('The forum said:').waitFor();
            await window.close();
        });
    });
}
