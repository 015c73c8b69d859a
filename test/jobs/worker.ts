import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { startWorker, type SweepReport } from '../../plugin';
import { Forum, openDatabase, type OpenDatabase } from '../support/forum';
import { redisUrl } from '../support/servers';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

describe('the worker', () => {
    let database: OpenDatabase;
    let forum: Forum;

    before(async () => {
        database = await openDatabase();
        forum = await Forum.create(database.dataSource);
    });

    after(async () => {
        await forum.stop();
        await database.done();
    });

    it('runs every job on its schedule', async () => {
        await forum.device();
        forum.pass(2 * 60 * 60);
        const reports: SweepReport[] = [];
        const finished = new Promise<void>((resolve) => {
            const worker = startWorker({
                dataSource: database.dataSource,
                connection: redisUrl(),
                clock: () => forum.now,
                every: { 'expire-device-codes': 1, 'prune-refresh-chains': 1 },
                prefix: 'runs-every-job',
                onSweep: (report) => {
                    reports.push(report);
                    if (reports.length === 4) {
                        resolve(worker.close());
                    }
                }
            });
        });
        await finished;
        const expired = reports.filter(({ job }) => job === 'expire-device-codes');
        expect(expired[0]!.counts).to.include({ device_authorizations: 1 });
        expect(expired[1]!.counts).to.include({ device_authorizations: 0 });
    });
});
