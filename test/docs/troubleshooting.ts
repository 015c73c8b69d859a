import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@hapi/code';
import * as Cookie from '@hapi/cookie';
import * as Hapi from '@hapi/hapi';
import * as Lab from '@hapi/lab';
import * as OAuth from '../../plugin';
import { blocksOf, readDocument } from '../support/documents';
import { ISSUER, openDatabase, signingKey } from '../support/forum';

export const lab = Lab.script();
const { describe, it, before } = lab;

/** What others say, not the plugin. */
const OF_OTHERS = ['Unknown authentication strategy oauth', "Table 'forum.oauth_clients' doesn't exist"];

const PLUGIN = join(__dirname, '../../plugin');

describe('docs/troubleshooting.md', () => {
    let text: string;

    before(async () => {
        text = await readDocument('docs/troubleshooting.md');
    });

    it('quotes messages as the plugin says them', async () => {
        const names = await readdir(PLUGIN, { recursive: true });
        const sources = await Promise.all(
            names.filter((name) => name.endsWith('.ts')).map((name) => readFile(join(PLUGIN, name), 'utf8'))
        );
        const source = sources.join('\n');
        const quoted = [...text.matchAll(/^`([^`]+)`$/gm)].map(([, message]) => message!);
        expect(quoted).to.include('The redirect_uri is not one that the client has registered');
        for (const message of quoted.filter((one) => !OF_OTHERS.includes(one))) {
            expect(source).to.contain(message);
        }
    });

    it('names reasons that a grant can have ended for', async () => {
        const grants = await readFile(join(PLUGIN, 'store/grants.ts'), 'utf8');
        const reasons = [...text.matchAll(/`end_reason` is ([^|]+)\|/g)].flatMap(([, list]) =>
            [...list!.matchAll(/`([a-z_]+)`/g)].map(([, reason]) => reason!)
        );
        expect(reasons).to.include(['client_deleted', 'refresh_token_reused']);
        for (const reason of reasons) {
            expect(grants).to.contain(`'${reason}'`);
        }
    });

    it('has code that runs, from the first line to the last', async () => {
        const database = await openDatabase('embedded');
        const server = Hapi.server({ port: 0, debug: false });
        await server.register(Cookie);
        server.auth.strategy('session', 'cookie', { cookie: { password: 'p'.repeat(32) }, redirectTo: '/login' });
        const logged: unknown[] = [];
        const names = {
            OAuth,
            server,
            createPost: () => 'done',
            console: { log: (...values: unknown[]) => logged.push(values) },
            options: {
                issuer: ISSUER,
                dataSource: database.dataSource,
                accounts: { find: () => Promise.resolve(null) },
                session: { strategy: 'session' },
                signingKeys: [await signingKey()]
            }
        };
        // Listening needs the event that the plugin adds.
        const [listeners, ...others] = blocksOf(text)
            .filter(({ language }) => language === 'js')
            .map((block) => block.text);
        const code = [...others, listeners].join('\n');
        // eslint-disable-next-line @typescript-eslint/no-implied-eval
        const run = new Function(...Object.keys(names), `return (async () => {${code}})();`) as (
            ...values: unknown[]
        ) => Promise<void>;
        await run(...Object.values(names));

        server.log(['oauth'], 'something');
        expect(logged).to.equal([[['oauth'], 'something']]);
        const post = { method: 'POST', url: '/api/posts' };
        expect((await server.inject(post)).statusCode).to.equal(401);
        await database.done();
    });

    it('has a query that the database understands', async () => {
        const [query] = blocksOf(text).filter(({ language }) => language === 'sql');
        const database = await openDatabase();
        expect(await database.dataSource.query(query!.text)).to.equal([]);
        await database.done();
    });
});
