import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@hapi/code';
import * as Hapi from '@hapi/hapi';
import * as Lab from '@hapi/lab';
import { OAuthClient } from '../../entities';
import * as OAuth from '../../plugin';
import type { Options } from '../../plugin';
import { createId } from '../../plugin/ids';
import { pages, type PagesOptions } from '../../plugin/pages';
import { authorize, createApp, locationOf, parametersOf, REDIRECT_URI, type App } from '../support/authorization';
import { createDevice, seedChains } from '../support/token-family';
import {
    CLI,
    DEVICE_CODE,
    Forum,
    FRIGG,
    ISSUER,
    LOKI,
    ODIN,
    openDatabase,
    START,
    type OpenDatabase
} from '../support/forum';
import { Visitor, type Shown } from '../support/visitor';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const ABSENT = 'cc5lnd2s1s4652adtu50';
const CONNECTED = '/settings/connected-apps';
const MINE = '/settings/my-apps';
const ADMIN = '/admin/apps';
const FORM = '__Host-oauth-form';

async function withPages(
    database: OpenDatabase,
    {
        options = {},
        pages: settings = {},
        prefix
    }: { options?: Partial<Options>; pages?: PagesOptions; prefix?: string } = {}
): Promise<Forum> {
    const forum = await Forum.create(database.dataSource, options);
    await forum.server.register({
        plugin: pages,
        options: settings,
        ...(prefix !== undefined && { routes: { prefix } })
    });
    return forum;
}

/** What a page says, without its tags. */
function textOf({ html }: Shown): string {
    return html
        .replace(/<head>.*<\/head>/s, '')
        .replace(/<[^>]*>/g, ' ')
        .replace(/\s+/g, ' ');
}

let database: OpenDatabase;
let forum: Forum;

before(async () => {
    database = await openDatabase();
    forum = await withPages(database);
});

after(async () => {
    await forum.stop();
    await database.done();
});

const visitor = (accountId?: string): Visitor => new Visitor(forum.server, accountId);

/** Opens the consent page of an application for somebody. */
async function openConsent(
    account: string,
    app: App,
    changes: Record<string, string | null> = {}
): Promise<[Visitor, Shown, string]> {
    const page = locationOf(await authorize(forum, account, parametersOf(app, changes)));
    const browser = visitor(account);
    const path = page.slice(ISSUER.length);
    return [browser, await browser.get(path), path];
}

describe('The pages are registered', () => {
    it('after the plugin that they belong to', async () => {
        const server = Hapi.server();
        await expect(server.register({ plugin: pages })).to.reject(/register hapi-forum-oauth on this server first/);
    });

    it('with options that are checked', async () => {
        const wrong: [unknown, RegExp][] = [
            [{ color: 'red' }, /"color" is not allowed/],
            [{ strings: { nothing: 'x' } }, /"strings.nothing" is not allowed/],
            [{ strings: { forum: 7 } }, /"strings.forum" must be a string/],
            [{ folder: 'relative' }, /"folder" must be the absolute path of a folder/],
            [{ folder: '/does/not/exist' }, /"folder" must be the absolute path of a folder/],
            [{ language: 'no language' }, /"language"/],
            [{ permissions: { FLY: { name: 'Fly' } } }, /"permissions.FLY.sentence" is required/],
            [{ stylesheets: ['https://elsewhere.example/a.css'] }, /a path of the forum/],
            [{ home: '//elsewhere.example' }, /a path of the forum/],
            [{ paths: { admin: '/admin/' } }, /"paths.admin"/],
            [{ paths: { admin: 'admin' } }, /"paths.admin"/],
            [{ paths: { assets: false } }, /"paths.assets"/],
            [
                { paths: { device: '/elsewhere' } },
                /"urls.deviceConsent" of hapi-forum-oauth is https:\/\/forum.example\/oauth\/consent, but "paths.device" puts the page at https:\/\/forum.example\/elsewhere/
            ]
        ];
        for (const [options, says] of wrong) {
            const other = await Forum.create(database.dataSource);
            await expect(other.server.register({ plugin: pages, options: options as PagesOptions })).to.reject(says);
            await other.stop();
        }
    });

    it('below a prefix of their own, where the urls of the plugin say that they are', async () => {
        const urls = {
            deviceConsent: `${ISSUER}/pages/oauth/consent`,
            authorizationConsent: `${ISSUER}/pages/oauth/authorize/consent`
        };
        const other = await withPages(database, { options: { urls }, prefix: '/pages' });
        const browser = new Visitor(other.server, FRIGG);
        const { status, html } = await browser.get(`/pages${MINE}`);
        expect(status).to.equal(200);
        expect(html).to.contain([
            `href="/pages${MINE}/new"`,
            `href="/pages${CONNECTED}"`,
            'src="/pages/oauth/pages/pages.js?'
        ]);
        expect((await browser.get('/pages/oauth/pages/pages.css')).status).to.equal(200);
        const out = await new Visitor(other.server).post(`/pages${MINE}/${ABSENT}/secret`);
        expect(out.location).to.equal(`${ISSUER}/login?return_to=${encodeURIComponent(`/pages${MINE}`)}`);
        await other.stop();
    });

    it('without those that the forum has itself', async () => {
        const paths = { device: false, authorize: false, admin: false, connectedApps: false } as const;
        const other = await withPages(database, { pages: { paths } });
        const browser = new Visitor(other.server, ODIN);
        expect((await browser.get('/oauth/consent')).status).to.equal(404);
        expect((await browser.get(ADMIN)).status).to.equal(404);
        const { html, status } = await browser.get(MINE);
        expect(status).to.equal(200);
        expect(html).not.to.contain(['Connected apps', 'All apps']);
        await other.stop();
    });

    it('beside a host’s own views and its own guard of forms', async () => {
        const other = await withPages(database);
        other.server.views({ engines: { html: { compile: (text: string) => () => text } }, path: '/' });
        expect((await new Visitor(other.server, FRIGG).get(MINE)).html).to.contain('My apps');
        for (const { settings } of other.server.table().filter(({ path }) => path.startsWith('/settings'))) {
            expect(settings.plugins).to.include({ crumb: false });
        }
        await other.stop();
    });
});

