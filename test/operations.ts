import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@hapi/code';
import * as Hapi from '@hapi/hapi';
import * as Lab from '@hapi/lab';
import * as ts from 'typescript';
import { startWorker, type MaintenanceWorker, type WorkerOptions } from '../jobs';
import * as OAuth from '../plugin';
import { ISSUER, openDatabase, signingKey, type OpenDatabase } from './support/forum';
import { eventually, keys } from './support/maintenance';
import { redisUrl } from './support/servers';

export const lab = Lab.script();
const { describe, it, before, after } = lab;

describe('The code in docs/operations.md', () => {
    let database: OpenDatabase;
    let text: string;

    before(async () => {
        text = await readFile(join(__dirname, '../docs/operations.md'), 'utf8');
        database = await openDatabase();
    });

    after(() => database.done());

    it('runs as it stands there, from the first line to the last', async () => {
        const code = [...text.matchAll(/```ts\n(?:import .*\n)*([^]*?)```/g)].map(([, block]) => block!).join('');
        const { outputText } = ts.transpileModule(`async function run() {\n${code}}`, {
            compilerOptions: { target: ts.ScriptTarget.ES2022 },
            reportDiagnostics: true
        });
        const server = Hapi.server({ port: 0, debug: false });
        server.auth.scheme('nobody', () => ({ authenticate: () => Promise.reject(new Error('nobody')) }));
        server.auth.strategy('session', 'nobody');
        const workers: MaintenanceWorker[] = [];
        const prefix = keys();
        const names = {
            server,
            dataSource: database.dataSource,
            connection: redisUrl(),
            console: { log: () => undefined, error: () => undefined },
            options: {
                issuer: ISSUER,
                dataSource: database.dataSource,
                accounts: { find: () => Promise.resolve(null) },
                session: { strategy: 'session' },
                signingKeys: [await signingKey()]
            },
            OAuth,
            // There is no host called redis here, and the tests' queues are kept apart.
            startWorker: (options: WorkerOptions) => {
                const worker = startWorker({ ...options, connection: redisUrl(), prefix });
                workers.push(worker);
                return worker;
            }
        };
        // eslint-disable-next-line @typescript-eslint/no-implied-eval
        const run = new Function(...Object.keys(names), `${outputText}\nreturn run();`) as (
            ...values: unknown[]
        ) => Promise<void>;
        await run(...Object.values(names));
        expect(workers).to.have.length(2);

        await server.start();
        const scrape = async (): Promise<string> => (await server.inject('/metrics')).payload;
        await eventually(async () => (await scrape()).split('sweep_last_success_seconds{').length === 4);
        const lines = (await scrape()).trim().split('\n');
        for (const line of lines) {
            expect(line).to.match(/^forum_oauth_[a-z_]+\{(kind|job|table)="[a-z_-]+"\} \d+(\.\d+)?$/);
        }
        const alerts = [...text.matchAll(/forum_oauth_[a-z_]+\{[a-z]+="[a-z_-]+"\}/g)].map(([series]) => series);
        expect(alerts).to.have.length(2);
        for (const series of alerts) {
            expect(lines.some((line) => line.startsWith(series))).to.equal(true);
        }
        await server.stop();
        await Promise.all(workers.map((worker) => worker.close()));
    });

    it('names only types that there are', async () => {
        const exported = await readFile(join(__dirname, '../plugin/index.ts'), 'utf8');
        const named = [...text.matchAll(/OAuth\.([A-Z]\w+)/g)].map(([, name]) => name!);
        expect(named).to.include('SweepReport');
        for (const name of named) {
            expect(exported).to.match(new RegExp(`\\b${name}\\b`));
        }
    });
});
