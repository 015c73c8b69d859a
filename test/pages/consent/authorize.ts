import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { authorize, createApp, locationOf, parametersOf, REDIRECT_URI, type App } from '../../support/authorization';
import { FRIGG, ISSUER, type Forum } from '../../support/forum';
import { textOf, withPages } from '../../support/pages';
import { Visitor, type Shown } from '../../support/visitor';
import { useDatabase } from '../../support/setup';

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

/** Opens the consent page as an account: the visitor, the page and its path. */
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

describe('The page for an authorization request', () => {
    it('shows what will be granted, what will not and why, and where it redirects to', async () => {
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

    it('describes websites, programs on this computer and custom schemes', async () => {
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
            expect(textOf(decided)).to.match(/ Continue to \S| Open the application /);
            const [, location] = /http-equiv="refresh" content="0; url=([^"]*)"/.exec(decided.html)!;
            expect(location!.startsWith(uri.replaceAll('=', '&#x3D;'))).to.be.true();
            expect(location).to.contain('code');
            expect(decided.headers['referrer-policy']).to.equal('no-referrer');
        }
    });

    it('accepts one decision, from the account that started the request', async () => {
        const app = await createApp(forum);
        const [browser, , path] = await openConsent(FRIGG, app);
        const fields = { request_id: browser.hidden('request_id'), form_token: browser.hidden('form_token') };
        expect((await browser.post(path, { ...fields, decision: 'perhaps' })).status).to.equal(400);
        expect((await visitor(forum.addAccount()).get(path)).status).to.equal(400);
        const denied = await browser.post(path, { ...fields, decision: 'deny' });
        expect(denied.html).to.contain(['Request denied', 'access_denied']);
        // A second click, even on the other button, shows what was decided.
        const again = await browser.post(path, { ...fields, decision: 'approve' });
        expect([again.status, again.html.includes('access_denied')]).to.equal([200, true]);
        expect((await browser.get('/oauth/authorize/consent')).status).to.equal(400);
    });

    it('lets an account that lost the permission only deny, and never redirects to a URI that was removed', async () => {
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