describe('Every page', () => {
    const paths = [
        '/oauth/consent',
        '/oauth/authorize/consent',
        CONNECTED,
        MINE,
        `${MINE}/new`,
        `${MINE}/${ABSENT}`,
        ADMIN,
        `${ADMIN}/devices`,
        `${ADMIN}/tokens`,
        `${ADMIN}/${ABSENT}`
    ];

    it('lets nothing foreign in, is kept by nobody and tells nobody where it was', async () => {
        for (const account of [FRIGG, ODIN, undefined]) {
            for (const path of paths) {
                const { headers, status } = await visitor(account).get(path);
                expect(headers, `${path} ${status}`).to.include({
                    'cache-control': 'no-store',
                    'referrer-policy': 'no-referrer',
                    'x-frame-options': 'DENY',
                    'x-content-type-options': 'nosniff'
                });
                const policy = headers['content-security-policy'] as string;
                expect(policy).to.contain([
                    "default-src 'none'",
                    "script-src 'self'",
                    "frame-ancestors 'none'",
                    "form-action 'self'",
                    "base-uri 'none'"
                ]);
                expect(policy).not.to.contain('unsafe');
            }
        }
    });

    it('is shown as a whole, whatever part of it is asked for', async () => {
        for (const range of ['bytes=0-1', 'bytes=99999999-', '%ff']) {
            const { status, headers, html } = await visitor(FRIGG).get(CONNECTED, { range });
            expect(status).to.equal(200);
            expect(headers['cache-control']).to.equal('no-store');
            expect(html.trimEnd()).to.endWith('</html>');
        }
    });

    it('is shown whatever the Host header says', async () => {
        const headers = { host: 'no host' };
        for (const path of paths.slice(0, 5)) {
            const { status } = await visitor(FRIGG).get(path, headers);
            expect(status, path).to.equal((await visitor(FRIGG).get(path)).status);
        }
        const out = await visitor().get(`${CONNECTED}?page=2`, headers);
        expect(out.location).to.equal(`${ISSUER}/login?return_to=${encodeURIComponent(`${CONNECTED}?page=2`)}`);
        expect((await visitor().get('/oauth/pages/pages.css', headers)).status).to.equal(200);
        expect((await visitor(ODIN).get(`${ADMIN}/tokens`, headers)).status).to.equal(200);
    });

    it('sends people without a session to the sign-in and takes them back', async () => {
        const suspended = forum.addAccount();
        const browser = visitor(suspended);
        await browser.get(MINE);
        forum.accounts.delete(suspended);
        for (const someone of [visitor(), browser]) {
            for (const path of paths) {
                const query = path === '/oauth/consent' ? '?user_code=AAAA-AAAA&x=%22%2F' : '';
                const { location, status } = await someone.get(path + query);
                expect([status, location]).to.equal([
                    303,
                    `${ISSUER}/login?${new URLSearchParams({ return_to: path + query }).toString()}`
                ]);
            }
            const { location } = await someone.post(`${CONNECTED}/${ABSENT}/disconnect`);
            expect(location).to.equal(`${ISSUER}/login?return_to=${encodeURIComponent(CONNECTED)}`);
            for (const form of [
                `${MINE}/new`,
                `${MINE}/${ABSENT}`,
                `${MINE}/${ABSENT}/delete`,
                `${ADMIN}/${ABSENT}/delete`,
                `/oauth/authorize/consent?request_id=${ABSENT}`
            ]) {
                expect((await someone.post(form)).location).to.equal(
                    `${ISSUER}/login?return_to=${encodeURIComponent(form)}`
                );
            }
        }
    });

    it('does so where the host’s strategy redirects by itself', async () => {
        const other = await Forum.create(database.dataSource, { session: { strategy: 'redirecting' } }, '/api', {
            prepare: (server) => {
                server.auth.scheme('redirecting', () => ({
                    authenticate: (_request, h) => h.redirect('/elsewhere').takeover()
                }));
                server.auth.strategy('redirecting', 'redirecting');
            }
        });
        await other.server.register({ plugin: pages });
        const { headers, location } = await new Visitor(other.server).get(MINE);
        expect(headers).to.include({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
        expect(location).to.equal(`${ISSUER}/login?return_to=${encodeURIComponent(MINE)}`);
        await other.stop();
    });

    it('takes a form only from the browser and the account that it was given to', async () => {
        const count = (): Promise<number> =>
            database.dataSource.getRepository(OAuthClient).countBy({ accountId: FRIGG });
        const existing = await count();
        const fields = { name: 'An app', type: 'public', public_grants: DEVICE_CODE };
        const [mine, hers] = [visitor(FRIGG), visitor(FRIGG)];
        await mine.get(`${MINE}/new`);
        await hers.get(`${MINE}/new`);
        const token = mine.hidden('form_token');
        expect(token).to.match(/^[\w-]{43}$/);
        expect(mine.cookies.get(FORM)).to.match(/^[\w-]{43}$/);

        const refused: [string, Promise<Shown>][] = [
            ['no token', mine.post(`${MINE}/new`, { ...fields, form_token: '' })],
            ['a guess', mine.post(`${MINE}/new`, { ...fields, form_token: 'x'.repeat(43) })],
            ['another browser', hers.post(`${MINE}/new`, { ...fields, form_token: token })],
            [
                'another site',
                mine.post(`${MINE}/new`, { ...fields, form_token: token }, { 'sec-fetch-site': 'cross-site' })
            ],
            [
                'a neighbour',
                mine.post(`${MINE}/new`, { ...fields, form_token: token }, { 'sec-fetch-site': 'same-site' })
            ],
            [
                'another origin',
                mine.post(`${MINE}/new`, { ...fields, form_token: token }, { origin: 'https://evil.example' })
            ],
            [
                'another type',
                mine.post(`${MINE}/new`, { ...fields, form_token: token }, { 'content-type': 'text/plain' })
            ]
        ];
        for (const [what, answer] of refused) {
            const { html, status } = await answer;
            expect([status, html.includes('Nothing was changed')], what).to.equal([403, true]);
        }
        // The person has signed in as somebody else meanwhile: the page that he left open is not that account's.
        mine.cookies.set('session', ODIN);
        expect((await mine.post(`${MINE}/new`, { ...fields, form_token: token })).status).to.equal(403);
        mine.cookies.set('session', FRIGG);
        mine.cookies.set(FORM, 'not one of ours');
        expect((await mine.post(`${MINE}/new`, { ...fields, form_token: token })).status).to.equal(403);
        expect(await count()).to.equal(existing);

        // A page without a referrer sends the origin `null`.
        const headers = { origin: 'null', 'sec-fetch-site': 'same-origin' };
        expect(
            (await hers.post(`${MINE}/new`, { ...fields, form_token: hers.hidden('form_token') }, headers)).status
        ).to.equal(403);
        await hers.get(`${MINE}/new`);
        expect((await hers.post(`${MINE}/new`, fields, headers)).status).to.equal(303);
        expect(await count()).to.equal(existing + 1);
    });

    it('refuses what is larger than any form', async () => {
        const browser = visitor(FRIGG);
        await browser.get(`${MINE}/new`);
        const { html, status } = await browser.post(`${MINE}/new`, { name: 'x'.repeat(70_000) });
        expect([status, html.includes('The request isn’t valid')]).to.equal([413, true]);
    });

    it('says what went wrong, and nothing of what is inside', async () => {
        const account = forum.addAccount();
        const browser = visitor(account);
        const find = forum.accounts.get.bind(forum.accounts);
        forum.accounts.get = () => {
            throw new Error('the secret cause');
        };
        const failed = await browser.get(MINE);
        forum.accounts.get = () => {
            throw Object.assign(new Error('the secret host'), { code: 'ECONNREFUSED' });
        };
        const away = await browser.get(MINE);
        forum.accounts.get = find;
        expect(failed.status).to.equal(500);
        expect(textOf(failed)).to.contain('There was a problem on our side');
        expect(forum.log.join('')).to.contain('the secret cause');
        expect([away.status, away.headers['retry-after']]).to.equal([503, '5']);
        expect(textOf(away)).to.contain('temporarily unavailable');
        expect(failed.html + away.html).not.to.contain('secret');
        const absent = await browser.get(`${MINE}/${ABSENT}`);
        expect([absent.status, textOf(absent).includes('This page doesn’t exist')]).to.equal([404, true]);
    });

    it('loads styles and script that may be kept for as long as they are the same', async () => {
        const { html } = await visitor(FRIGG).get(MINE);
        for (const [name, type] of [
            ['css', 'text/css'],
            ['js', 'text/javascript']
        ] as const) {
            const [, address] = new RegExp(`"(/oauth/pages/pages\\.${name}\\?[0-9a-f]+)"`).exec(html)!;
            const { headers, status } = await visitor().get(address!);
            expect([status, headers['cache-control']]).to.equal([200, 'public, max-age=31536000, immutable']);
            expect(String(headers['content-type'])).to.startWith(type);
            expect((await visitor().get(address!.replace(/\?.*/, '?old'))).headers['cache-control']).to.equal(
                'no-cache'
            );
        }
    });
});

describe('The device page', () => {
    it('lets an account without the permission approve nothing', async () => {
        const { user_code: code } = await forum.device();
        const browser = visitor(LOKI);
        const { html, status } = await browser.get(`/oauth/consent?user_code=${code}`);
        expect([status, html.includes('have permission to authorize applications')]).to.equal([403, true]);
        // The permission is lost between reading and approving; denying stays possible.
        const account = forum.addAccount();
        const member = visitor(account);
        await member.get(`/oauth/consent?user_code=${code}`);
        const token = member.hidden('form_token');
        forum.account(account).permissions = [];
        expect((await member.post('/oauth/consent', { user_code: code, decision: 'approve' })).status).to.equal(403);
        const denied = await member.post('/oauth/consent', { form_token: token, user_code: code, decision: 'deny' });
        expect([denied.status, textOf(denied).includes('Request denied')]).to.equal([200, true]);
    });

    it('gives a code to the first who reads it, and to no link, frame or prefetch of another site', async () => {
        const { user_code: code } = await forum.device();
        const url = `/oauth/consent?user_code=${code}`;
        const others: Record<string, string>[] = [
            { 'sec-fetch-site': 'cross-site' },
            { 'sec-fetch-site': 'same-site' },
            { origin: 'https://elsewhere.example' },
            { origin: 'null' },
            { 'sec-purpose': 'prefetch;prerender' }
        ];
        for (const headers of others) {
            const { html, status } = await visitor(FRIGG).get(url, headers);
            expect([status, html.includes(`value="${code}"`), html.includes('value="approve"')]).to.equal([
                200,
                true,
                false
            ]);
        }
        const account = forum.addAccount();
        const first = await visitor(account).get(url, { 'sec-fetch-site': 'none' });
        expect(textOf(first)).to.contain([code, 'Authorize']);
        const second = await visitor(FRIGG).get(url);
        expect([second.status, textOf(second).includes('Someone else already entered this code')]).to.equal([
            400,
            true
        ]);
    });

    it('counts wrong codes and says when to come back', async () => {
        const browser = visitor(forum.addAccount());
        for (let wrong = 0; wrong < 10; ++wrong) {
            expect((await browser.get('/oauth/consent?user_code=AAAAAAAA')).status).to.equal(400);
        }
        const { headers, html, status } = await browser.get('/oauth/consent?user_code=AAAAAAAA');
        expect([status, headers['retry-after']]).to.equal([429, '600']);
        expect(html).to.contain('Try again in 10 min');
    });

    it('takes no decision that is none, and each decision once', async () => {
        const account = forum.addAccount();
        const browser = visitor(account);
        const { user_code: code } = await forum.device();
        const open = (): Promise<Shown> => browser.get(`${MINE}/new`);
        await open();
        expect((await browser.post('/oauth/consent', { user_code: code, decision: 'perhaps' })).status).to.equal(400);
        await open();
        expect(
            (await browser.post('/oauth/consent', { user_code: 'x'.repeat(100), decision: 'deny' })).status
        ).to.equal(400);
        await open();
        // It was not read yet.
        expect((await browser.post('/oauth/consent', { user_code: code, decision: 'approve' })).status).to.equal(400);
        await browser.get(`/oauth/consent?user_code=${code}`);
        const token = browser.hidden('form_token');
        const fields = { form_token: token, user_code: code, decision: 'approve' };
        expect(textOf(await browser.post('/oauth/consent', fields))).to.contain('Application authorized');
        expect((await browser.post('/oauth/consent', fields)).status).to.equal(400);
    });

    it('warns of an administrator’s approval, and says who asks and since when', async () => {
        const device = await createDevice(forum, 'openid ADMINISTRATOR CREATE_POST', ODIN);
        const { user_code: code } = await forum.device({ client_id: device.client_id, scope: device.scope });
        forum.pass(120);
        const shown = await visitor(ODIN).get(`/oauth/consent?user_code=${code}`);
        expect(textOf(shown)).to.contain([
            'gives the application full administrator access',
            'Full administrator access',
            'Created by Odin (@ odin',
            'Write posts'
        ]);
        const asked = new Date(forum.now - 120_000).toISOString();
        expect(shown.html).to.contain(`datetime="${asked}"`);
        forum.accounts.delete(ODIN);
        const gone = await visitor(forum.addAccount()).get(
            `/oauth/consent?user_code=${(await forum.device({ client_id: device.client_id, scope: 'openid MANAGE_ROLES' }).catch(() => ({ user_code: '' }))).user_code}`
        );
        expect(gone.status).to.equal(200);
        forum.accounts.set(ODIN, { id: ODIN, handle: 'odin', name: 'Odin', permissions: ['ADMINISTRATOR'] });
    });
});

describe('The page of an authorization request', () => {
    it('says what will be given, what was asked for in vain and why, and where it leads', async () => {
        const app = await createApp(forum, {}, FRIGG);
        const account = forum.addAccount(['USE_OAUTH_CLIENTS', 'READ_PUBLISHED_THREADS']);
        const scope = 'openid READ_PUBLISHED_THREADS CREATE_POST MANAGE_ROLES';
        const [, shown] = await openConsent(account, app, { scope });
        const text = textOf(shown);
        expect(text).to.contain([
            'Read threads',
            'app.example',
            'You don’t have these permissions. Write posts',
            'isn’t allowed to use these permissions. Manage roles'
        ]);
        expect(text.indexOf('Read threads')).to.be.below(text.indexOf('not granted'));
        const [, nothing] = await openConsent(account, app, { scope: 'CREATE_POST' });
        expect(textOf(nothing)).to.contain('This application won’t get any access');
    });

    it('names each kind of redirect plainly', async () => {
        const kinds: [string, string][] = [
            ['https://xn--fm-mka.example:8443/cb?next=https://forum.example/', 'xn--fm-mka.example:8443'],
            ['http://127.0.0.1:4000/cb', 'An application on this computer ( 127.0.0.1:4000 )'],
            ['com.example.app:/cb', 'An application on this device ( com.example.app: )']
        ];
        for (const [uri, says] of kinds) {
            const app = await createApp(forum, { redirect_uris: [uri] });
            const [browser, shown, path] = await openConsent(FRIGG, app);
            expect(textOf(shown)).to.contain(says);
            const decided = await browser.post(path, { request_id: browser.hidden('request_id'), decision: 'approve' });
            expect(decided.status).to.equal(200);
            const [, location] = /http-equiv="refresh" content="0; url=([^"]*)"/.exec(decided.html)!;
            expect(location!.startsWith(uri.replaceAll('=', '&#x3D;'))).to.be.true();
            expect(location).to.contain('code');
            expect(decided.headers['referrer-policy']).to.equal('no-referrer');
        }
    });

    it('takes a decision once, from the account that began the request', async () => {
        const app = await createApp(forum);
        const [browser, , path] = await openConsent(FRIGG, app);
        const fields = { request_id: browser.hidden('request_id'), form_token: browser.hidden('form_token') };
        expect((await browser.post(path, { ...fields, decision: 'perhaps' })).status).to.equal(400);
        expect((await visitor(forum.addAccount()).get(path)).status).to.equal(400);
        const denied = await browser.post(path, { ...fields, decision: 'deny' });
        expect(denied.html).to.contain(['Request denied', 'access_denied']);
        const again = await browser.post(path, { ...fields, decision: 'approve' });
        expect([again.status, textOf(again).includes('already answered')]).to.equal([400, true]);
        expect((await browser.get('/oauth/authorize/consent')).status).to.equal(400);
    });

    it('lets an account that has lost the permission deny only, and leads nowhere that was withdrawn', async () => {
        const account = forum.addAccount();
        const app = await createApp(forum);
        const [browser, , path] = await openConsent(account, app);
        const fields = { request_id: browser.hidden('request_id'), form_token: browser.hidden('form_token') };
        await forum.as(FRIGG, 'PATCH', `/auth/oauth/clients/${app.id}`, { redirect_uris: [`${REDIRECT_URI}2`] });
        forum.account(account).permissions = [];
        const refused = await browser.get(path);
        expect([refused.status, refused.html.includes('Return to the application')]).to.equal([403, true]);
        expect((await browser.post(path, { ...fields, decision: 'approve' })).status).to.equal(403);
        const denied = await browser.post(path, { ...fields, decision: 'deny' });
        expect(denied.html).to.contain('The application didn’t get access').and.not.contain('http-equiv="refresh"');
    });
});

