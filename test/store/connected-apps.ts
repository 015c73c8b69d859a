import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthClient, OAuthGrant } from '../../entities/index';
import { Database } from '../../plugin/store/database';
import { listConnections } from '../../plugin/store/connected-apps';
import { grantOf } from '../support/token-family';
import { CLI, START } from '../support/forum';
import { useDatabase, useForum } from '../support/setup';
import { clientRow, grantRow, insertClient, insertRows, refreshTokenRow } from '../support/rows';
import { MeasuredQueries } from '../support/statements';
import { storeFamilies } from '../support/stored-family';
import { OAuthRefreshToken } from '../../entities';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

for (const kind of ['server', 'embedded'] as const) {
    describe(`the applications that can act for an account (${kind} database)`, () => {
        const forum = useForum(lab, { database: kind });

        const list = (accountId: string): ReturnType<typeof listConnections> =>
            listConnections(new Database(forum.dataSource), { accountId, page: 1 }, forum.now);

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
                { isPending: false, since: began, lastUsed: used },
                { isPending: false, since: secondBegan }
            ]);

            const { tokens } = forum.server.plugins['hapi-forum-oauth'];
            await tokens.revoke(account, sessions[0]!.tokenId!);
            const left = (await list(account)).applications[0]!;
            expect([left.sessionCount, left.since, left.sessions.length]).to.equal([1, secondBegan, 1]);
            expect(left.sessions[0]).to.equal(sessions[1]);
            expect(grantOf(second.refresh_token)).to.have.length(20);
        });

        it('tell what the sessions that are not shown may do as well', async () => {
            const account = forum.addAccount();
            const client = await insertClient(forum.dataSource);
            const common = { accountId: account, oauthClientId: client.id };
            const seed = (count: number, scope: string, now: number): Promise<unknown> =>
                storeFamilies(forum.dataSource, count, { ...common, scope, now });
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
    const database = useDatabase(lab);
    let measured: MeasuredQueries;

    before(async () => {
        const { dataSource } = database;
        const clients = Array.from({ length: 40 }, (_, place) => clientRow({ name: `Application ${place}` }));
        await insertRows(dataSource, OAuthClient, clients);
        const grants = (accountId: string, place: number): OAuthGrant =>
            grantRow({ accountId, oauthClientId: clients[place % clients.length]!.id, createdAt: START + place });
        const all = [
            ...Array.from({ length: 400 }, (_, place) => grants(`crowd${place % 50}`, place)),
            ...Array.from({ length: 30 }, (_, place) => grants('member', place))
        ];
        await insertRows(dataSource, OAuthGrant, all);
        await insertRows(
            dataSource,
            OAuthRefreshToken,
            all.map((grant) => refreshTokenRow(grant))
        );
        for (const { tableName } of dataSource.entityMetadatas) {
            await dataSource.query(`ANALYZE TABLE ${tableName}`);
        }
        measured = new MeasuredQueries(dataSource);
    });

    after(() => measured.release());

    it('are found among its own grants only', async () => {
        const filter = { accountId: 'member', page: 1 };
        const { applications, total_pages: pages } = await listConnections(measured.queries, filter, START + 1000);
        expect([applications.length, pages]).to.equal([20, 2]);
        expect(applications[0]!.name).to.equal('Application 29');
        expect(await database.dataSource.getRepository(OAuthGrant).count()).to.equal(430);
        // 30 grants: each with the end of its token family, its token and its application.
        expect(Math.max(...measured.reads)).to.be.below(30 * 12);
    });
});
