import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import * as OAuth from '../../plugin';
import { FRIGG, type Forum } from '../support/forum';
import { MINE, withPages } from '../support/pages';
import { Visitor } from '../support/visitor';
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

describe('The options for a host’s own look and texts', () => {
    let folder: string;
    let other: Forum;

    before(async () => {
        folder = await mkdtemp(join(tmpdir(), 'pages-'));
        await mkdir(join(folder, 'partials'));
        await writeFile(
            join(folder, 'device-code.html'),
            '<h1>{{t "device.title"}}</h1><p>Ours, {{account.name}}</p>{{> pager}}<form method="post">{{> csrf}}</form>'
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

    it('replace single templates, partials, assets and texts', async () => {
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
        // Another server in the same process is not affected.
        expect((await visitor(FRIGG).get('/oauth/consent')).html)
            .to.contain('Connect a device')
            .and.not.contain('Ours');
    });

    it('describe the host’s own permissions, and fall back to their names', async () => {
        other.account(FRIGG).permissions.push('BAKE_CAKES', 'constructor');
        const { user_code: code } = await other.device();
        const shown = await new Visitor(other.server, FRIGG).enterCode(code);
        expect(shown.html).to.contain([
            '<li>Bake cakes! (BAKE_CAKES): Bake cakes for you.</li>',
            '<li>Constructor (constructor): </li>',
            '<li>Write posts (CREATE_POST): '
        ]);
    });
});