describe('The page of connected apps', () => {
    it('has one entry for an application, with its sessions, and ends one or all by one click', async () => {
        const account = forum.addAccount();
        const device = await createDevice(forum, 'offline_access CREATE_POST', account);
        const [one, two] = [
            await forum.signIn(account, device as unknown as Record<string, string>),
            await forum.signIn(account)
        ];
        forum.pass(60);
        const three = await forum.signIn(account, { client_id: device.client_id, scope: 'offline_access' });
        forum.pass(60);
        const used = await forum.refresh(one.refresh_token, { client_id: device.client_id });
        const browser = visitor(account);
        const shown = await browser.get(CONNECTED);
        expect(shown.html.match(/<li class="card">/g)).to.have.length(2);
        const text = textOf(shown);
        expect(text).to.contain([
            'Sessions: 2',
            'Sessions: 1',
            'Write posts',
            'last used',
            'not used since',
            'Storyden'
        ]);
        const ends = [...shown.html.matchAll(/action="([^"]*\/sessions\/[^"]*)"/g)].map(([, action]) => action!);
        expect(ends).to.have.length(3);

        // Used last, so it comes first.
        const ended = await browser.post(ends[0]!);
        expect([ended.status, ended.location]).to.equal([303, CONNECTED]);
        const refreshed = await forum.refresh(used.body.refresh_token as string, { client_id: device.client_id });
        expect(refreshed.body.error).to.equal('invalid_grant');
        expect((await forum.refresh(three.refresh_token, { client_id: device.client_id })).status).to.equal(200);
        expect((await browser.get(CONNECTED)).html).to.contain('Session ended.');

        await browser.get(CONNECTED);
        await browser.post(`${CONNECTED}/${device.id}/disconnect`);
        expect((await forum.refresh(three.refresh_token, { client_id: device.client_id })).status).to.equal(400);
        expect((await forum.refresh(two.refresh_token)).status).to.equal(200);
        const left = await browser.get(CONNECTED);
        expect(left.html).to.contain(['Application disconnected.', 'Storyden']).and.not.contain('Device ');
    });

    it('ends nothing of somebody else’s', async () => {
        const account = forum.addAccount();
        const tokens = await forum.signIn(account);
        const { body } = await forum.as(account, 'GET', '/auth/oauth/tokens');
        const thief = visitor(FRIGG);
        await thief.get(`${MINE}/new`);
        expect((await thief.post(`${CONNECTED}/sessions/${body.tokens[0].id}/disconnect`)).status).to.equal(404);
        await thief.get(`${MINE}/new`);
        expect((await thief.post(`${CONNECTED}/${body.tokens[0].oauth_client_id}/disconnect`)).status).to.equal(303);
        expect((await forum.refresh(tokens.refresh_token)).status).to.equal(200);
    });

    for (const kind of ['server', 'embedded'] as const) {
        it(`asks the ${kind} database as little for 300 applications as for 10`, async () => {
            const own = kind === 'server' ? database : await openDatabase('embedded');
            const other = kind === 'server' ? forum : await withPages(own);
            const { dataSource } = own;
            const statements: string[] = [];
            const silent = (): void => undefined;
            const logger = dataSource.logger;
            const connectTo = async (account: string, applications: number): Promise<void> => {
                const rows = Array.from({ length: applications }, (_, place): OAuthClient => ({
                    id: createId(START),
                    accountId: null,
                    clientId: `${account}-${place}`,
                    name: `Application ${place}`,
                    type: 'public',
                    scopePolicy: 'explicit',
                    firstParty: false,
                    redirectUris: '[]',
                    allowedScopes: '',
                    allowedGrants: '',
                    secretHash: null,
                    previousSecretHash: null,
                    previousSecretExpiresAt: null,
                    createdAt: START,
                    updatedAt: START,
                    deletedAt: null
                }));
                await dataSource.getRepository(OAuthClient).insert(rows);
                for (const [place, { id }] of rows.entries()) {
                    const sessions = place === 0 ? 14 : 1;
                    await seedChains(dataSource, sessions, {
                        accountId: account,
                        oauthClientId: id,
                        scope: 'openid',
                        now: other.now - place * 1000
                    });
                }
            };
            const [few, many] = [other.addAccount(), other.addAccount()];
            await connectTo(few, 10);
            await connectTo(many, 300);
            dataSource.logger = {
                logQuery: (sql) => void statements.push(sql),
                logQueryError: silent,
                logQuerySlow: silent,
                logSchemaBuild: silent,
                logMigration: silent,
                log: silent
            };
            const browser = new Visitor(other.server, many);
            const first = await browser.get(CONNECTED);
            const ran = statements.splice(0).length;
            await new Visitor(other.server, few).get(CONNECTED);
            expect(statements).to.have.length(ran);
            expect(ran).to.be.below(6);
            dataSource.logger = logger;

            expect(first.html.match(/<li class="card">/g)).to.have.length(20);
            expect(textOf(first)).to.contain(['Page 1 of 15', 'Sessions: 14', 'Older sessions not shown: 4']);
            expect(first.html).to.contain(`href="${CONNECTED}?page&#x3D;2"`).and.not.contain('rel="prev"');
            const last = await browser.get(`${CONNECTED}?page=15`);
            expect(last.html.match(/<li class="card">/g)).to.have.length(20);
            expect(last.html).to.contain(['Application 299', 'rel="prev"']).and.not.contain('rel="next"');
            expect(textOf(await browser.get(`${CONNECTED}?page=99`))).to.contain('Page 99 of 15');
            for (const page of ['0', '-1', 'x', '1e9']) {
                expect(textOf(await browser.get(`${CONNECTED}?page=${page}`))).to.contain('Page 1 of 15');
            }
            if (kind === 'embedded') {
                await other.stop();
                await own.done();
            }
        });
    }
});

