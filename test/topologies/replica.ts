import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { createConnection } from 'mysql2/promise';
import { DataSource } from 'typeorm';
import { entities } from '../../plugin';
import { createApp, obtainCode, redeem } from '../support/authorization';
import { CLI, Forum, FRIGG, ODIN } from '../support/forum';
import { eventually } from '../support/maintenance';
import { startOwnServers, type OwnServers } from '../support/own-servers';
import { connectTo } from '../support/topologies';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

/** A port that nothing listens on. */
async function closedPort(): Promise<number> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
}

describe('a forum with a primary and a replica', () => {
    let servers: OwnServers;
    let primary: string;
    let replica: string;

    before({ timeout: 60_000 }, async () => {
        servers = await startOwnServers('primary-mariadb', 'replica-mariadb');
        const [first, second] = ['primary-mariadb', 'replica-mariadb'].map((name) => new URL(servers.urls[name]!));
        const follower = await createConnection(second!.href);
        await follower.query(
            `CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${first!.port}, MASTER_USER = 'root'`
        );
        await follower.query('START SLAVE');
        const dataSource = await connectTo(first!.href);
        await dataSource.runMigrations();
        await dataSource.destroy();
        await eventually(async () => {
            const [rows] = await follower.query("SHOW TABLES FROM forum LIKE 'oauth_grants'").catch(() => [[]]);
            return (rows as unknown[]).length === 1;
        });
        // From now on, it is an hour behind.
        await follower.query('STOP SLAVE');
        await follower.query('CHANGE MASTER TO MASTER_DELAY = 3600');
        await follower.query('START SLAVE');
        await follower.end();
        primary = `mysql://root@127.0.0.1:${first!.port}/forum`;
        replica = `mysql://root@127.0.0.1:${second!.port}/forum`;
    });

    after(() => servers?.stop());

    const open = (slave: string): Promise<DataSource> =>
        new DataSource({
            type: 'mariadb',
            entities,
            replication: { master: { url: primary }, slaves: [{ url: slave }], defaultMode: 'slave' }
        }).initialize();

    const runs = async (dataSource: DataSource): Promise<void> => {
        const forum = await Forum.create(dataSource);
        const app = await createApp(forum);
        const { status, body, text } = await redeem(
            forum,
            await obtainCode(forum, app, { scope: 'openid offline_access' })
        );
        expect(status, text).to.equal(200);
        const fields = { client_id: app.client_id };
        const refreshed = await forum.refresh(body.refresh_token as string, fields);
        expect(refreshed.status, refreshed.text).to.equal(200);
        expect((await forum.signIn()).refresh_token).to.be.a.string();

        const { body: list } = await forum.as(FRIGG, 'GET', '/auth/oauth/tokens?status=active');
        expect((list.tokens as unknown[]).length).to.be.above(1);
        const { body: clients } = await forum.as(FRIGG, 'GET', '/auth/oauth/clients');
        expect(clients.clients[0].id).to.equal(app.id);
        const { body: all } = await forum.as(ODIN, 'GET', '/admin/oauth/clients');
        expect(all.clients.map(({ client_id: id }: { client_id: string }) => id)).to.include(CLI.client_id);

        const revoked = await forum.form('/oauth/revoke', { ...fields, token: refreshed.body.refresh_token as string });
        expect(revoked.status).to.equal(200);
        expect((await forum.refresh(refreshed.body.refresh_token as string, fields)).status).to.equal(400);
        expect((await forum.as(FRIGG, 'DELETE', `/auth/oauth/clients/${app.id}`)).status).to.equal(204);
        await forum.stop();
        await dataSource.destroy();
    };

    it('works as with one server while the replica is an hour behind', async () => {
        await runs(await open(replica));
    });

    it('works as with one server while the replica is down', async () => {
        await runs(await open(`mysql://root@127.0.0.1:${await closedPort()}/forum`));
    });

    it('ends no grant when a replica becomes the primary without the last changes', async () => {
        const before = await Forum.create(await open(replica));
        const { refresh_token: first } = await before.signIn();
        const follower = await createConnection(replica);
        // Everything up to here arrives, and then nothing more.
        await follower.query('STOP SLAVE');
        await follower.query('CHANGE MASTER TO MASTER_DELAY = 0');
        await follower.query('START SLAVE');
        await eventually(async () => {
            const [rows] = await follower.query(
                'SELECT COUNT(*) AS count FROM oauth_refresh_tokens WHERE generation = 0'
            );
            const [[here]] = [rows as { count: number }[]];
            const there = await before.dataSource.query<{ count: number }[]>(
                'SELECT COUNT(*) AS count FROM oauth_refresh_tokens WHERE generation = 0'
            );
            return here!.count === Number(there[0]!.count);
        });
        await follower.query('STOP SLAVE');
        await follower.end();
        const { refresh_token: second } = (await before.refresh(first)).body as { refresh_token: string };
        const lost = (await before.signIn()).refresh_token;
        await servers.act('primary-mariadb', 'kill');

        const afterwards = await Forum.create(await connectTo(servers.urls['replica-mariadb']!));
        afterwards.now = before.now;
        expect((await afterwards.refresh(second)).body.error).to.equal('invalid_grant');
        expect((await afterwards.refresh(lost)).body.error).to.equal('invalid_grant');
        const types = afterwards.events.map(({ type }) => type);
        expect(types).to.equal(['refresh_token_lost']);
        // The token before the lost one still works.
        expect((await afterwards.refresh(first)).status).to.equal(200);
        await before.stop();
        await before.dataSource.destroy().catch(() => undefined);
        await afterwards.stop();
        await afterwards.dataSource.destroy();
    });
});
