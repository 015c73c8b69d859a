import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { Browser } from 'playwright-core';
import { launch, Window } from '../support/chromium';
import { ExampleForum, sendForm, type Browser as Requester, type ExampleSite, type Reply } from '../support/example';
import { unique } from '../support/forum';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

/** `SCREENSHOTS=1 npm test -- test/pages/browser.ts` makes the pictures of the README anew. */
const SCREENSHOTS = process.env.SCREENSHOTS === '1' ? join(__dirname, '../../docs/screenshots') : undefined;

let browser: Browser;
let forum: ExampleForum;
let site: ExampleSite;

before(async () => {
    [browser, forum] = await Promise.all([
        launch(),
        ExampleForum.start({ DEVICE_POLL_INTERVAL: '1', DATABASE_URL: ':memory:' })
    ]);
    site = await forum.site();
    if (SCREENSHOTS !== undefined) {
        await mkdir(SCREENSHOTS, { recursive: true });
    }
});

after(async () => {
    await browser?.close();
    await site?.stop();
    await forum?.done();
});

const at = (path: string): string => forum.issuer + path;

const post = (path: string, fields: Record<string, string>): Promise<Reply> => sendForm(at(path), fields);

/** A picture for the README. */
async function picture({ page }: Window, name: string, height: number): Promise<void> {
    await page.setViewportSize({ width: 640, height });
    await page.screenshot({ path: join(SCREENSHOTS!, `${name}.png`) });
}

/** A code that a device shows. */
async function deviceCode(): Promise<{ device_code: string; user_code: string; verification_uri_complete: string }> {
    const scope = 'openid profile offline_access';
    return (await post('/api/oauth/device_authorization', { client_id: 'storyden-cli', scope })).body;
}

const pollDevice = (device: { device_code: string }): Promise<Reply> =>
    post('/api/oauth/token', { grant_type: DEVICE_CODE, client_id: 'storyden-cli', device_code: device.device_code });

const sessions = new Map<string, Promise<Requester>>();

/** Somebody's session, begun once. */
function signedIn(handle: string): Promise<Requester> {
    const session = sessions.get(handle) ?? forum.browser(handle);
    sessions.set(handle, session);
    return session;
}

/** Signs the built-in application in for somebody, by the JSON endpoints, and returns its refresh token. */
async function connect(handle: string): Promise<string> {
    const api = await signedIn(handle);
    const device = await deviceCode();
    await api.send('GET', `/api/oauth/device/consent?user_code=${device.user_code}`);
    await api.send('POST', '/api/oauth/device/consent', { user_code: device.user_code, decision: 'approve' });
    return (await pollDevice(device)).body.refresh_token;
}

const refresh = (token: string): Promise<Reply> =>
    post('/api/oauth/token', { grant_type: 'refresh_token', client_id: 'storyden-cli', refresh_token: token });

const actAsOwner = (clientId: string, secret: string): Promise<Reply> =>
    post('/api/oauth/token', { grant_type: 'client_credentials', client_id: clientId, client_secret: secret });

/** An application of a member's, by the JSON endpoints. */
async function createApp(handle: string, fields: object): Promise<{ id: string; client_id: string }> {
    const { status, body, text } = await (
        await signedIn(handle)
    ).send('POST', '/api/auth/oauth/clients', {
        name: 'Photo album',
        type: 'public',
        pkce_required: true,
        redirect_uris: ['https://photos.example/callback'],
        allowed_grants: ['authorization_code', 'refresh_token'],
        allowed_scopes: ['openid', 'profile', 'email', 'offline_access', 'READ_PUBLISHED_THREADS'],
        ...fields
    });
    expect(status, text).to.equal(200);
    return body.client;
}

const authorizeUrl = (
    clientId: string,
    redirectUri = 'https://photos.example/callback',
    scope = 'openid profile'
): string =>
    at(
        `/api/oauth/authorize?${new URLSearchParams({
            response_type: 'code',
            client_id: clientId,
            redirect_uri: redirectUri,
            scope,
            state: 'the state',
            code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
            code_challenge_method: 'S256'
        }).toString()}`
    );

/** Somebody signed in, with a page of the forum open. */
async function visit(handle: string, path: string, javaScriptEnabled = true): Promise<Window> {
    const window = await Window.open(browser, { javaScriptEnabled });
    const [name, value] = (await signedIn(handle)).cookie!.split(/=(.*)/s);
    await window.context.addCookies([{ name: name!, value: value!, url: forum.issuer }]);
    await window.page.goto(at(path));
    return window;
}