describe('The pages of own applications', () => {
    const BOT = {
        name: 'A bot',
        type: 'confidential',
        confidential_grants: 'client_credentials',
        scopes: 'CREATE_POST'
    };

    it('read of a form what its type and grants have a use for', async () => {
        const account = forum.addAccount();
        const browser = visitor(account);
        const list = async (): Promise<OAuth.ClientDescription> =>
            (await forum.as(account, 'GET', '/auth/oauth/clients')).body.clients[0];
        await browser.get(`${MINE}/new`);
        // All boxes ticked, as somebody may who goes back and forth.
        const everything = {
            name: '  Everything  ',
            public_grants: ['authorization_code', DEVICE_CODE],
            confidential_grants: ['client_credentials'],
            redirect_uris: ' https://app.example/cb \r\n\r\n',
            scopes: ['openid', 'CREATE_POST', 'offline_access'],
            stays_connected: '1'
        };
        expect((await browser.post(`${MINE}/new`, { ...everything, type: 'confidential' })).status).to.equal(200);
        expect(await list()).to.include({
            name: 'Everything',
            allowed_grants: ['client_credentials'],
            allowed_scopes: ['CREATE_POST'],
            redirect_uris: []
        });
        forum.pass(1);
        await browser.get(`${MINE}/new`);
        expect((await browser.post(`${MINE}/new`, { ...everything, type: 'public' })).status).to.equal(303);
        expect(await list()).to.include({
            allowed_grants: ['authorization_code', DEVICE_CODE, 'refresh_token'],
            allowed_scopes: ['openid', 'CREATE_POST', 'offline_access'],
            redirect_uris: ['https://app.example/cb']
        });
        await browser.get(`${MINE}/new`);
        expect((await browser.post(`${MINE}/new`, { ...everything, type: 'both' })).status).to.equal(400);
        await browser.get(`${MINE}/new`);
        const none = await browser.post(`${MINE}/new`, { name: 'None', type: 'public' });
        expect([none.status, none.html.includes('Choose at least one way')]).to.equal([400, true]);
        await browser.get(`${MINE}/new`);
        const held = await browser.post(`${MINE}/new`, { ...BOT, scopes: 'MANAGE_ROLES' });
        expect([held.status, held.html.includes('id="scopes_problem"')]).to.equal([400, true]);
        expect(held.html).to.contain('value="A bot"');
    });

    it('do a thing once, also where its answer is loaded again', async () => {
        const account = forum.addAccount();
        const browser = visitor(account);
        await browser.get(`${MINE}/new`);
        const form = { ...BOT, form_id: browser.hidden('form_id'), form_token: browser.hidden('form_token') };
        const made = await browser.post(`${MINE}/new`, form);
        expect(made.html).to.match(/value="sdoas_[\w-]{43}"/);
        const again = await browser.post(`${MINE}/new`, form);
        expect([again.status, again.location]).to.equal([303, MINE]);
        expect((await browser.get(MINE)).html).to.contain('You already submitted this form');
        const { body } = await forum.as(account, 'GET', '/auth/oauth/clients');
        expect(body.clients).to.have.length(1);
        const path = `${MINE}/${body.clients[0].id}`;
        await browser.get(path);
        const rotate = {
            overlap_seconds: '3600',
            form_id: browser.hidden('form_id'),
            form_token: browser.hidden('form_token')
        };
        expect((await browser.post(`${path}/secret`, rotate)).html).to.contain('The old secret expires at');
        expect((await browser.post(`${path}/secret`, rotate)).location).to.equal(path);
        await browser.get(path);
        expect((await browser.post(`${path}/secret`, { overlap_seconds: '99' })).status).to.equal(400);
    });

    it('belong to their owner, and to nobody who may not make applications', async () => {
        const { client } = await forum.createClient(FRIGG);
        const stranger = visitor(forum.addAccount());
        await stranger.get(`${MINE}/new`);
        const token = stranger.hidden('form_token');
        for (const path of ['', '/delete']) {
            expect((await stranger.get(`${MINE}/${client.id}${path}`)).status).to.equal(404);
            expect(
                (await stranger.post(`${MINE}/${client.id}${path}`, { form_token: token, name: 'Mine' })).status
            ).to.equal(404);
        }
        expect(
            (await stranger.post(`${MINE}/${client.id}/secret`, { form_token: token, overlap_seconds: '0' })).status
        ).to.equal(404);

        const other = await withPages(database, { options: { permissions: { manageClients: 'CREATE_POST' } } });
        const loki = new Visitor(other.server, LOKI);
        expect((await loki.get(MINE)).html).not.to.contain(`${MINE}/new`);
        const { html, status } = await loki.get(`${MINE}/new`);
        expect([status, html.includes('have permission to create applications')]).to.equal([403, true]);
        other.account(FRIGG).permissions = [];
        const frigg = new Visitor(other.server, FRIGG);
        expect((await frigg.get(`${MINE}/${client.id}`)).html).not.to.contain('overlap_seconds');
        await other.stop();
    });

    it('say which permissions the owner has lost, and drop them with the next change', async () => {
        const account = forum.addAccount();
        const { client } = await forum.createClient(account, { allowed_scopes: ['CREATE_POST', 'READ_PROFILE'] });
        forum.account(account).permissions = ['READ_PROFILE'];
        const browser = visitor(account);
        const path = `${MINE}/${client.id}`;
        expect(textOf(await browser.get(path)))
            .to.contain('You no longer have these permissions')
            .and.contain('Write posts');
        await browser.post(path, { name: 'Renamed', scopes: 'READ_PROFILE' });
        const { body } = await forum.as(account, 'GET', `/auth/oauth/clients/${client.id}`);
        expect([body.name, body.allowed_scopes]).to.equal(['Renamed', ['READ_PROFILE']]);
        await browser.get(path);
        const wrong = await browser.post(path, { name: '\u200B', scopes: 'READ_PROFILE' });
        expect([wrong.status, wrong.html.includes('id="name_problem"')]).to.equal([400, true]);
    });

    it('come in pages where there are many', async () => {
        const account = forum.addAccount();
        await Promise.all(
            Array.from({ length: 51 }, (_, place) => forum.createClient(account, { name: `Bot ${place}` }))
        );
        const browser = visitor(account);
        expect((await browser.get(MINE)).html.match(/class="card link"/g)).to.have.length(50);
        expect((await browser.get(`${MINE}?page=2`)).html.match(/class="card link"/g)).to.have.length(1);
    });
});

