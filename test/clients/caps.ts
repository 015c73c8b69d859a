import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthAuthorizationRequest, OAuthClient, OAuthGrant } from '../../entities';
import { beginRequest, createApp, readRequest, signInTo, type App } from '../support/authorization';
import { CLI, FRIGG, type Forum } from '../support/forum';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const CLIENTS = '/auth/oauth/clients';
const BOT = {
    name: 'A bot',
    type: 'confidential',
    allowed_grants: ['client_credentials'],
    allowed_scopes: []
};

describe('the caps', () => {
    const forum = useForum(lab);
    let app: App;

    before(async () => {
        app = await createApp(forum);
    });

    const capped = (caps: object): Promise<Forum> => forum.another({ caps });

    it('limit the applications of one account, however many are created at once', async () => {
        const host = await capped({ clientsPerAccount: 5 });
        const member = host.addAccount();
        const answers = await Promise.all(Array.from({ length: 12 }, () => host.as(member, 'POST', CLIENTS, BOT)));
        expect(answers.filter(({ status }) => status === 200)).to.have.length(5);
        for (const { body } of answers.filter(({ status }) => status !== 200)) {
            expect([body.error, body.metadata]).to.equal(['conflict', { rule: 'clientsPerAccount', limit: 5 }]);
        }
        const table = forum.dataSource.getRepository(OAuthClient);
        expect(await table.countBy({ accountId: member })).to.equal(5);
        const created = host.events.filter(({ type }) => type === 'client_created');
        expect(created).to.have.length(5);

        const [{ id }] = (await host.as(member, 'GET', CLIENTS)).body.clients;
        await host.as(member, 'DELETE', `${CLIENTS}/${id}`);
        expect((await host.as(member, 'POST', CLIENTS, BOT)).status).to.equal(200);
        expect((await host.as(member, 'POST', CLIENTS, BOT)).status).to.equal(409);
        expect((await host.as(host.addAccount(), 'POST', CLIENTS, BOT)).status).to.equal(200);
    });

    it('limit what waits for one account and one client: the oldest request goes', async () => {
        const host = await capped({ pendingPerAccountAndClient: 3 });
        const [member, other] = [host.addAccount(), host.addAccount()];
        const requests: string[] = [];
        for (let count = 0; count < 5; ++count) {
            requests.push(await beginRequest(host, app, {}, member));
            await beginRequest(host, app, {}, other);
            host.now += 1;
        }
        const statuses = await Promise.all(requests.map(async (id) => (await readRequest(host, member, id)).status));
        expect(statuses).to.equal([400, 400, 200, 200, 200]);
        const table = forum.dataSource.getRepository(OAuthAuthorizationRequest);
        expect(await table.countBy({ accountId: member })).to.equal(3);
        expect(await table.countBy({ accountId: other })).to.equal(3);
    });

    it('limit the grants of one account to one client: the one that was used longest ago is revoked', async () => {
        const host = await capped({ grantsPerAccountAndClient: 3 });
        const member = host.addAccount();
        const signIn = () => signInTo(host, app, { scope: 'openid offline_access' }, member);
        const refresh = (token: string) => host.refresh(token, { client_id: app.client_id });
        const [first, second, third] = [await signIn(), await signIn(), await signIn()];
        host.pass(1);
        const used = await refresh(first.refresh_token);
        host.pass(1);
        const fourth = await signIn();
        expect(host.events.filter(({ type }) => type === 'grant_revoked')).to.have.length(1);
        expect(host.events.find(({ type }) => type === 'grant_revoked')).to.include({ reason: 'too_many' });
        expect((await refresh(second.refresh_token)).body.error).to.equal('invalid_grant');
        for (const token of [used.body.refresh_token, third.refresh_token, fourth.refresh_token]) {
            expect((await refresh(token as string)).status).to.equal(200);
        }
        const live = await forum.dataSource
            .getRepository(OAuthGrant)
            .createQueryBuilder('g')
            .where('g.accountId = :member AND g.endedAt IS NULL', { member })
            .getCount();
        expect(live).to.equal(3);
    });

    it('limit the undecided device codes of one client address', async () => {
        let address: string | undefined = '192.0.2.1';
        const host = await forum.another({
            caps: { pendingDevicesPerAddress: 3 },
            limits: { address: () => address }
        });
        const ask = () => host.form('/oauth/device_authorization', CLI);
        const codes = [];
        for (let count = 0; count < 3; ++count) {
            codes.push((await ask()).body);
        }
        const refused = await ask();
        expect([refused.status, refused.body.error]).to.equal([429, 'temporarily_unavailable']);
        expect(refused.headers['retry-after']).to.equal('60');
        address = '192.0.2.2';
        expect((await ask()).status).to.equal(200);
        // IPv6 addresses count by their network.
        address = '2001:db8::1';
        for (let count = 0; count < 3; ++count) {
            expect((await ask()).status).to.equal(200);
        }
        address = '2001:db8::2';
        expect((await ask()).status).to.equal(429);

        address = '192.0.2.1';
        await host.decide(FRIGG, codes[0].user_code, 'deny');
        expect((await ask()).status).to.equal(200);
        expect((await ask()).status).to.equal(429);
        host.pass(600);
        expect((await ask()).status).to.equal(200);
        // Where the host knows no address, there is nothing to count by.
        const [row] = await forum.dataSource.query('SELECT requested_from FROM oauth_device_authorizations LIMIT 1');
        expect(JSON.stringify(row)).not.to.contain('192.0.2');
    });
});
