import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { Browser, type Site } from '../support/browser';
import { ExampleForum, type ExampleSite } from '../support/example';

export const lab = Lab.script();
const { describe, it, before, after } = lab;

const CONSENT = '/oauth/authorize/consent';

describe('A second site with the button "Sign in with the forum"', () => {
    let forum: ExampleForum;
    let site: ExampleSite;

    before(async () => {
        forum = await ExampleForum.start();
        site = await forum.site();
    });

    after(async () => {
        await site?.stop();
        await forum?.done();
    });

    /** Someone who uses the forum's own pages as their scripts do. */
    const browserOf = (handle: string, decision: 'approve' | 'deny' = 'approve'): Browser => {
        const forumPages: Site = {
            origin: forum.issuer,
            pages: {
                '/login': async (browser, page) => {
                    const html = await textOf(await browser.fetch(page));
                    await browser.json('POST', `${forum.issuer}/api/auth/password/signin`, {
                        handle,
                        password: 'password'
                    });
                    return new URL(fieldOf(html, 'return_to'), forum.issuer);
                },
                [CONSENT]: async (browser, page) => {
                    const html = await textOf(await browser.fetch(page));
                    expect(html).to.contain(['A second site', 'Know who you are', 'See your email address']);
                    const decided = await browser.fetch(page, {
                        method: 'POST',
                        body: new URLSearchParams({
                            form_token: fieldOf(html, 'form_token'),
                            request_id: fieldOf(html, 'request_id'),
                            decision
                        })
                    });
                    const [, location] = /content="0; url=([^"]*)"/.exec(await textOf(decided))!;
                    return new URL(unescaped(location!));
                }
            }
        };
        return new Browser([forumPages, { origin: site.origin, pages: {} }]);
    };

    /** Presses the button, and goes where that leads. */
    const pressButton = async (browser: Browser): Promise<string> => {
        const html = await textOf(await browser.open(site.origin));
        const [, action] = /<form action="([^"]+)"><button>Sign in with the forum</.exec(html) ?? [];
        return textOf(await browser.open(new URL(action!, site.origin)));
    };

    it('signs odin and frigg in, each as who they are at the forum', async () => {
        const [odin, frigg] = [browserOf('odin'), browserOf('frigg')];

        expect(await pressButton(odin)).to.contain('<strong>Odin</strong>');
        expect(await pressButton(frigg)).to.contain('<strong>Frigg</strong>');

        for (const [browser, handle] of [
            [odin, 'odin'],
            [frigg, 'frigg']
        ] as const) {
            expect(await textOf(await browser.open(site.origin))).to.contain([
                `<code>${handle}</code>`,
                `${handle}@forum.example`
            ]);
            const me = await browser.json('GET', `${forum.issuer}/api/accounts/me`);
            expect(me.handle).to.equal(handle);
        }
    });

    it('asks someone who is signed in to the forum for consent only', async () => {
        const browser = browserOf('frigg');
        await browser.json('POST', `${forum.issuer}/api/auth/password/signin`, {
            handle: 'frigg',
            password: 'password'
        });

        await pressButton(browser);

        const paths = browser.visited.map(({ pathname }) => pathname);
        expect(paths).to.equal(['/', '/sign-in', '/api/oauth/authorize', CONSENT, '/callback', '/']);
    });

    it('signs out of the site and not of the forum', async () => {
        const browser = browserOf('frigg');
        await pressButton(browser);

        await browser.fetch(`${site.origin}/sign-out`, { method: 'POST' });

        expect(await textOf(await browser.open(site.origin))).to.contain('Sign in with the forum');
        expect((await browser.json('GET', `${forum.issuer}/api/accounts/me`)).handle).to.equal('frigg');
    });

    it('signs nobody in who denies, or who may not approve applications', async () => {
        const [denying, without] = [browserOf('frigg', 'deny'), browserOf('loki')];
        expect(await pressButton(denying)).to.contain('The forum said:');
        // A member made the site known, and nobody vouches for it: the forum leads there by a link.
        expect(await pressButton(without)).to.contain(['Something went wrong', 'Continue to', 'localhost']);
        for (const browser of [denying, without]) {
            expect(await textOf(await browser.open(site.origin))).to.contain('Sign in with the forum');
        }
    });

    it('takes a callback from the browser only that began the sign-in, and once', async () => {
        const odin = browserOf('odin');
        await pressButton(odin);
        const used = odin.visited.find(({ pathname }) => pathname === '/callback')!;

        const stranger = browserOf('frigg');
        const unbegun = await stranger.open(used);
        expect(unbegun!.status).to.equal(400);

        // A sign-in of the stranger's own is pending, and the answer is someone else's.
        await stranger.fetch(`${site.origin}/sign-in`);
        const foreign = await stranger.open(used);
        expect(foreign!.status).to.equal(400);
        expect(await textOf(await stranger.open(site.origin))).to.contain('Sign in with the forum');

        expect((await odin.open(used))!.status).to.equal(400);
        expect(await textOf(await odin.open(site.origin))).to.contain('<strong>Odin</strong>');
    });

    it('registers itself once, with the session of a member, and again at a forum that has lost it', async () => {
        const frigg = await forum.browser('frigg');
        const own = async (): Promise<Record<string, unknown>[]> =>
            (await frigg.send('GET', '/api/auth/oauth/clients')).body.clients;
        const [client, ...others] = await own();
        expect(others).to.be.empty();
        expect(client).to.include({
            type: 'confidential',
            redirect_uris: [`${site.origin}/callback`],
            allowed_grants: ['authorization_code'],
            allowed_scopes: ['openid', 'profile', 'email']
        });

        expect((await site.stop()).code).to.equal(0);
        site = await forum.site({}, site.port);
        expect((await own()).map(({ id }) => id)).to.equal([client!.id]);

        await site.stop();
        await frigg.send('DELETE', `/api/auth/oauth/clients/${String(client!.id)}`);
        site = await forum.site({}, site.port);
        expect(await own()).to.have.length(1);
        expect(await pressButton(browserOf('odin'))).to.contain('<strong>Odin</strong>');
    });

    it('is the client that the environment names', async () => {
        const odin = await forum.browser('odin');
        const { body } = await odin.send('POST', '/api/auth/oauth/clients', {
            name: 'A second site',
            type: 'public',
            pkce_required: true,
            redirect_uris: ['http://localhost/callback'],
            allowed_grants: ['authorization_code'],
            allowed_scopes: ['openid', 'profile', 'email']
        });
        await site.stop();
        site = await forum.site({ CLIENT_ID: body.client.client_id }, site.port);

        const browser = browserOf('frigg');
        expect(await pressButton(browser)).to.contain('<strong>Frigg</strong>');

        const asked = browser.visited.find(({ pathname }) => pathname === '/api/oauth/authorize')!;
        expect(asked.searchParams.get('client_id')).to.equal(body.client.client_id);
    });
});

async function textOf(response: Response | undefined): Promise<string> {
    return response!.text();
}

/** The value of a form's field. */
function fieldOf(html: string, name: string): string {
    const [, value] = new RegExp(`name="${name}" value="([^"]*)"`).exec(html)!;
    return unescaped(value!);
}

function unescaped(text: string): string {
    return text
        .replace(/&#(\d+);/g, (_match, code: string) => String.fromCharCode(Number(code)))
        .replace(/&#x([0-9a-f]+);/gi, (_match, code: string) => String.fromCharCode(parseInt(code, 16)))
        .replaceAll('&amp;', '&');
}
