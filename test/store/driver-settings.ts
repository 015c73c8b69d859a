import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { DataSource } from 'typeorm';
import { entities } from '../../plugin';
import { isUnavailable } from '../../plugin/store/database-errors';
import { beginRequest, createApp, decideRequest, signInTo } from '../support/authorization';
import { CLI, DEVICE_CODE, Forum, FRIGG, ODIN } from '../support/forum';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const SETTINGS: Record<string, object> = {
    '-FOUND_ROWS': { extra: { flags: ['-FOUND_ROWS'] } },
    'READ COMMITTED': { extra: {}, isolation: 'READ COMMITTED' }
};

for (const [name, { isolation, ...settings }] of Object.entries(SETTINGS) as [
    string,
    { isolation?: string; extra: object }
][]) {
    describe(`a forum whose connections have ${name}`, () => {
        const database = useDatabase(lab);
        let dataSource: DataSource;
        let forum: Forum;

        before(async () => {
            const { options } = database.dataSource;
            dataSource = new DataSource({ ...options, ...settings, entities });
            await dataSource.initialize();
            if (isolation) {
                // Of every connection that is opened from now on.
                const pool = dataSource.driver as unknown as {
                    pool: {
                        on(event: 'connection', listener: (connection: { query(sql: string): void }) => void): void;
                    };
                };
                pool.pool.on('connection', (connection) =>
                    connection.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`)
                );
            }
            forum = await Forum.create(dataSource);
        });

        after(async () => {
            await forum.stop();
            await dataSource.destroy();
        });

        it('lets the claimant read a device code again, poll at one instant, and approve it', async () => {
            const device = await forum.device();
            const path = `/oauth/device/consent?user_code=${device.user_code}`;
            for (let times = 0; times < 3; ++times) {
                expect((await forum.as(FRIGG, 'GET', path)).status).to.equal(200);
            }
            const poll = () =>
                forum.token({ grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: device.device_code });
            expect((await poll()).body.error).to.equal('authorization_pending');
            forum.pass(5);
            expect((await poll()).body.error).to.equal('authorization_pending');
            expect((await forum.decide(FRIGG, device.user_code)).status).to.equal(200);
            const tokens = await poll();
            expect(tokens.status).to.equal(200);
            const refreshed = await forum.refresh(tokens.body.refresh_token);
            expect(refreshed.status).to.equal(200);
            expect((await forum.refresh(tokens.body.refresh_token)).status).to.equal(200);
        });

        it('lets people decide, change what is as it was, and disconnect', async () => {
            const app = await createApp(forum);
            await signInTo(forum, app, { scope: 'openid offline_access' });
            const requestId = await beginRequest(forum, app);
            expect((await decideRequest(forum, FRIGG, requestId)).status).to.equal(200);
            expect((await decideRequest(forum, FRIGG, requestId)).status).to.equal(200);
            const path = `/admin/oauth/clients/${app.id}`;
            const { body: client } = await forum.as(ODIN, 'GET', path);
            const same = { name: client.name, allowed_scopes: client.allowed_scopes };
            for (let times = 0; times < 3; ++times) {
                expect((await forum.as(ODIN, 'PATCH', path, same)).status).to.equal(200);
            }
            const answers = await Promise.all(Array.from({ length: 8 }, () => forum.as(ODIN, 'PATCH', path, same)));
            expect(new Set(answers.map(({ status }) => status)).has(500)).to.be.false();
            const disconnect = `/auth/oauth/tokens?oauth_client_id=${app.id}`;
            expect((await forum.as(FRIGG, 'DELETE', disconnect)).status).to.equal(204);
            expect((await forum.as(FRIGG, 'DELETE', `/auth/oauth/clients/${app.id}`)).status).to.equal(204);
        });
    });
}

describe('a change of a client', () => {
    const database = useDatabase(lab);

    it('is given up after a few attempts while every read is behind', async () => {
        const forum = await Forum.create(database.dataSource);
        const app = await createApp(forum);
        const { dataSource } = database;
        const query: typeof dataSource.query = dataSource.query.bind(dataSource);
        let updates = 0;
        // A replica that never catches up: the row has another name than the primary's.
        dataSource.query = (async (sql: string, ...rest: []) => {
            const rows = await query<Record<string, unknown>[]>(sql, ...rest);
            return Array.isArray(rows)
                ? rows.map((row) => ('c_name' in row ? { ...row, c_name: 'behind' } : row))
                : rows;
        }) as typeof dataSource.query;
        const create = dataSource.createQueryRunner.bind(dataSource);
        dataSource.createQueryRunner = (mode: 'master') => {
            updates += 1;
            return create(mode);
        };
        const answer = await forum.as(ODIN, 'PATCH', `/admin/oauth/clients/${app.id}`, { description: 'x' });
        dataSource.query = query;
        dataSource.createQueryRunner = create;
        expect([answer.status, answer.body.error]).to.equal([503, 'unavailable']);
        expect(answer.headers['retry-after']).to.be.a.string();
        expect(updates).to.be.below(20);
        await forum.stop();
    });
});

describe('an error of a database that is not ready', () => {
    it('is known by the words of clusters and proxies', () => {
        for (const errno of [1047, 9001, 3100, 3101, 1180, 1412, 1036, 1792, 1135, 1206, 1637, 1030]) {
            expect(isUnavailable(Object.assign(new Error('x'), { errno })), String(errno)).to.be.true();
        }
    });
});