if (SCREENSHOTS !== undefined) {
    describe('The pictures of the README', () => {
        it('are taken of a forum that nobody else has used yet', async () => {
            const scopes = ['openid', 'profile', 'email', 'offline_access', 'READ_PUBLISHED_THREADS', 'CREATE_POST'];
            const { client_id: clientId } = await createApp('frigg', { allowed_scopes: scopes });
            await createApp('odin', { name: 'Weather of Asgard' });
            await createApp('frigg', {
                name: 'Greeter',
                type: 'confidential',
                redirect_uris: [],
                allowed_grants: ['client_credentials'],
                allowed_scopes: ['CREATE_POST']
            });
            const device = await deviceCode();
            const window = await visit('frigg', `/oauth/consent?user_code=${device.user_code}`);
            await picture(window, 'device', 900);
            await connect('frigg');
            await connect('frigg');
            await window.page.goto(at('/settings/connected-apps'));
            await picture(window, 'connected-apps', 520);
            await window.page.goto(
                authorizeUrl(clientId, undefined, 'openid profile email READ_PUBLISHED_THREADS MANAGE_POSTS')
            );
            await picture(window, 'authorize', 900);
            await window.page.emulateMedia({ colorScheme: 'dark' });
            await window.page.goto(at('/settings/my-apps/new'));
            await picture(window, 'new-app', 900);
            await window.close();
            const admin = await visit('odin', '/admin/apps');
            await admin.page.emulateMedia({ colorScheme: 'dark' });
            await picture(admin, 'admin', 640);
            await admin.close();
        });
    });
}

