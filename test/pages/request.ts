import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthClient } from '../../entities';
import { pages } from '../../plugin/pages';
import { DEVICE_CODE, FRIGG, ISSUER, ODIN, Forum } from '../support/forum';
import { ABSENT, ADMIN, CONNECTED, MINE, textOf, withPages } from '../support/pages';
import { Visitor, type Shown } from '../support/visitor';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const database = useDatabase(lab);
let forum: Forum;

before(async () => {
    forum = await withPages(database);
});

after(async () => {
    await forum.stop();
});

const visitor = (accountId?: string): Visitor => new Visitor(forum.server, accountId);

const FORM = '__Host-oauth-form';

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

    it('loads nothing from other sites, and is never cached, framed or sent as a referrer', async () => {
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

    it('ignores a Range header', async () => {
        for (const range of ['bytes=0-1', 'bytes=99999999-', '%ff']) {
            const { status, headers, html } = await visitor(FRIGG).get(CONNECTED, { range });
            expect(status).to.equal(200);
            expect(headers['cache-control']).to.equal('no-store');
            expect(html.trimEnd()).to.endWith('</html>');
        }
    });

    it('ignores a malformed Host header', async () => {
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

    it('redirects to the sign-in page without a session, and names the path to return to', async () => {
        const suspended = forum.addAccount();
        const browser = visitor(suspended);
        await browser.get(MINE);
        forum.accounts.delete(suspended);
        for (const signedOut of [visitor(), browser]) {
            for (const path of paths) {
                const query = path === '/oauth/consent' ? '?user_code=AAAA-AAAA&x=%22%2F' : '';
                const { location, status } = await signedOut.get(path + query);
                expect([status, location]).to.equal([
                    303,
                    `${ISSUER}/login?${new URLSearchParams({ return_to: path + query }).toString()}`
                ]);
            }
            const { location } = await signedOut.post(`${CONNECTED}/${ABSENT}/disconnect`);
            expect(location).to.equal(`${ISSUER}/login?return_to=${encodeURIComponent(CONNECTED)}`);
            for (const form of [
                `${MINE}/new`,
                `${MINE}/${ABSENT}`,
                `${MINE}/${ABSENT}/delete`,
                `${ADMIN}/${ABSENT}/delete`,
                `/oauth/authorize/consent?request_id=${ABSENT}`
            ]) {
                expect((await signedOut.post(form)).location).to.equal(
                    `${ISSUER}/login?return_to=${encodeURIComponent(form)}`
                );
            }
        }
    });

    it('redirects to the sign-in page even if the host’s strategy redirects elsewhere', async () => {
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

    it('accepts a form only from the browser and account that it was rendered for', async () => {
        const count = (): Promise<number> =>
            database.dataSource.getRepository(OAuthClient).countBy({ accountId: FRIGG });
        const existing = await count();
        const fields = { name: 'An app', type: 'public', public_grants: DEVICE_CODE };
        const [first, second] = [visitor(FRIGG), visitor(FRIGG)];
        await first.get(`${MINE}/new`);
        await second.get(`${MINE}/new`);
        const token = first.hidden('form_token');
        expect(token).to.match(/^[\w-]{43}$/);
        expect(first.cookies.get(FORM)).to.match(/^[\w-]{43}$/);

        const refused: [string, Promise<Shown>][] = [
            ['no token', first.post(`${MINE}/new`, { ...fields, form_token: '' })],
            ['a guess', first.post(`${MINE}/new`, { ...fields, form_token: 'x'.repeat(43) })],
            ['another browser', second.post(`${MINE}/new`, { ...fields, form_token: token })],
            [
                'another site',
                first.post(`${MINE}/new`, { ...fields, form_token: token }, { 'sec-fetch-site': 'cross-site' })
            ],
            [
                'another subdomain',
                first.post(`${MINE}/new`, { ...fields, form_token: token }, { 'sec-fetch-site': 'same-site' })
            ],
            [
                'another origin',
                first.post(`${MINE}/new`, { ...fields, form_token: token }, { origin: 'https://evil.example' })
            ],
            [
                'another type',
                first.post(`${MINE}/new`, { ...fields, form_token: token }, { 'content-type': 'text/plain' })
            ]
        ];
        for (const [what, response] of refused) {
            const { html, status } = await response;
            expect([status, html.includes('Nothing was changed')], what).to.equal([403, true]);
        }
        // Another account has signed in since, so the open page is no longer valid.
        first.cookies.set('session', ODIN);
        expect((await first.post(`${MINE}/new`, { ...fields, form_token: token })).status).to.equal(403);
        first.cookies.set('session', FRIGG);
        first.cookies.set(FORM, 'not one of ours');
        expect((await first.post(`${MINE}/new`, { ...fields, form_token: token })).status).to.equal(403);
        expect(await count()).to.equal(existing);

        // A page without a referrer sends the origin `null`.
        const headers = { origin: 'null', 'sec-fetch-site': 'same-origin' };
        expect(
            (await second.post(`${MINE}/new`, { ...fields, form_token: second.hidden('form_token') }, headers)).status
        ).to.equal(403);
        await second.get(`${MINE}/new`);
        expect((await second.post(`${MINE}/new`, fields, headers)).status).to.equal(303);
        expect(await count()).to.equal(existing + 1);
    });

    it('refuses a body that is larger than any form', async () => {
        const browser = visitor(FRIGG);
        await browser.get(`${MINE}/new`);
        const { html, status } = await browser.post(`${MINE}/new`, { name: 'x'.repeat(70_000) });
        expect([status, html.includes('The request isn’t valid')]).to.equal([413, true]);
    });

    it('explains errors without internal details', async () => {
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

    it('loads a stylesheet and a script that browsers can cache until they change', async () => {
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
