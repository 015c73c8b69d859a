import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { CLI, DEVICE_CODE, ODIN } from '../support/forum';
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

    it('revoke all grants of an account, of a client, or of an account to a client', async () => {
        const [one, two] = [forum.addAccount(), forum.addAccount()];
        const { client } = await forum.createClient(one, {
            name: 'A phone',
            type: 'public',
            allowed_grants: [DEVICE_CODE, 'refresh_token'],
            allowed_scopes: ['offline_access']
        });
        const phone = { client_id: client.client_id, scope: 'offline_access' };
        const sessions: [string, Record<string, string>][] = [
            [one, phone],
            [one, CLI],
            [two, phone],
            [two, CLI]
        ];
        const revoke = async (query: string): Promise<string[]> => {
            const tokens = [];
            for (const [account, fields] of sessions) {
                tokens.push((await forum.signIn(account, fields)).refresh_token);
            }
            // An approval that is not exchanged yet goes with them.
            const device = await forum.device(phone);
            await forum.decide(one, device.user_code);
            const before = forum.events.length;
            const answer = await forum.as(ODIN, 'DELETE', `${TOKENS}?${query}`);
            expect([answer.status, answer.text]).to.equal([204, '']);
            expect(forum.events.slice(before).map(({ type }) => type)).to.equal(['grants_revoked']);
            expect(forum.events[before]).to.include({ reason: 'revoked_by_administrator' });
            const poll = { grant_type: DEVICE_CODE, client_id: client.client_id, device_code: device.device_code };
            expect((await forum.token(poll)).body.error).to.equal('invalid_grant');
            const left = [];
            for (const [place, [account, fields]] of sessions.entries()) {
                const { status } = await forum.refresh(tokens[place]!, { client_id: fields.client_id! });
                if (status === 200) {
                    left.push(`${account === one ? 'one' : 'two'} ${fields === CLI ? 'cli' : 'phone'}`);
                }
            }
            return left;
        };
        expect(await revoke(`account_id=${one}`)).to.equal(['two phone', 'two cli']);
        expect(await revoke(`oauth_client_id=${client.id}`)).to.equal(['one cli', 'two cli']);
        const both = `account_id=${one}&oauth_client_id=${client.id}`;
        expect(await revoke(both)).to.equal(['one cli', 'two phone', 'two cli']);
        const silent = forum.events.length;
        expect((await forum.as(ODIN, 'DELETE', `${TOKENS}?account_id=nobody`)).status).to.equal(204);
        expect(forum.events.length).to.equal(silent);
        for (const query of ['', '?', '?status=active', '?account_id=', `?account_id=${one}&status=active`]) {
            expectError(await forum.as(ODIN, 'DELETE', `${TOKENS}${query}`), 400, 'invalid_request', query);
        }
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
