import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { DataSource } from 'typeorm';
import { OAuthDeviceAuthorization, OAuthGrant, OAuthRefreshToken } from '../../entities';
import { main } from '../../jobs/command';
import { entities, migrations } from '../../plugin';
import { WorkerCommand } from '../support/command';
import { createDatabase, type TestDatabase } from '../support/database';
import { Forum } from '../support/forum';
import { eventually } from '../support/maintenance';
import { redisUrl } from '../support/servers';
import { deleteFamilies, generationsOf, storeFamily } from '../support/stored-family';

const lab = Lab.script();
export { lab };
const { after, before, beforeEach, describe, it } = lab;

const DAY = 24 * 60 * 60 * 1000;

/** What the command writes when it runs in this process. */
class Output {
    text = '';

    constructor(readonly isTTY: boolean) {}

    write(text: string): boolean {
        this.text += text;
        return true;
    }
}

describe('forum-oauth-worker', () => {
    let command: WorkerCommand;
    let database: TestDatabase;
    let dataSource: DataSource;
    let forum: Forum;

    before(async () => {
        command = await WorkerCommand.compile();
        database = await createDatabase();
        dataSource = await new DataSource({ ...database.options, entities, migrations }).initialize();
        await dataSource.runMigrations();
        forum = await Forum.create(dataSource, { clock: () => Date.now() });
    });

    after(async () => {
        await forum.stop();
        await dataSource.destroy();
        await database.drop();
        await command.remove();
    });

    beforeEach(() => deleteFamilies(dataSource));

    const tokens = () => dataSource.getRepository(OAuthRefreshToken).count();

    /** Stores revoked families, and an active one whose first five tokens can be removed. Returns its grant's id. */
    const store = async (families: number, length = 3): Promise<string> => {
        const now = Date.now();
        const rotated = (count: number, age: number) =>
            Array.from({ length: count }, (_, index) => ({ createdAt: now - age - (count - index) * DAY }));
        for (let stored = 0; stored < families; ++stored) {
            await storeFamily(dataSource, rotated(length, 8 * DAY), { endedAt: now - 8 * DAY });
        }
        return (await storeFamily(dataSource, rotated(12, -DAY / 2))).grantId;
    };

    it('runs every job once, reports in JSON lines and exits with 0', async () => {
        const live = await store(4);
        await forum.device();
        await dataSource
            .getRepository(OAuthDeviceAuthorization)
            .createQueryBuilder()
            .update()
            .set({ expiresAt: Date.now() - DAY })
            .execute();
        const { status, errors, lines } = await command.run(['--once'], { DATABASE_URL: database.url });
        expect([status, errors]).to.equal([0, '']);
        expect(lines.map(({ job }) => job as string)).to.equal([
            'expire-device-codes',
            'prune-refresh-chains',
            'remove-unused'
        ]);
        expect(lines[0]).to.include({ job: 'expire-device-codes' });
        expect(lines[0].counts.device_authorizations).to.equal(1);
        expect(lines[1]).to.include(['started_at', 'duration_ms']);
        expect(lines[1].counts).to.equal({ refresh_tokens: 12 + 5, grants: 4, clients: 0, seals: 0 });
        expect(await generationsOf(dataSource, live)).to.equal([5, 6, 7, 8, 9, 10, 11]);
    });

    it('counts the same with --dry-run and removes nothing', async () => {
        await store(4);
        const before = await tokens();
        const { status, lines } = await command.run(['--dry-run', '--database-url', database.url]);
        expect(status).to.equal(0);
        expect(lines[1].counts).to.equal({ refresh_tokens: 12 + 5, grants: 4, clients: 0, seals: 0 });
        expect(await tokens()).to.equal(before);
    });

    it('accepts a retention and a batch size', async () => {
        const live = await store(1);
        const output = new Output(false);
        const args = ['--once', '--retention', String(2 * 24 * 60 * 60), '--batch-size', '2'];
        expect(await main(args, { DATABASE_URL: database.url }, output)).to.equal(0);
        expect(await generationsOf(dataSource, live)).to.equal([10, 11]);
    });

    it('accepts a history', async () => {
        const live = await store(1);
        const args = ['--once', '--history', '1', '--database-url', database.url];
        expect(await main(args, {}, new Output(false))).to.equal(0);
        expect(await generationsOf(dataSource, live)).to.equal([9, 10, 11]);
    });

    it('shows its progress, speed and remaining rows on a terminal', async () => {
        await store(60, 4);
        const output = new Output(true);
        await main(['--once', '--batch-size', '3', '--database-url', database.url], {}, output);
        expect(output.text).to.match(/prune-refresh-chains: \d+ removed, \d+\/s, \d+ remaining/);
        expect(output.text).to.match(/prune-refresh-chains: 245 refresh tokens, 60 grants, .* in \d+\.\d s\n/);
    });

    it('explains arguments that it cannot use and exits with 2', async () => {
        for (const [args, said] of [
            [[], '--database-url'],
            [['--database-url', 'not a URL'], '--database-url'],
            [['--database-url', database.url], '--redis-url'],
            [['--database-url', database.url, '--redis-url', ''], '--redis-url'],
            [['--database-url', database.url, '--redis-url', 'redis://:wo/rd@host'], '--redis-url'],
            [['--once', '--database-url', database.url, '--retention', '1.5'], '--retention'],
            [
                ['--once', '--database-url', database.url, '--history', '101'],
                '--history must be a whole number from 0 to 100'
            ],
            [['--once', '--database-url', database.url, '--batch-size', '0'], '--batch-size'],
            [['--twice'], '--twice'],
            [['now'], 'has no name']
        ] as [string[], string][]) {
            await expect(main(args, {}, new Output(false))).to.reject(Error, new RegExp(said));
        }
        for (const [args, expected] of [
            [['mysql://me:pass/word@host/forum'], 'has no name'],
            [['--once', '--retention', 'mysql://me:word@host/forum'], 'mysql://…@host/forum'],
            [['--once', '--retention', "mysql://me:a ' word@host/forum"], 'mysql://…@host/forum']
        ] as [string[], string][]) {
            const failing = main(args, { DATABASE_URL: database.url }, new Output(false));
            const said = await failing.then(String, String);
            expect(said).to.contain(expected).and.to.not.contain('word');
        }
        const { status, output, errors } = await command.run(['--twice']);
        expect([status, output]).to.equal([2, '']);
        expect(errors).to.contain('--twice').and.to.contain('Usage: forum-oauth-worker');
    });

    it('lists its options with --help', async () => {
        const output = new Output(false);
        expect(await main(['--help'], {}, output)).to.equal(0);
        expect(output.text).to.contain('--once').and.to.contain('DATABASE_URL').and.to.contain('Exit status');
    });

    it('exits with 1 when the database is not reachable', async () => {
        const { status, errors } = await command.run(['--once'], {
            DATABASE_URL: 'mysql://forum:secret@127.0.0.1:1/forum'
        });
        expect(status).to.equal(1);
        expect(errors).to.contain('forum-oauth-worker').and.to.not.contain('secret');
    });

    it('works and reports progress until SIGTERM, then finishes its batch and exits with 0', async () => {
        await store(300);
        const running = command.start(['--batch-size', '1'], {
            DATABASE_URL: database.url,
            REDIS_URL: redisUrl(),
            NODE_OPTIONS: '--import data:text/javascript,process.stdout.isTTY=true'
        });
        const told = /prune-refresh-chains: (\d+) removed, \d+\/s, (\d+) remaining/;
        await eventually(() => told.test(running.output));
        running.child.kill('SIGTERM');
        const { status, signal, errors, output } = await running.ended;
        expect([status, signal, errors]).to.equal([0, null, '']);
        // Five tokens of the active family are as old as those of the revoked ones.
        const [, removed, remaining] = told.exec(output)!;
        expect(Number(removed) + Number(remaining)).to.be.between(904, 1207);
        const left = await tokens();
        expect(left).to.be.between(12, 912);
        expect(await dataSource.getRepository(OAuthGrant).count()).to.be.least(2);

        const rest = await command.run(['--once'], { DATABASE_URL: database.url });
        expect(rest.lines[1].counts.refresh_tokens).to.equal(left - 7);
    });

    it('finishes its batch with --once too, however often it receives SIGTERM', async () => {
        await store(300);
        const running = command.start(['--once', '--batch-size', '4'], { DATABASE_URL: database.url });
        await eventually(async () => (await tokens()) < 850);
        // So that it cannot exit between the signals.
        const lock = dataSource.createQueryRunner();
        await lock.query('LOCK TABLES oauth_refresh_tokens WRITE');
        running.child.kill('SIGTERM');
        await sleep(30);
        running.child.kill('SIGTERM');
        await sleep(30);
        await lock.query('UNLOCK TABLES');
        await lock.release();
        const { status, lines } = await running.ended;
        expect(status).to.equal(0);
        expect(lines[1].counts.refresh_tokens).to.equal(912 - (await tokens()));
    });

    it('leaves work that the next run can finish when it is killed at any moment', async () => {
        const live = await store(250);
        for (let kills = 0; kills < 4; ++kills) {
            const before = await tokens();
            const running = command.start(['--once', '--batch-size', '5'], { DATABASE_URL: database.url });
            await eventually(async () => (await tokens()) < before);
            await sleep(Math.random() * 60);
            running.child.kill('SIGKILL');
            expect((await running.ended).signal).to.equal('SIGKILL');
            expect(await generationsOf(dataSource, live)).to.include([5, 6, 7, 8, 9, 10, 11]);
        }
        expect(await tokens()).to.be.above(7);
        expect((await command.run(['--once'], { DATABASE_URL: database.url })).status).to.equal(0);
        expect(await tokens()).to.equal(7);
        expect(await dataSource.getRepository(OAuthGrant).count()).to.equal(1);
    });
});
