import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { DEVICE_CODE, ODIN } from '../support/forum';
import { ABSENT_IDS, expectError } from '../support/management';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const TOKENS = '/admin/oauth/refresh-tokens';

describe('the administrators\u2019 endpoints for refresh tokens', () => {
    const database = useDatabase(lab);
    const forum = useForum(lab, { database });

    it('list all refresh tokens by account, client and status, and revoke any grant', async () => {
        const [one, two] = [forum.addAccount(), forum.addAccount()];
        const { client } = await forum.createClient(one, {
            name: 'A phone',
            type: 'public',
            allowed_grants: [DEVICE_CODE, 'refresh_token'],
            allowed_scopes: ['offline_access']
        });
        const phone = { client_id: client.client_id, scope: 'offline_access' };
        await forum.signIn(ODIN);
        await forum.signIn(one);
        const onPhone = await forum.signIn(one, phone);
        await forum.signIn(two, phone);
        const rotated = await forum.refresh(onPhone.refresh_token, { client_id: client.client_id });
        expect(rotated.status).to.equal(200);

        const list = async (query: string): Promise<{ id: string; account_id: string; client_id: string }[]> => {
            const { status, body } = await forum.as(ODIN, 'GET', `${TOKENS}?${query}`);
            expect(status).to.equal(200);
            expect(body.results).to.equal(body.tokens.length);
            return body.tokens;
        };
        expect(await list(`account_id=${one}`)).to.have.length(3);
        expect(await list(`account_id=${one}&status=active`)).to.have.length(2);
        expect(await list(`account_id=${one}&status=superseded`)).to.have.length(1);
        expect(await list(`oauth_client_id=${client.id}`)).to.have.length(3);
        const both = await list(`account_id=${one}&oauth_client_id=${client.id}&status=active`);
        expect(both).to.have.length(1);
        expect(await list('account_id=nobody')).to.equal([]);
        expect(await list('oauth_client_id=nothing')).to.equal([]);
        const all = await list('status=active');
        expect(new Set(all.map(({ account_id: id }) => id)).size).to.be.at.least(3);

        const [superseded] = await list(`account_id=${one}&status=superseded`);
        const ended = await forum.as(ODIN, 'DELETE', `${TOKENS}/${superseded!.id}`);
        expect([ended.status, ended.text]).to.equal([204, '']);
        const refused = await forum.refresh(rotated.body.refresh_token as string, { client_id: client.client_id });
        expect(refused.body.error).to.equal('invalid_grant');
        expect((await forum.as(ODIN, 'DELETE', `${TOKENS}/${superseded!.id}`)).status).to.equal(204);
        expect(forum.events.filter(({ type }) => type === 'grant_revoked')).to.have.length(1);
        expect(forum.events.find(({ type }) => type === 'grant_revoked')).to.include({
            reason: 'revoked_by_administrator',
            account_id: one,
            oauth_client_id: client.id
        });
        expect(await list(`account_id=${one}&status=active`)).to.have.length(1);
        expect(await list(`account_id=${two}&status=active`)).to.have.length(1);
    });

    it('refuse a malformed query and a body', async () => {
        for (const query of ['page=1.5', 'status=alive', `account_id=${'x'.repeat(129)}`, 'owner=odin']) {
            expectError(await forum.as(ODIN, 'GET', `${TOKENS}?${query}`), 400, 'invalid_request', query);
        }
        const answer = await forum.as(ODIN, 'DELETE', `${TOKENS}/${ABSENT_IDS[0]}`, { sure: true });
        expectError(answer, 400, 'invalid_request', 'a body');
    });

    it('respond 404 for ids of nothing', async () => {
        for (const id of ABSENT_IDS) {
            expectError(await forum.as(ODIN, 'DELETE', `${TOKENS}/${id}`), 404, 'not_found', id);
        }
    });
});