for (const javaScriptEnabled of [true, false]) {
    describe(`The pages in a browser ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, { timeout: 60_000 }, () => {
        it('approve a device from the address that it printed, by way of the sign-in; disconnected, its refresh fails', async () => {
            const tokens = unique('cli');
            const login = forum.cli('login', '--tokens', tokens);
            const [, address = ''] = await login.says(/or open (\S+)\n/);
            const window = await Window.open(browser, { javaScriptEnabled });
            await window.page.goto(address);
            expect(new URL(window.page.url()).pathname).to.equal('/login');
            await window.signIn('frigg');
            expect(window.page.url()).to.equal(address);
            expect(await window.heading()).to.equal('Authorize Storyden?');
            const shown = await window.text();
            expect(shown).to.contain([
                new URL(address).searchParams.get('user_code')!,
                'Built into this forum',
                '@frigg',
                'Write posts',
                'Stay connected'
            ]);
            expect(shown).not.to.contain('administrator');
            await window.button('Authorize');
            await window.page.getByText('Return to your device').waitFor();
            expect((await login.finished).output).to.contain('Signed in as frigg.');

            await window.page.goto(at('/settings/connected-apps'));
            expect(await window.text()).to.contain('Storyden');
            await window.button('Disconnect Storyden');
            await window.page.getByText('Application disconnected').waitFor();
            expect(await window.text()).to.contain('No applications have access to your account.');
            const refused = await forum.cli('refresh', '--tokens', tokens).finished;
            expect(refused.output).to.match(/^invalid_grant: /);
            // What the page said is not said again.
            await window.page.reload();
            expect(await window.text()).not.to.contain('Application disconnected');
            await window.close();
        });

        it('deny a device whose code was typed in carelessly', async () => {
            const login = forum.cli('login', '--tokens', unique('cli'));
            const [, code] = await login.says(/enter the code (\S+),/);
            const window = await visit('frigg', '/oauth/consent', javaScriptEnabled);
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

        it('only fill a code in for a link on another site, until the person confirms it', async () => {
            const device = await deviceCode();
            const window = await visit('frigg', '/', javaScriptEnabled);
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

        it('sign somebody in to a second site', async () => {
            const window = await Window.open(browser, { javaScriptEnabled });
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

        it('make a bot, show its secret once, rotate it with an overlap, and delete it', async () => {
            const window = await visit('frigg', '/settings/my-apps', javaScriptEnabled);
            const { page } = window;
            const name = unique('Bot ');
            await page.getByRole('link', { name: 'New application' }).click();
            await page.getByLabel('Name', { exact: true }).fill(name);
            await page.getByLabel('Confidential').check();
            // What a bot alone has no use for cannot be entered, nor what goes with the other type.
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
            const used = await actAsOwner(clientId, secret);
            expect([used.status, used.body.scope]).to.equal([200, 'READ_PUBLISHED_THREADS']);
            if (javaScriptEnabled) {
                // Loaded again it is the application's page.
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
            expect((await actAsOwner(clientId, secret)).status).to.equal(200);
            expect((await actAsOwner(clientId, second)).status).to.equal(200);
            await page.getByRole('link', { name: 'I’ve copied it' }).click();
            await window.button('Generate new secret');
            const third = await page.getByLabel('Client secret').inputValue();
            expect((await actAsOwner(clientId, second)).status).to.equal(401);
            expect((await actAsOwner(clientId, third)).status).to.equal(200);

            await page.getByRole('link', { name: 'I’ve copied it' }).click();
            await page.getByRole('link', { name: 'Delete application' }).click();
            expect(await window.heading()).to.equal(`Delete ${name}?`);
            await page.getByRole('link', { name: 'Cancel' }).click();
            await page.getByRole('link', { name: 'Delete application' }).click();
            await window.button('Delete application');
            await page.getByText('Application deleted').waitFor();
            expect(await window.text()).not.to.contain(name);
            expect((await actAsOwner(clientId, third)).status).to.equal(401);
            await window.close();
        });

        it('make an application of each other kind, bring errors back to their field, and change it', async () => {
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
            const api = await signedIn('frigg');
            const window = await visit('frigg', '/settings/my-apps/new', javaScriptEnabled);
            const { page } = window;
            for (const [place, { type, grants, uri, stored, secret }] of kinds.entries()) {
                const name = unique('App ');
                await (place > 0 && page.goto(at('/settings/my-apps/new')));
                await page.getByLabel('Name', { exact: true }).fill(place === 0 ? 'Storyden' : name);
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
                if (place === 0) {
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

                if (place < 2) {
                    continue;
                }
                await page.goto(at(`/settings/my-apps/${client.id}`));
                await page.getByLabel('Name', { exact: true }).fill(`${name} 2`);
                await page.getByLabel('See your email').check();
                await page.getByLabel('Stays connected').uncheck();
                await window.button('Save changes');
                await page.getByText('Changes saved').waitFor();
                const { body: changed } = await api.send('GET', `/api/auth/oauth/clients/${client.id}`);
                expect([changed.name, changed.allowed_scopes]).to.equal([`${name} 2`, ['openid', 'profile', 'email']]);
                expect(changed.redirect_uris).to.equal(client.redirect_uris);
            }
            await window.close();
        });

        it('give an administrator all applications, devices and sessions, and end them', async () => {
            const { id, client_id: clientId } = await createApp('frigg', { name: unique('Zebra ') });
            const token = await connect('frigg');
            const device = await deviceCode();
            const window = await visit('odin', '/settings/connected-apps', javaScriptEnabled);
            const { page } = window;
            await page.getByRole('link', { name: 'All apps' }).click();
            await page.getByLabel('Search').fill('zebra');
            await page.getByLabel('Type').selectOption('public');
            await window.button('Apply');
            // The answer has to be here before anything is counted.
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
            expect((await refresh(token)).status).to.equal(200);
            await page.reload();
            await page
                .getByRole('button', { name: /End session of/ })
                .first()
                .click();
            await page.getByText('Session ended').waitFor();
            expect(page.url()).to.contain('account_id=cc5lnd2s1s4652adtu5g');

            await page.goto(at(`/admin/apps?q=${clientId}`));
            await page.getByRole('link', { name: 'Zebra' }).click();
            await page.getByRole('link', { name: 'Delete application' }).click();
            await window.button('Delete application');
            await page.getByText('Application deleted').waitFor();
            expect((await page.goto(at(`/admin/apps/${id}`)))!.status()).to.equal(404);
            await window.close();
        });

        it('show names and addresses that mean harm as what they are', async () => {
            const name = `<script>alert(1)</script> \u202Egnp.\u2066exe\u200B`;
            const hostile = 'https://photos.example/cb?x=%3Cscript%3Ealert(1)%3C/script%3E&"'.replace('"', "'");
            const { id, client_id: clientId } = await createApp('frigg', { name, redirect_uris: [hostile] });
            const window = await visit('frigg', '/settings/my-apps', javaScriptEnabled);
            const { page } = window;
            const shown = '<script>alert(1)</script> U+202Egnp.U+2066exeU+200B';
            expect(await window.text()).to.contain(shown);
            await page.goto(at(`/settings/my-apps/${id}`));
            expect(await window.heading()).to.equal(shown);
            await page.goto(authorizeUrl(clientId, hostile));
            expect(await window.heading()).to.equal(`Authorize ${shown}?`);
            expect(await page.locator('.host').innerText()).to.equal('photos.example');
            await page.goto(at(`/settings/my-apps/${id}/delete`));
            expect(await window.heading()).to.equal(`Delete ${shown}?`);
            const admin = await visit('odin', `/admin/apps/${id}`, javaScriptEnabled);
            expect(await admin.text()).to.contain([shown, hostile]);
            await admin.close();
            await window.close();
        });
    });
}

describe('The pages', { timeout: 60_000 }, () => {
    it('can be used by keyboard alone', async () => {
        const device = await deviceCode();
        const window = await Window.open(browser);
        const { page } = window;
        const { keyboard } = page;
        await page.goto(at('/oauth/consent'));
        await page.locator('#handle:focus').waitFor();
        await keyboard.type('frigg');
        await keyboard.press('Tab');
        await keyboard.type('password');
        await keyboard.press('Enter');
        await page.waitForURL(at('/oauth/consent'));
        await page.locator('#user_code:focus').waitFor();
        // The script puts the hyphen in.
        await keyboard.type(device.user_code.replace('-', '').toLowerCase());
        expect(await page.getByLabel('Code').inputValue()).to.equal(device.user_code);
        await keyboard.press('Enter');
        await page.waitForURL(/user_code=/);
        await window.tabTo('[value=approve]');
        await keyboard.press('Enter');
        await page.getByText('Return to your device').waitFor();
        expect((await pollDevice(device)).status).to.equal(200);

        await page.goto(at('/settings/connected-apps'));
        await keyboard.press('Tab');
        expect(await page.locator(':focus').innerText()).to.equal('Skip to content');
        await keyboard.press('Enter');
        await window.tabTo('[aria-label="Disconnect Storyden"]');
        await keyboard.press('Enter');
        await page.getByText('Application disconnected').waitFor();

        await page.goto(at('/settings/my-apps/new'));
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

    it('can be used by keyboard alone where applications ask and administrators end', async () => {
        const { id, client_id: clientId } = await createApp('frigg', { name: unique('Keys ') });
        const device = await deviceCode();
        const window = await visit('odin', `/oauth/consent?user_code=${device.user_code}`);
        const { page } = window;
        const { keyboard } = page;
        await window.tabTo('[value=deny]');
        await keyboard.press('Enter');
        await page.getByRole('heading', { name: 'Request denied' }).waitFor();
        expect((await pollDevice(device)).body.error).to.equal('access_denied');

        await window.context.route('https://photos.example/**', (route) => route.fulfill({ body: 'Photos' }));
        for (const [decision, answer] of [
            ['approve', 'code'],
            ['deny', 'error']
        ] as const) {
            await page.goto(authorizeUrl(clientId));
            await window.tabTo(`[value=${decision}]`);
            await keyboard.press('Enter');
            await page.waitForURL((url) => url.hostname === 'photos.example' && url.searchParams.has(answer));
        }

        const token = await connect('frigg');
        await page.goto(at('/admin/apps'));
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
        expect((await refresh(token)).body.error).to.equal('invalid_grant');
        await page.goto(at(`/admin/apps/${id}`));
        await window.tabTo('a.danger');
        await keyboard.press('Enter');
        await page.getByRole('button', { name: 'Delete application' }).waitFor();
        await window.tabTo('button.danger');
        await keyboard.press('Enter');
        await page.getByText('Application deleted').waitFor();
        await window.close();
    });

    it('have nothing that axe objects to, in light and dark, and fit a small phone', async () => {
        await Promise.all([connect('odin'), connect('odin')]);
        const { id, client_id: clientId } = await createApp('odin', {
            allowed_scopes: ['openid', 'profile', 'offline_access', 'CREATE_POST', 'ADMINISTRATOR']
        });
        const long = await createApp('odin', {
            name: 'W'.repeat(200),
            redirect_uris: [`https://${'photos.'.repeat(30)}example/callback`]
        });
        const bot = await createApp('odin', {
            name: 'Weather bot',
            type: 'confidential',
            redirect_uris: [],
            allowed_grants: ['client_credentials'],
            allowed_scopes: ['CREATE_POST']
        });
        const { body: clients } = await (await signedIn('odin')).send('GET', '/api/admin/oauth/clients');
        const builtIn = clients.clients.find((client: { client_id: string }) => client.client_id === 'storyden-cli').id;
        const [odins, friggs] = [await deviceCode(), await deviceCode()];
        const uri = 'https://photos.example/callback';
        const pages: [string, string?][] = [
            ['/oauth/consent'],
            ['/oauth/consent?user_code=AAAAAAAA'],
            [`/oauth/consent?user_code=${odins.user_code}`],
            [
                authorizeUrl(clientId, uri, 'openid CREATE_POST ADMINISTRATOR MANAGE_POSTS email').slice(
                    forum.issuer.length
                )
            ],
            [
                authorizeUrl(long.client_id, `https://${'photos.'.repeat(30)}example/callback`).slice(
                    forum.issuer.length
                )
            ],
            ['/oauth/authorize/consent?request_id=unknown'],
            ['/settings/connected-apps'],
            ['/settings/my-apps'],
            ['/settings/my-apps/new'],
            [`/settings/my-apps/${id}`],
            [`/settings/my-apps/${bot.id}`],
            [`/settings/my-apps/${long.id}/delete`],
            ['/admin/apps'],
            [`/admin/apps/${builtIn}`],
            ['/admin/apps/devices'],
            ['/admin/apps/tokens']
        ];
        // Two windows at once: axe is slow.
        const found: string[] = [];
        const check = async (window: Window): Promise<void> => {
            await window.page.setViewportSize({ width: 1000, height: 800 });
            found.push(...(await window.violations()));
            const wider = await window.overflow();
            if (wider > 0) {
                found.push(`${window.page.url()} is ${wider} pixels too wide`);
            }
        };
        const queue = [...pages];
        const work = async (): Promise<void> => {
            const window = await visit('odin', '/');
            for (let next = queue.shift(); next; next = queue.shift()) {
                await window.page.goto(at(next[0]));
                await check(window);
            }
            await window.close();
        };
        const secrets = async (): Promise<void> => {
            const window = await visit('frigg', `/oauth/consent?user_code=${friggs.user_code}`);
            await window.button('Authorize');
            await check(window);
            await window.page.goto(at('/settings/my-apps/new'));
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
        await Promise.all([work(), work(), secrets()]);
        expect(found).to.equal([]);
    });

    it('change nothing for a form on another site, whatever it knows', async () => {
        const token = await connect('frigg');
        const { id } = await createApp('frigg', { name: 'Not to be touched' });
        const api = await signedIn('frigg');
        const { body } = await api.send('GET', '/api/auth/oauth/tokens?status=active');
        const { id: tokenId, oauth_client_id: clientId } = body.tokens[0];
        const device = await deviceCode();
        await api.send('GET', `/api/oauth/device/consent?user_code=${device.user_code}`);
        const forms: [string, Record<string, string>][] = [
            ['/oauth/consent', { user_code: device.user_code, decision: 'approve' }],
            [`/settings/connected-apps/${clientId}/disconnect`, {}],
            [`/settings/connected-apps/sessions/${tokenId}/disconnect`, {}],
            ['/settings/my-apps/new', { name: 'Forged', type: 'public', public_grants: DEVICE_CODE }],
            [`/settings/my-apps/${id}/delete`, {}]
        ];
        const window = await visit('frigg', '/');
        for (const [path, fields] of forms) {
            const inputs = Object.entries(fields)
                .map(([name, value]) => `<input name="${name}" value="${value}">`)
                .join('');
            // On the same host, so that the session's cookie comes along: only the origin differs.
            const evil = `http://localhost:1/`;
            await window.context.route(evil, (route) =>
                route.fulfill({
                    contentType: 'text/html',
                    body: `<form method="post" action="${at(path)}">${inputs}<button>Win</button></form>`
                })
            );
            await window.page.goto(evil);
            await window.button('Win');
            expect(await window.heading(), path).to.equal('Something went wrong');
            await window.context.unroute(evil);
        }
        expect((await refresh(token)).status).to.equal(200);
        expect((await pollDevice(device)).body.error).to.equal('authorization_pending');
        const { body: mine } = await api.send('GET', '/api/auth/oauth/clients');
        const names = mine.clients.map(({ name }: { name: string }) => name);
        expect(names).to.include('Not to be touched').and.not.include('Forged');
        await window.close();
    });
});
