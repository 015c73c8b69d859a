import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthClient } from '../../../entities';
import { createApp, signInTo } from '../../support/authorization';
import { CLI, DEVICE_CODE, FRIGG, openDatabase, type Forum } from '../../support/forum';
import { CONNECTED, MINE, textOf, withPages } from '../../support/pages';
import { storeFamilies } from '../../support/stored-family';
import { createDevice } from '../../support/token-family';
import { Visitor } from '../../support/visitor';
import { clientRow } from '../../support/rows';
import { useDatabase } from '../../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const database = useDatabase(lab);
let forum: Forum;

before(async () => {
    forum = await withPages(database);
});

after(async () => {
    await forum.stop();
});

const visitor = (accountId?: string): Visitor => new Visitor(forum.server, accountId);

describe('The connected apps page', () => {
    it('lists approvals that are not exchanged yet, and sign-ins without a refresh token, until they expire', async () => {
        const account = forum.addAccount();
        const browser = visitor(account);
        const device = await forum.device();
        await forum.decide(account, device.user_code);
        const waiting = await browser.get(CONNECTED);
        expect(textOf(waiting)).to.contain(['Storyden', 'Sessions: 1', 'waiting for the application', 'Disconnect']);
        expect(waiting.html).not.to.contain('/sessions/');
        const id = /connected-apps\/(\w{20})\/disconnect/.exec(waiting.html)![1]!;
        await browser.post(`${CONNECTED}/${id}/disconnect`);
        expect((await browser.get(CONNECTED)).html).to.contain('No applications have access to your account.');
        const poll = { grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: device.device_code };
        expect((await forum.token(poll)).body.error).to.equal('invalid_grant');

        const app = await createApp(forum);
        await signInTo(forum, app, { scope: 'openid' }, account);
        expect(textOf(await browser.get(CONNECTED))).to.contain(['Sessions: 1', 'not used since']);
        forum.pass(900);
        expect((await browser.get(CONNECTED)).html).to.contain('No applications have access to your account.');
    });

    it('lists each application with its sessions, and can end one session or all of them', async () => {
        const account = forum.addAccount();
        const device = await createDevice(forum, 'offline_access CREATE_POST', account);
        const [one, two] = [
            await forum.signIn(account, device as unknown as Record<string, string>),
            await forum.signIn(account)
        ];
        forum.pass(60);
        const three = await forum.signIn(account, { client_id: device.client_id, scope: 'offline_access' });
        forum.pass(60);
        const used = await forum.refresh(one.refresh_token, { client_id: device.client_id });
        const browser = visitor(account);
        const shown = await browser.get(CONNECTED);
        expect(shown.html.match(/<li class="card">/g)).to.have.length(2);
        const text = textOf(shown);
        expect(text).to.contain([
            'Sessions: 2',
            'Sessions: 1',
            'Write posts',
            'last used',
            'not used since',
            'Storyden'
        ]);
        const ends = [...shown.html.matchAll(/action="([^"]*\/sessions\/[^"]*)"/g)].map(([, action]) => action!);
        expect(ends).to.have.length(3);

        // The session that was used last comes first.
        const ended = await browser.post(ends[0]!);
        expect([ended.status, ended.location]).to.equal([303, CONNECTED]);
        const refreshed = await forum.refresh(used.body.refresh_token as string, { client_id: device.client_id });
        expect(refreshed.body.error).to.equal('invalid_grant');
        expect((await forum.refresh(three.refresh_token, { client_id: device.client_id })).status).to.equal(200);
        expect((await browser.get(CONNECTED)).html).to.contain('Session ended.');

        await browser.get(CONNECTED);
        await browser.post(`${CONNECTED}/${device.id}/disconnect`);
        expect((await forum.refresh(three.refresh_token, { client_id: device.client_id })).status).to.equal(400);
        expect((await forum.refresh(two.refresh_token)).status).to.equal(200);
        const left = await browser.get(CONNECTED);
        expect(left.html).to.contain(['Application disconnected.', 'Storyden']).and.not.contain('Device ');
    });

    it('refuses to end another account’s session', async () => {
        const account = forum.addAccount();
        const tokens = await forum.signIn(account);
        const { body } = await forum.as(account, 'GET', '/auth/oauth/tokens');
        const thief = visitor(FRIGG);
        await thief.get(`${MINE}/new`);
        expect((await thief.post(`${CONNECTED}/sessions/${body.tokens[0].id}/disconnect`)).status).to.equal(404);
        await thief.get(`${MINE}/new`);
        expect((await thief.post(`${CONNECTED}/${body.tokens[0].oauth_client_id}/disconnect`)).status).to.equal(303);
        expect((await forum.refresh(tokens.refresh_token)).status).to.equal(200);
    });

    for (const kind of ['server', 'embedded'] as const) {
        it(`sends the ${kind} database as many queries for 300 applications as for 10`, async () => {
            const own = kind === 'server' ? database : await openDatabase('embedded');
            const other = kind === 'server' ? forum : await withPages(own);
            const { dataSource } = own;
            const statements: string[] = [];
            const silent = (): void => undefined;
            const logger = dataSource.logger;
            const connectTo = async (account: string, applications: number): Promise<void> => {
                const rows = Array.from({ length: applications }, (_, place) =>
                    clientRow({ clientId: `${account}-${place}`, name: `Application ${place}` })
                );
                await dataSource.getRepository(OAuthClient).insert(rows);
                for (const [place, { id }] of rows.entries()) {
                    const sessions = place === 0 ? 14 : 1;
                    await storeFamilies(dataSource, sessions, {
                        accountId: account,
                        oauthClientId: id,
                        scope: 'openid',
                        now: other.now - place * 1000
                    });
                }
            };
            const [few, many] = [other.addAccount(), other.addAccount()];
            await connectTo(few, 10);
            await connectTo(many, 300);
            dataSource.logger = {
                logQuery: (sql) => void statements.push(sql),
                logQueryError: silent,
                logQuerySlow: silent,
                logSchemaBuild: silent,
                logMigration: silent,
                log: silent
            };
            const browser = new Visitor(other.server, many);
            const first = await browser.get(CONNECTED);
            const ran = statements.splice(0).length;
            await new Visitor(other.server, few).get(CONNECTED);
            expect(statements).to.have.length(ran);
            expect(ran).to.be.below(6);
            dataSource.logger = logger;

            expect(first.html.match(/<li class="card">/g)).to.have.length(20);
            expect(textOf(first)).to.contain(['Page 1 of 15', 'Sessions: 14', 'Older sessions not shown: 4']);
            expect(first.html).to.contain(`href="${CONNECTED}?page&#x3D;2"`).and.not.contain('rel="prev"');
            const last = await browser.get(`${CONNECTED}?page=15`);
            expect(last.html.match(/<li class="card">/g)).to.have.length(20);
            expect(last.html).to.contain(['Application 299', 'rel="prev"']).and.not.contain('rel="next"');
            expect(textOf(await browser.get(`${CONNECTED}?page=99`))).to.contain('Page 99 of 15');
            for (const page of ['0', '-1', 'x', '1e9']) {
                expect(textOf(await browser.get(`${CONNECTED}?page=${page}`))).to.contain('Page 1 of 15');
            }
            if (kind === 'embedded') {
                await other.stop();
                await own.done();
            }
        });
    }
});
