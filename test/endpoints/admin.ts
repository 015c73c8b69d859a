import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthClient } from '../../entities/index';
import { FORUM_PERMISSIONS } from '../../plugin/index';
import {
    CLI,
    DEVICE_CODE,
    Forum,
    FRIGG,
    LOKI,
    ODIN,
    openDatabase,
    type Answer,
    type OpenDatabase
} from '../support/forum';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const CLIENTS = '/admin/oauth/clients';
const TOKENS = '/admin/oauth/refresh-tokens';
const DEVICES = '/admin/oauth/device-authorizations';
const ABSENT = 'cc5lnd2s1s4652adtu50';
const BOT = {
    name: 'A bot',
    type: 'confidential',
    allowed_grants: ['client_credentials'],
    allowed_scopes: ['READ_PUBLISHED_THREADS']
};

describe('the endpoints of administrators', () => {
    let forum: Forum;
    let database: OpenDatabase;

    before(async () => {
        database = await openDatabase();
        forum = await Forum.create(database.dataSource);
    });

    after(async () => {
        await forum.stop();
        await database.done();
    });

    const ENDPOINTS: [string, string, object?][] = [
        ['GET', CLIENTS],
        ['POST', CLIENTS, BOT],
        ['GET', `${CLIENTS}/${ABSENT}`],
        ['PATCH', `${CLIENTS}/${ABSENT}`, { name: 'Another' }],
        ['DELETE', `${CLIENTS}/${ABSENT}`],
        ['GET', DEVICES],
        ['GET', TOKENS],
        ['DELETE', `${TOKENS}/${ABSENT}`]
    ];

    const expectError = (answer: Answer, status: number, error: string, what: string): void => {
        expect([answer.status, answer.body?.error], `${what}: ${answer.text}`).to.equal([status, error]);
        expect(Object.keys(answer.body as object)).to.equal(['error', 'message', 'suggested', 'metadata']);
        expect(answer.headers['cache-control']).to.equal('no-store');
    };

    it('open to a session with ADMINISTRATOR only', async () => {
        const everything = forum.addAccount(FORUM_PERMISSIONS.filter((permission) => permission !== 'ADMINISTRATOR'));
        const suspended = forum.addAccount(['ADMINISTRATOR']);
        forum.accounts.delete(suspended);
        const rows = await database.dataSource.getRepository(OAuthClient).count();
        for (const [method, path, body] of ENDPOINTS) {
            const what = `${method} ${path}`;
            for (const account of [FRIGG, LOKI, everything]) {
                const answer = await forum.as(account, method, path, body);
                expectError(answer, 403, 'forbidden', what);
                expect(answer.body.metadata).to.equal({ permission: 'ADMINISTRATOR' });
            }
            for (const account of [null, suspended]) {
                expectError(await forum.as(account, method, path, body), 401, 'unauthorized', what);
            }
        }
        expect(await database.dataSource.getRepository(OAuthClient).count()).to.equal(rows);
    });

    it('open to no access token, an administrator\u2019s included', async () => {
        const { access_token: token } = await forum.signIn(ODIN);
        for (const [method, path, body] of ENDPOINTS) {
            const answer = await forum.as(null, method, path, body, { authorization: `Bearer ${token}` });
            expectError(answer, 401, 'unauthorized', `${method} ${path}`);
        }
    });

    it('open to no page of another site', async () => {
        for (const [method, path, body] of ENDPOINTS.filter(([verb]) => verb !== 'GET')) {
            for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
                const answer = await forum.as(ODIN, method, path, body, headers as unknown as Record<string, string>);
                expectError(answer, 403, 'forbidden', `${method} ${path}`);
            }
        }
    });

    it('ask for the permission that the forum says is the administrator\u2019s', async () => {
        const other = await Forum.create(database.dataSource, {
            permissions: { all: ['RULE', 'READ'], administrator: 'RULE' }
        });
        other.account(FRIGG).permissions = ['RULE'];
        expect((await other.as(FRIGG, 'GET', CLIENTS)).status).to.equal(200);
        expect((await other.as(ODIN, 'GET', CLIENTS)).status).to.equal(403);
        await other.stop();
    });

    it('create, read, list, change and delete a client', async () => {
        const created = await forum.as(ODIN, 'POST', CLIENTS, { ...BOT, account_id: FRIGG });
        expect(created.status).to.equal(200);
        const { client_secret: secret, ...client } = created.body;
        expect(secret).to.match(/^sdoas_/);
        expect(Object.keys(client as object)).to.equal([
            'id',
            'createdAt',
            'updatedAt',
            'account_id',
            'client_id',
            'name',
            'type',
            'scope_policy',
            'redirect_uris',
            'allowed_scopes',
            'allowed_grants'
        ]);
        const path = `${CLIENTS}/${client.id}`;
        const read = await forum.as(ODIN, 'GET', path);
        expect([read.status, read.body]).to.equal([200, client]);
        const listed = await forum.as(ODIN, 'GET', CLIENTS);
        expect(listed.body.clients.find(({ id }: { id: string }) => id === client.id)).to.equal(client);
        expect(listed.text).not.to.contain(secret);
        expect(
            listed.body.clients.some(({ client_id: id }: { client_id: string }) => id === CLI.client_id)
        ).to.be.true();

        const changed = await forum.as(ODIN, 'PATCH', path, { name: 'Renamed', account_id: null });
        expect([changed.status, changed.body.name]).to.equal([200, 'Renamed']);
        expect(changed.body).not.to.include('account_id');

        const deleted = await forum.as(ODIN, 'DELETE', path);
        expect([deleted.status, deleted.text]).to.equal([204, '']);
        for (const method of ['GET', 'DELETE']) {
            expectError(await forum.as(ODIN, method, path), 404, 'not_found', method);
        }
    });

    it('say 409 of a built-in client and of a client_id that is taken', async () => {
        const { body } = await forum.as(ODIN, 'GET', CLIENTS);
        const { id } = body.clients.find(({ client_id: name }: { client_id: string }) => name === CLI.client_id);
        expect((await forum.as(ODIN, 'GET', `${CLIENTS}/${id}`)).body.name).to.equal('Storyden');
        expectError(await forum.as(ODIN, 'PATCH', `${CLIENTS}/${id}`, { name: 'x' }), 409, 'conflict', 'change');
        expectError(await forum.as(ODIN, 'DELETE', `${CLIENTS}/${id}`), 409, 'conflict', 'delete');
        const taken = await forum.as(ODIN, 'POST', CLIENTS, { ...BOT, client_id: CLI.client_id });
        expectError(taken, 409, 'conflict', 'create');
        expect(taken.body.metadata).to.equal({ field: 'client_id' });
    });

    it('name the field that is malformed, missing or unknown', async () => {
        const wrong: [object, string][] = [
            [{ ...BOT, name: undefined }, 'name'],
            [{ ...BOT, name: 7 }, 'name'],
            [{ ...BOT, type: 'secret' }, 'type'],
            [{ ...BOT, scope_policy: 'all' }, 'scope_policy'],
            [{ ...BOT, account_id: 7 }, 'account_id'],
            [{ ...BOT, account_id: null }, 'account_id'],
            [{ ...BOT, client_id: [] }, 'client_id'],
            [{ ...BOT, client_secret_hash: 'a' }, 'client_secret_hash'],
            [{ ...BOT, first_party: true }, 'first_party'],
            [{ ...BOT, client_secret: 'mine' }, 'client_secret']
        ];
        for (const [body, field] of wrong) {
            const answer = await forum.as(ODIN, 'POST', CLIENTS, body);
            expectError(answer, 400, 'invalid_request', JSON.stringify(body));
            expect(answer.body.metadata.field).to.equal(field);
        }
        const { body: bot } = await forum.as(ODIN, 'POST', CLIENTS, BOT);
        const path = `${CLIENTS}/${bot.id}`;
        for (const field of ['type', 'client_secret_hash', 'pkce_required', 'id']) {
            const answer = await forum.as(ODIN, 'PATCH', path, { [field]: 'public' });
            expectError(answer, 400, 'invalid_request', field);
            expect(answer.body.metadata.field).to.equal(field);
        }
        expectError(await forum.as(ODIN, 'DELETE', path, { sure: true }), 400, 'invalid_request', 'a body');
        const pages: [string, string][] = [
            [CLIENTS, 'page=0'],
            [CLIENTS, 'page=x'],
            [CLIENTS, 'pages=1'],
            [DEVICES, 'page=-1'],
            [DEVICES, 'status=active'],
            [TOKENS, 'page=1.5'],
            [TOKENS, 'status=alive'],
            [TOKENS, `account_id=${'x'.repeat(129)}`]
        ];
        for (const [list, query] of pages) {
            expectError(await forum.as(ODIN, 'GET', `${list}?${query}`), 400, 'invalid_request', query);
        }
    });

    it('say 404 of ids that are none', async () => {
        for (const id of [ABSENT, 'x', 'x'.repeat(300), '%00', '..%2f..', ABSENT.toUpperCase(), `${ABSENT}%20`]) {
            for (const [method, path] of [
                ['GET', CLIENTS],
                ['DELETE', CLIENTS],
                ['DELETE', TOKENS]
            ] as const) {
                expectError(await forum.as(ODIN, method, `${path}/${id}`), 404, 'not_found', `${method} ${id}`);
            }
        }
    });

    it('list everybody\u2019s refresh tokens by account, client and status, and end any grant', async () => {
        const [one, two] = [forum.addAccount(), forum.addAccount()];
        const { client } = await forum.createClient(one, {
            name: 'A phone',
            type: 'public',
            allowed_grants: [DEVICE_CODE, 'refresh_token'],
            allowed_scopes: ['offline_access']
        });
        const phone = { client_id: client.client_id, scope: 'offline_access' };
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

    it('list device authorizations in pages', async () => {
        const { user_code: code } = await forum.device();
        const { status, body } = await forum.as(ODIN, 'GET', `${DEVICES}?page=1`);
        expect(status).to.equal(200);
        expect(body).to.include(['page_size', 'results', 'total_pages', 'current_page', 'device_authorisations']);
        expect(body.device_authorisations.map(({ user_code: each }: { user_code: string }) => each)).to.include(code);
        const beyond = await forum.as(ODIN, 'GET', `${DEVICES}?page=999999999`);
        expect([beyond.status, beyond.body.device_authorisations]).to.equal([200, []]);
    });
});
