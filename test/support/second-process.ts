import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { JWK } from 'jose';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { Forum, signingKey, type Answer } from './forum';
import * as OAuth from '../../plugin';

/** Loads TypeScript as lab does, and runs `serve` of this file. */
const BOOTSTRAP = `
    const ts = require('typescript');
    const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, '.');
    const compilerOptions = { ...options, noEmit: false, module: ts.ModuleKind.CommonJS };
    require.extensions['.ts'] = (module, fileName) =>
        module._compile(ts.transpileModule(ts.sys.readFile(fileName), { fileName, compilerOptions }).outputText, fileName);
    require('./test/support/second-process.ts').serve();
`;

interface Setup {
    database: DataSourceOptions;
    key: JWK;
    /** Epoch milliseconds; time stands still there. */
    now: number;
}

/** A forum in a process of its own. */
export interface ForumProcess {
    refresh(refreshToken: string): Promise<Answer>;
    revoke(accountId: string, tokenId: string): Promise<Answer>;
    setTime(now: number): Promise<void>;
    /** Lets it stop its server and its database, and end by itself. Returns its exit code, or what ended it. */
    stop(): Promise<number | NodeJS.Signals>;
}

/** Starts a second process on the database of a data source. */
export async function startForumProcess(dataSource: DataSource, now: number): Promise<ForumProcess> {
    const child = spawn(process.execPath, ['-e', BOOTSTRAP], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        env: { ...process.env, NODE_OPTIONS: '' }
    });
    const database = { ...dataSource.options, entities: [], migrations: [] };
    const setup: Setup = { database, key: await signingKey(), now };
    child.send(setup);
    const [origin] = (await Promise.race([
        once(child, 'message'),
        once(child, 'exit').then(([code]) => {
            throw new Error(`The second process ended with ${String(code)}`);
        })
    ])) as [string];

    const request = async (method: string, path: string, init: RequestInit): Promise<Answer> => {
        const response = await fetch(`${origin}/api${path}`, { method, ...init });
        const text = await response.text();
        return {
            status: response.status,
            headers: Object.fromEntries(response.headers),
            body: text.startsWith('{') ? (JSON.parse(text) as unknown) : undefined,
            text
        };
    };

    return {
        refresh: (refreshToken) =>
            request('POST', '/oauth/token', {
                body: new URLSearchParams({
                    grant_type: 'refresh_token',
                    client_id: 'storyden-cli',
                    refresh_token: refreshToken
                })
            }),
        revoke: (accountId, tokenId) =>
            request('DELETE', `/auth/oauth/tokens/${tokenId}`, { headers: { cookie: `session=${accountId}` } }),
        setTime: async (time) => {
            child.send({ now: time });
            await once(child, 'message');
        },
        stop: async () => {
            const ended = once(child, 'exit');
            child.disconnect();
            const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null];
            return code ?? signal!;
        }
    };
}

/** What the second process does until its parent lets go of it. */
export async function serve(): Promise<void> {
    const [setup] = (await once(process, 'message')) as [Setup];
    const dataSource = new DataSource({ ...setup.database, entities: OAuth.entities });
    await dataSource.initialize();
    const forum = await Forum.create(dataSource, { signingKeys: [setup.key], jobs: 'in-process' });
    forum.now = setup.now;
    process.on('message', ({ now }: { now: number }) => {
        forum.now = now;
        process.send!('done');
    });
    process.once('disconnect', () => {
        void forum.stop().then(() => dataSource.destroy());
    });
    await forum.server.start();
    process.send!(forum.server.info.uri.replace(forum.server.info.host, '127.0.0.1'));
}
