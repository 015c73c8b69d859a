import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { DataSource } from 'typeorm';
import { OAuthDeviceAuthorization } from '../../entities';
import { startInProcess } from '../../jobs/in-process';
import type { JobName, SweepReport } from '../../jobs/jobs';
import { Forum, openDatabase, type OpenDatabase } from '../support/forum';

const lab = Lab.script();
export { lab };
const { after, afterEach, before, describe, it } = lab;

/** Timers that tests fire. */
class Timers {
    readonly set = new Map<object, { callback: () => void; milliseconds: number; keepsProcess: boolean }>();
    readonly #setInterval = globalThis.setInterval;
    readonly #clearInterval = globalThis.clearInterval;

    install(): this {
        globalThis.setInterval = ((callback: () => void, milliseconds: number) => {
            const timer = { unref: () => ((this.set.get(timer)!.keepsProcess = false), timer) };
            this.set.set(timer, { callback, milliseconds, keepsProcess: true });
            return timer;
        }) as unknown as typeof setInterval;
        globalThis.clearInterval = ((timer: object) => this.set.delete(timer)) as typeof clearInterval;
        return this;
    }

    restore(): void {
        globalThis.setInterval = this.#setInterval;
        globalThis.clearInterval = this.#clearInterval;
    }

    /** Fires every timer of an interval. */
    tick(seconds: number): void {
        for (const timer of [...this.set.values()].filter(({ milliseconds }) => milliseconds === seconds * 1000)) {
            timer.callback();
        }
    }
}

async function until(condition: () => boolean): Promise<void> {
    while (!condition()) {
        await sleep(1);
    }
}

describe('jobs in the host process', () => {
    let database: OpenDatabase;
    let dataSource: DataSource;
    let timers: Timers | undefined;

    before(async () => {
        database = await openDatabase('embedded');
        dataSource = database.dataSource;
    });

    afterEach(() => timers?.restore());

    after(() => database.done());

    it('start with the server, follow their schedules and stop with the server', async () => {
        timers = new Timers().install();
        const forum = await Forum.create(dataSource, { jobs: 'in-process' }, '/api', { server: { port: 0 } });
        const runs = () => forum.events.filter((event) => event.type === 'sweep_completed');
        expect(timers.set.size).to.equal(0);
        await forum.device();
        forum.pass(2 * 60 * 60);

        await forum.server.start();
        const jobTimers = () => [...timers!.set.values()].filter(({ milliseconds }) => milliseconds >= 60_000);
        expect(jobTimers().map(({ milliseconds }) => milliseconds)).to.equal([60_000, 3_600_000, 3_600_000]);
        expect(jobTimers().some(({ keepsProcess }) => keepsProcess)).to.equal(false);
        await until(() => runs().length === 3);
        expect(runs()[0]).to.include({ job: 'expire-device-codes', at: new Date(forum.now).toISOString() });
        expect(runs()[0]!.counts).to.include({ device_authorizations: 1 });
        expect(runs()[1]).to.include({ job: 'prune-refresh-chains' });
        expect(runs()[2]).to.include({ job: 'remove-unused' });

        timers.tick(60);
        await until(() => runs().length === 4);
        expect(runs()[3]).to.include({ job: 'expire-device-codes' });

        await forum.stop();
        expect(jobTimers()).to.equal([]);
        await sleep(20);
        expect(runs()).to.have.length(4);
    });

    it('have one schedule after the server was stopped and started again', async () => {
        timers = new Timers().install();
        const forum = await Forum.create(dataSource, { jobs: 'in-process' }, '/api', { server: { port: 0 } });
        const jobTimers = () => [...timers!.set.values()].filter(({ milliseconds }) => milliseconds >= 60_000).length;
        for (let starts = 0; starts < 2; ++starts) {
            await forum.server.start();
            expect(jobTimers()).to.equal(3);
            await forum.stop();
            expect(jobTimers()).to.equal(0);
        }
    });

    it('run one at a time, and none again before it has finished', async () => {
        timers = new Timers().install();
        let running = 0;
        let most = 0;
        const done: JobName[] = [];
        const failed: JobName[] = [];
        const query = async (): Promise<object[]> => {
            running += 1;
            most = Math.max(most, running);
            await sleep(5);
            running -= 1;
            return [];
        };
        const busy = {
            options: dataSource.options,
            query,
            createQueryRunner: () => ({ query, release: () => Promise.resolve() })
        } as unknown as DataSource;
        const jobs = startInProcess(
            busy,
            {},
            { done: ({ job }: SweepReport) => done.push(job), failed: (job) => failed.push(job) }
        );
        for (let ticks = 0; ticks < 20; ++ticks) {
            timers.tick(60);
            timers.tick(3600);
        }
        await until(() => done.length === 3);
        timers.tick(60);
        await until(() => done.length === 4);
        await jobs.stop();
        expect(done).to.equal(['expire-device-codes', 'prune-refresh-chains', 'remove-unused', 'expire-device-codes']);
        expect(failed).to.equal([]);
        expect(most).to.equal(1);
        timers.tick(60);
        await sleep(20);
        expect(done).to.have.length(4);
    });

    it('report a failure and try again at the next interval', async () => {
        const broken = await openDatabase('embedded');
        timers = new Timers().install();
        const forum = await Forum.create(broken.dataSource, { jobs: 'in-process' }, '/api', { server: { port: 0 } });
        const failed = () => forum.events.filter((event) => event.type === 'sweep_failed').length;
        await broken.dataSource.query('ALTER TABLE oauth_device_authorizations RENAME TO elsewhere');
        await forum.server.start();
        await until(() => failed() === 1);
        expect(forum.events.find((event) => event.type === 'sweep_failed')).to.include({ job: 'expire-device-codes' });
        expect(forum.log.some((line) => line.includes('sweep'))).to.equal(true);

        await broken.dataSource.query('ALTER TABLE elsewhere RENAME TO oauth_device_authorizations');
        timers.tick(60);
        await until(() => forum.events.filter((event) => event.type === 'sweep_completed').length === 2);
        expect(failed()).to.equal(1);
        await forum.stop();
        await broken.done();
    });

    it('do not run without the option', async () => {
        timers = new Timers().install();
        const forum = await Forum.create(dataSource, {}, '/api', { server: { port: 0 } });
        await forum.device();
        forum.pass(2 * 60 * 60);
        await forum.server.start();
        expect([...timers.set.values()].filter(({ milliseconds }) => milliseconds >= 60_000)).to.equal([]);
        await sleep(20);
        expect(await dataSource.getRepository(OAuthDeviceAuthorization).count()).to.equal(1);
        await forum.stop();
    });
});
