import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { QueryRunner } from 'typeorm';
import { OAuthClient, OAuthGrant } from '../../entities/index';
import { Database, type Queries } from '../../plugin/store/database';
import { createId } from '../../plugin/ids';
import { listConnections } from '../../plugin/store/connected-apps';
import { grantOf, seedChains } from '../support/token-family';
import { CLI, Forum, openDatabase, START, unique, type OpenDatabase } from '../support/forum';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const clientRow = (name: string): OAuthClient => ({
    id: createId(START),
    accountId: null,
    clientId: unique('client'),
    name,
    type: 'public',
    scopePolicy: 'explicit',
    firstParty: false,
    redirectUris: '[]',
    allowedScopes: '',
    allowedGrants: '',
    secretHash: null,
    previousSecretHash: null,
    previousSecretExpiresAt: null,
    createdAt: START,
    updatedAt: START,
    deletedAt: null
});

for (const kind of ['server', 'embedded'] as const) {
    describe(`the applications that can act for an account (${kind} database)`, () => {
        let database: OpenDatabase;
        let forum: Forum;

        before(async () => {
            database = await openDatabase(kind);
            forum = await Forum.create(database.dataSource);
        });

        after(async () => {
            await forum.stop();
            await database.done();
        });

        const list = (accountId: string): ReturnType<typeof listConnections> =>
            listConnections(new Database(database.dataSource), { accountId, page: 1 }, forum.now);

        it('are none at first', async () => {
            expect(await list('nobody')).to.equal({
                page_size: 20,
                results: 0,
                total_pages: 0,
                current_page: 1,
                applications: []
            });
        });

        it('tell since when, when last, what and by which sessions', async () => {
            const account = forum.addAccount();
            const began = new Date(forum.now).toISOString();
            const first = await forum.signIn(account);
            forum.pass(10);
            const second = await forum.signIn(account);
            const secondBegan = new Date(forum.now).toISOString();
            forum.pass(10);
            await forum.refresh(first.refresh_token);
            const used = new Date(forum.now).toISOString();

            const { applications, ...page } = await list(account);
            expect(page).to.equal({ page_size: 20, results: 1, total_pages: 1, current_page: 1 });
            const [{ sessions, ...application } = { sessions: [] }] = applications;
            expect(application).to.include({
                clientId: CLI.client_id,
                name: 'Storyden',
                since: began,
                lastUsed: used,
                scopes: first.scope.split(' '),
                sessionCount: 2
            });
            expect(sessions.map(({ tokenId: _tokenId, ...session }) => session)).to.equal([
                { since: began, lastUsed: used },
                { since: secondBegan }
            ]);

            const { tokens } = forum.server.plugins['hapi-forum-oauth'];
            await tokens.revoke(account, sessions[0]!.tokenId);
            const left = (await list(account)).applications[0]!;
            expect([left.sessionCount, left.since, left.sessions.length]).to.equal([1, secondBegan, 1]);
            expect(left.sessions[0]).to.equal(sessions[1]);
            expect(grantOf(second.refresh_token)).to.have.length(20);
        });

        it('tell what the sessions that are not shown may do as well', async () => {
            const account = forum.addAccount();
            const client = clientRow('Many sessions');
            await database.dataSource.getRepository(OAuthClient).insert(client);
            const common = { accountId: account, oauthClientId: client.id };
            const seed = (count: number, scope: string, now: number): Promise<unknown> =>
                seedChains(database.dataSource, count, { ...common, scope, now });
            await seed(1, 'openid ADMINISTRATOR', forum.now - 1000);
            await seed(10, 'openid', forum.now);
            const application = (await list(account)).applications[0]!;
            expect([application.sessionCount, application.sessions.length]).to.equal([11, 10]);
            expect(application.scopes).to.equal(['openid', 'ADMINISTRATOR']);
        });

        it('are those with a session that lives', async () => {
            const account = forum.addAccount();
            await forum.signIn(account);
            const [{ id, sessions } = { id: '', sessions: [] }] = (await list(account)).applications;
            expect(await list(forum.addAccount())).to.include({ results: 0 });
            forum.pass(31 * 24 * 3600);
            expect(await list(account)).to.include({ results: 0, total_pages: 0 });
            await forum.signIn(account);
            const again = (await list(account)).applications[0]!;
            expect([again.id, again.sessionCount]).to.equal([id, 1]);
            expect(again.sessions[0]!.tokenId).not.to.equal(sessions[0]!.tokenId);
            await forum.server.plugins['hapi-forum-oauth'].tokens.revokeClient(account, id);
            expect((await list(account)).applications).to.equal([]);
        });
    });
}

describe('the applications of an account among many', () => {
    let database: OpenDatabase;
    let runner: QueryRunner;

    before(async () => {
        database = await openDatabase();
        const { dataSource } = database;
        const clients = Array.from({ length: 40 }, (_, place) => clientRow(`Application ${place}`));
        await dataSource.getRepository(OAuthClient).insert(clients);
        const seed = (accountId: string, place: number): Promise<unknown> =>
            seedChains(dataSource, 1, {
                accountId,
                oauthClientId: clients[place % clients.length]!.id,
                scope: 'openid',
                now: START + place
            });
        for (let place = 0; place < 400; ++place) {
            await seed(`crowd${place % 50}`, place);
        }
        for (let place = 0; place < 30; ++place) {
            await seed('member', place);
        }
        for (const { tableName } of dataSource.entityMetadatas) {
            await dataSource.query(`ANALYZE TABLE ${tableName}`);
        }
        runner = dataSource.createQueryRunner();
    });

    after(async () => {
        await runner.release();
        await database.done();
    });

    it('are found among its own grants only', async () => {
        let reads = 0;
        const measured = {
            query: async (sql: string, parameters: unknown[]): Promise<unknown> => {
                await runner.query('FLUSH STATUS');
                const rows = (await runner.query(sql, [...parameters])) as unknown;
                const counters = (await runner.query("SHOW SESSION STATUS LIKE 'Handler_read%'")) as {
                    Variable_name: string;
                    Value: string;
                }[];
                // What is read of sorted and grouped results does not count.
                const counted = counters.filter(({ Variable_name: name }) => !name.includes('_rnd'));
                reads = Math.max(
                    reads,
                    counted.reduce((sum, { Value: value }) => sum + Number(value), 0)
                );
                return rows;
            }
        } as unknown as Queries;
        const { applications, total_pages: pages } = await listConnections(
            measured,
            { accountId: 'member', page: 1 },
            START + 1000
        );
        expect([applications.length, pages]).to.equal([20, 2]);
        expect(applications[0]!.name).to.equal('Application 29');
        expect(await database.dataSource.getRepository(OAuthGrant).count()).to.equal(430);
        // 30 grants: each with the end of its chain, its token and its application.
        expect(reads).to.be.below(30 * 12);
    });
});
