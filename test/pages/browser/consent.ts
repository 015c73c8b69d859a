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
            expect(await window.text()).to.contain('No applications have access to your account.');
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
            expect(await window.text()).to.contain(code!);
            await window.button('Deny');
            expect(await window.heading()).to.equal('Request denied');
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
