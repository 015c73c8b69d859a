import { expect } from '@hapi/code';
import * as Hapi from '@hapi/hapi';
import * as Lab from '@hapi/lab';
import { pages, type PagesOptions } from '../../plugin/pages';
import { FRIGG, ISSUER, ODIN, Forum } from '../support/forum';
import { ABSENT, ADMIN, CONNECTED, MINE, withPages } from '../support/pages';
import { Visitor } from '../support/visitor';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const database = useDatabase(lab);

describe('The pages plugin', () => {
    it('needs hapi-forum-oauth on the same server', async () => {
        const server = Hapi.server();
        await expect(server.register({ plugin: pages })).to.reject(/register hapi-forum-oauth on this server first/);
    });

    it('names the option that is wrong', async () => {
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

    it('can be registered with a prefix, if the urls of the main plugin match', async () => {
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

    it('leaves out pages whose path is false', async () => {
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

    it('works beside a host’s own views and @hapi/crumb', async () => {
        const other = await withPages(database);
        other.server.views({ engines: { html: { compile: (text: string) => () => text } }, path: '/' });
        expect((await new Visitor(other.server, FRIGG).get(MINE)).html).to.contain('My apps');
        for (const { settings } of other.server.table().filter(({ path }) => path.startsWith('/settings'))) {
            expect(settings.plugins).to.include({ crumb: false });
        }
        await other.stop();
    });
});