describe('The pages of administrators', () => {
    it('open to administrators only', async () => {
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

    it('show whose an application is, and delete none that is built in', async () => {
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
        const [builtIn] = (await forum.server.plugins['hapi-forum-oauth'].admin.listClients({ search: CLI.client_id }))
            .clients;
        expect(textOf(await odin.get(`${ADMIN}/${builtIn!.id}`))).to.contain('can’t be changed or deleted');
        await odin.get(`${MINE}/new`);
        expect((await odin.post(`${ADMIN}/${builtIn!.id}/delete`)).status).to.equal(409);
    });

    it('show sessions in every state, and lead back to where one was ended', async () => {
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
            const answer = await odin.post(`${ADMIN}/tokens/${body.tokens[0].id}/end`, { back: elsewhere });
            expect(answer.location, elsewhere).to.equal(`${ADMIN}/tokens`);
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
});

describe('A host’s own look and words', () => {
    let folder: string;
    let other: Forum;

    before(async () => {
        folder = await mkdtemp(join(tmpdir(), 'pages-'));
        await mkdir(join(folder, 'partials'));
        await writeFile(
            join(folder, 'device-code.html'),
            '<h1>{{t "device.title"}}</h1><p>Ours, {{account.name}}</p>{{> pager}}'
        );
        await writeFile(join(folder, 'partials', 'scope.html'), '<li>{{name}} ({{scope}}): {{sentence}}</li>');
        await writeFile(join(folder, 'pages.css'), 'main { color: red }');
        other = await withPages(database, {
            options: { permissions: { all: [...OAuth.FORUM_PERMISSIONS, 'BAKE_CAKES', 'constructor'] } },
            pages: {
                folder,
                language: 'de',
                stylesheets: ['/our.css'],
                home: '/start',
                strings: {
                    forum: 'Asgard <3',
                    'device.title': 'Gerät verbinden',
                    'invalid.redirect_uris.uri': 'Keine Adresse'
                },
                permissions: { BAKE_CAKES: { name: 'Bake cakes!', sentence: 'Bake cakes for you.' } }
            }
        });
        other.accounts.set(FRIGG, { ...other.account(FRIGG), name: 'Frigg <script>' });
    });

    after(async () => {
        await other.stop();
        await rm(folder, { recursive: true });
    });

    it('replace templates, partials, styles and texts one by one', async () => {
        const browser = new Visitor(other.server, FRIGG);
        const code = await browser.get('/oauth/consent');
        expect(code.html).to.contain([
            '<html lang="de">',
            'Gerät verbinden',
            'Ours, Frigg &lt;script&gt;',
            'href="/our.css"',
            'href="/start">Asgard &lt;3'
        ]);
        const [, styles] = /href="(\/oauth\/pages\/pages\.css\?[^"]+)"/.exec(code.html)!;
        expect((await browser.get(styles!)).html).to.equal('main { color: red }');
        expect((await browser.get('/oauth/pages/pages.js')).status).to.equal(200);
        await browser.get(`${MINE}/new`);
        const app = { name: 'x', type: 'public', public_grants: 'authorization_code', redirect_uris: 'x' };
        expect((await browser.post(`${MINE}/new`, app)).html).to.contain('Redirect URI 1: Keine Adresse');
        // The other server has its own.
        expect((await visitor(FRIGG).get('/oauth/consent')).html)
            .to.contain('Connect a device')
            .and.not.contain('Ours');
    });

    it('describe permissions of its own; any other by its name', async () => {
        other.account(FRIGG).permissions.push('BAKE_CAKES', 'constructor');
        const { user_code: code } = await other.device();
        const shown = await new Visitor(other.server, FRIGG).get(`/oauth/consent?user_code=${code}`);
        expect(shown.html).to.contain([
            '<li>Bake cakes! (BAKE_CAKES): Bake cakes for you.</li>',
            '<li>Constructor (constructor): </li>',
            '<li>Write posts (CREATE_POST): '
        ]);
    });
});
