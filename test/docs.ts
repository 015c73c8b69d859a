import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import * as Worker from '../jobs';
import * as OAuth from '../plugin';
import { readOptions } from '../plugin/options/read-options';
import * as Pages from '../plugin/pages';
import { Forum, ISSUER, openDatabase, signingKey, type OpenDatabase } from './support/forum';

export const lab = Lab.script();
const { describe, it, before, after } = lab;

const read = (name: string): Promise<string> => readFile(join(__dirname, '..', name), 'utf8');

describe('The documentation', () => {
    let database: OpenDatabase;
    let forum: Forum;
    let readme: string;
    let api: string;

    before(async () => {
        [readme, api] = await Promise.all([read('README.md'), read('API.md')]);
        database = await openDatabase('embedded');
        // All that can be switched on.
        forum = await Forum.create(database.dataSource, {
            resources: [{ identifier: ISSUER }],
            registration: {},
            clientMetadataDocuments: {},
            accessKeys: {}
        });
    });

    after(async () => {
        await forum.stop();
        await database.done();
    });

    it('names every endpoint that there is, with its methods, and none that there is not', () => {
        const routes = forum.server
            .table()
            .filter(({ method }) => method !== 'options')
            .map(({ method, path }) => `${method.toUpperCase()} ${path.replace(/^\/api\//, '/')}`);
        expect(routes).to.include('POST /oauth/token');
        for (const text of [readme, api]) {
            const named = new Set<string>();
            // `GET /a`, and `GET`, `POST /a` for two methods of one path.
            for (const [list, path] of text.matchAll(
                /(?:`(?:GET|POST|PATCH|DELETE)`, )*`(?:GET|POST|PATCH|DELETE) (\/[^\s`?]*)/g
            )) {
                for (const [method] of list.matchAll(/GET|POST|PATCH|DELETE/g)) {
                    named.add(`${method} ${path}`);
                }
            }
            expect([...named].sort()).to.equal([...new Set(routes)].sort());
        }
    });

    it('names every export and every type', async () => {
        const entries = await Promise.all(['plugin/index.ts', 'plugin/pages/index.ts', 'jobs/index.ts'].map(read));
        const listed = entries.flatMap((source) =>
            [...source.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, names]) =>
                names!.split(',').map((name) => name.trim().replace(/^type /, ''))
            )
        );
        expect(listed).to.include(['OAuthCredentials', 'PagesOptions', 'startWorker', 'TimedOAuthEvent']);
        const exported = [OAuth, Pages, Worker].flatMap(Object.keys).filter((key) => key !== '__esModule');
        for (const name of new Set([...listed, ...exported])) {
            expect(api).to.contain(`\`${name}`);
        }
    });

    it('names every event, and every function of the server API', async () => {
        const source = await read('plugin/events.ts');
        const grants = await read('plugin/store/grants.ts');
        const reasons = /type EndReason =([^;]*);/.exec(grants)![1]!.matchAll(/'([a-z_]+)'/g);
        const types = [...source.matchAll(/type:\s*\|?\s*('[a-z_]+'(?:\s*\| '[a-z_]+')*)/g)].flatMap(([, names]) =>
            [...names!.matchAll(/'([a-z_]+)'/g)].map(([, name]) => name!)
        );
        expect(types).to.include(['token_issued', 'sweep_failed', 'client_secret_rotated']);
        // A client's deletion emits no event for each grant that it ends.
        const names = [...types, ...[...reasons].map(([, name]) => name!)].filter((name) => name !== 'client_deleted');
        for (const name of names) {
            expect(api).to.contain(`\`${name}\``);
        }
        for (const [group, functions] of Object.entries(forum.server.plugins['hapi-forum-oauth'])) {
            for (const name of Object.keys(functions as object)) {
                expect(api).to.match(new RegExp(`\`(?:${group})?\\.${name}\\(`));
            }
        }
    });

    it('names every option in the README, with its default', async () => {
        const settings = readOptions({
            issuer: ISSUER,
            dataSource: database.dataSource,
            accounts: { find: () => Promise.resolve(null) },
            session: { strategy: 'session' },
            signingKeys: [await signingKey()]
        });
        const rows = new Map(
            [...readme.matchAll(/^\| `([a-zA-Z.]+)` \| (.*?) \| /gm)].map(([, name, value]) => [name!, value!])
        );
        for (const [name, value] of Object.entries(settings.lifetimes)) {
            expect(rows.get(`lifetimes.${name}`)).to.equal(`\`${value}\``);
        }
        for (const [name, limit] of Object.entries(settings.limits)) {
            const { points, seconds } = limit as OAuth.Limit;
            const written = `{ points: ${points}, seconds: ${seconds} }`;
            expect(rows.get(`limits.${name}`)).to.equal(`\`${written}\``);
            expect(api).to.contain(`| \`${name}\` | \`${written}\` |`);
        }
        for (const [name, value] of Object.entries(settings.caps)) {
            expect(rows.get(`caps.${name}`)).to.equal(`\`${value}\``);
            expect(api).to.contain(`| \`${name}\` | \`${value}\` |`);
        }
        for (const [name, value] of Object.entries(settings.urls)) {
            const written = value.startsWith(ISSUER) ? value.slice(ISSUER.length) : value;
            expect(rows.get(`urls.${name}`)!).to.startWith(`\`${written}\``);
        }
        expect(rows.get('permissions.administrator')).to.equal(`\`${settings.permissions.administrator}\``);
        expect(rows.get('permissions.authorizeClients')).to.equal(`\`${settings.permissions.authorizeClients}\``);
        expect(rows.get('permissions.useAccessKeys')).to.equal(`\`${settings.permissions.useAccessKeys}\``);
        expect(rows.get('permissions.all')).to.contain(String(settings.permissions.all.length));
        const [{ clientId, name } = { clientId: '', name: '' }] = settings.firstPartyClients;
        expect(rows.get('firstPartyClients')).to.equal(`\`[{ clientId: '${clientId}', name: '${name}' }]\``);
        for (const option of [
            ...Object.keys(settings).filter((key) => key !== 'origin' && key !== 'secrets'),
            'secret',
            'session.strategy',
            'session.accountId',
            'session.authTime',
            'session.origins',
            'permissions.manageClients',
            'lifetimes.refreshChain',
            'bearer.permissions',
            'limits.redis',
            'limits.address',
            'jobs'
        ]) {
            expect([...rows.keys()].some((key) => key === option || key.startsWith(`${option}.`))).to.be.true();
            expect(api).to.contain(`\`${option.split('.').pop()}`);
        }
    });
});
