import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { Token } from '../../plugin/index';
import { DEVICE_CODE, FRIGG, LOKI, ODIN, unique, type Answer } from '../support/forum';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const TOKENS = '/auth/oauth/tokens';
const ABSENT = 'cc5lnd2s1s4652adtu50';

describe('the endpoints for a member\u2019s tokens', () => {
    const database = useDatabase(lab);
    const forum = useForum(lab, { database });

    before(async () => {
        forum.server.route({
            method: 'GET',
            path: '/me',
            options: { auth: 'oauth' },
            handler: ({ auth }) => auth.credentials.accountId!
        });
    });

    const member = (): string => {
        const id = unique('member');
        forum.accounts.set(id, { id, handle: id, name: id, permissions: ['USE_OAUTH_CLIENTS', 'CREATE_POST'] });
        return id;
    };

    const list = (account: string, query = ''): Promise<Answer> => forum.as(account, 'GET', TOKENS + query);

    const expectInvalid = (answer: Answer, field: string, what: string): void => {
        expect(answer.status, what).to.equal(400);
        expect(Object.keys(answer.body as object)).to.equal([
            'error',
            'message',
            'error_description',
            'suggested',
            'metadata'
        ]);
        expect([answer.body.error, answer.body.metadata.field], what).to.equal(['invalid_request', field]);
    };

    it('list the tokens of the built-in application, and revoke its grant', async () => {
        const account = member();
        const empty = await list(account);
        expect([empty.status, empty.body]).to.equal([
            200,
            { page_size: 50, results: 0, total_pages: 0, current_page: 1, tokens: [] }
        ]);
        const began = new Date(forum.now).toISOString();
        const tokens = await forum.signIn(account);
        forum.pass(10);
        const rotated = new Date(forum.now).toISOString();
        const refreshed = await forum.refresh(tokens.refresh_token);
        const { body } = await list(account);
        const [head, first] = body.tokens as [Token, Token];
        expect(body).to.equal({
            page_size: 50,
            results: 2,
            total_pages: 1,
            current_page: 1,
            tokens: [
                {
                    id: head.id,
                    createdAt: rotated,
                    oauth_client_id: first.oauth_client_id,
                    client_id: 'storyden-cli',
                    client_name: 'Storyden',
                    account_id: account,
                    scope: 'openid profile offline_access CREATE_POST USE_OAUTH_CLIENTS',
                    expires_at: new Date(forum.now + 2_592_000_000).toISOString(),
                    grant_id: first.grant_id,
                    granted_at: began
                },
                {
                    id: first.id,
                    createdAt: began,
                    oauth_client_id: head.oauth_client_id,
                    client_id: 'storyden-cli',
                    client_name: 'Storyden',
                    account_id: account,
                    scope: 'openid profile offline_access CREATE_POST USE_OAUTH_CLIENTS',
                    expires_at: new Date(forum.now - 10_000 + 2_592_000_000).toISOString(),
                    revoked_at: rotated,
                    replaced_by_token_id: head.id,
                    last_used_at: rotated,
                    grant_id: head.grant_id,
                    granted_at: began
                }
            ]
        });

        const deleted = await forum.as(account, 'DELETE', `${TOKENS}/${first.id}`);
        expect([deleted.status, deleted.text]).to.equal([204, '']);
        const refused = await forum.refresh(refreshed.body.refresh_token as string);
        expect([refused.status, refused.body.error]).to.equal([400, 'invalid_grant']);
        const headers = { authorization: `Bearer ${refreshed.body.access_token}` };
        expect((await forum.server.inject({ url: '/me', headers })).payload).to.equal(account);
        forum.pass(900);
        expect((await forum.server.inject({ url: '/me', headers })).statusCode).to.equal(401);
    });

    it('show no token, hash or key', async () => {
        const account = member();
        const tokens = await forum.signIn(account);
        const { text } = await list(account);
        const [stored] = await database.dataSource.query<Record<string, string>[]>(
            'SELECT t.token_hash, g.chain_key FROM oauth_refresh_tokens t JOIN oauth_grants g ON g.id = t.grant_id WHERE g.account_id = ?',
            [account]
        );
        for (const secret of [tokens.refresh_token, tokens.access_token, stored!.token_hash!, stored!.chain_key!]) {
            expect(text).not.to.contain(secret);
        }
    });

    it('respond with no-store, errors included', async () => {
        const answers = await Promise.all([
            list(FRIGG),
            list(FRIGG, '?page=0'),
            forum.as(FRIGG, 'DELETE', `${TOKENS}/${ABSENT}`),
            forum.as(null, 'GET', TOKENS)
        ]);
        expect(answers.map(({ status }) => status)).to.equal([200, 400, 404, 401]);
        for (const { headers } of answers) {
            expect([headers['cache-control'], headers.pragma]).to.equal(['no-store', 'no-cache']);
        }
    });

    it('count pages from 1, and list nothing past the end', async () => {
        const account = member();
        const { refresh_token: token } = await forum.signIn(account);
        let held = token;
        for (let count = 0; count < 50; ++count) {
            held = (await forum.refresh(held)).body.refresh_token as string;
        }
        const pages = await Promise.all(
            ['', '?page=1', '?page=2', '?page=3', `?page=${Number.MAX_SAFE_INTEGER}`].map((q) => list(account, q))
        );
        expect(pages.map(({ status }) => status)).to.equal([200, 200, 200, 200, 200]);
        expect(pages[1]!.body).to.equal(pages[0]!.body);
        const frames = pages.slice(1).map(({ body: { tokens, ...frame } }) => {
            expect(tokens).to.have.length(frame.results as number);
            return frame as unknown;
        });
        const frame = { page_size: 50, total_pages: 2 };
        expect(frames).to.equal([
            { ...frame, results: 50, current_page: 1, next_page: 2 },
            { ...frame, results: 1, current_page: 2 },
            { ...frame, results: 0, current_page: 3 },
            { ...frame, results: 0, current_page: Number.MAX_SAFE_INTEGER }
        ]);
        const seen = pages.slice(1, 3).flatMap(({ body }) => (body.tokens as Token[]).map(({ id }) => id));
        expect(new Set(seen).size).to.equal(51);
    });

    it('refuse a malformed query', async () => {
        for (const page of ['0', '-1', '1.5', '1e3', '01', '+1', ' 1', '1%20', 'x', '', '0x1', '%00', 'NaN']) {
            expectInvalid(await list(FRIGG, `?page=${page}`), 'page', `page ${page}`);
        }
        expectInvalid(await list(FRIGG, '?page=1&page=2'), 'page', 'twice');
        for (const status of ['Active', 'ACTIVE', 'dead', '', 'active%20', 'toString']) {
            expectInvalid(await list(FRIGG, `?status=${status}`), 'status', `status ${status}`);
        }
        expectInvalid(await list(FRIGG, '?status=active&status=active'), 'status', 'twice');
        expectInvalid(await list(FRIGG, '?oauth_client_id='), 'oauth_client_id', 'empty');
        expectInvalid(await list(FRIGG, `?oauth_client_id=${'x'.repeat(65)}`), 'oauth_client_id', 'long');
        expectInvalid(await list(FRIGG, '?oauth_client_id=x&oauth_client_id=y'), 'oauth_client_id', 'twice');
        expectInvalid(await list(FRIGG, '?account_id=x'), 'account_id', 'unknown');
        expectInvalid(await list(FRIGG, '?limit=5'), 'limit', 'unknown');
    });

    it('filter by status and by application', async () => {
        const account = member();
        const { client } = await forum.createClient(ODIN, {
            name: 'A phone',
            type: 'public',
            allowed_grants: [DEVICE_CODE, 'refresh_token'],
            allowed_scopes: ['offline_access']
        });
        const own = { client_id: client.client_id, scope: 'offline_access' };
        await forum.signIn(account, own);
        const cli = await forum.signIn(account);
        await forum.refresh(cli.refresh_token);
        const names = async (query: string): Promise<string[]> =>
            ((await list(account, query)).body.tokens as Token[]).map((row) => row.client_name);
        expect(await names('')).to.equal(['Storyden', 'Storyden', 'A phone']);
        expect(await names('?status=active')).to.equal(['Storyden', 'A phone']);
        expect(await names('?status=superseded')).to.equal(['Storyden']);
        expect(await names('?status=revoked')).to.equal([]);
        expect(await names('?status=expired')).to.equal([]);
        expect(await names(`?oauth_client_id=${client.id}`)).to.equal(['A phone']);
        expect(await names(`?status=superseded&oauth_client_id=${client.id}`)).to.equal([]);
        expect(await names(`?oauth_client_id=${client.client_id}`)).to.equal([]);
        expect(await names(`?oauth_client_id=${client.id}%20`)).to.equal([]);

        expect((await forum.as(ODIN, 'DELETE', `/auth/oauth/clients/${client.id}`)).status).to.equal(204);
        expect(await names(`?status=revoked&oauth_client_id=${client.id}`)).to.equal(['A phone']);
        forum.pass(2_592_000);
        expect(await names('?status=active')).to.equal([]);
        expect(await names('?status=expired')).to.equal(['Storyden']);
    });

    it('respond to another account\u2019s token as to one that does not exist', async () => {
        const account = member();
        const { refresh_token: token } = await forum.signIn(account);
        const {
            tokens: [row]
        } = (await list(account)).body as { tokens: [Token] };
        for (const other of [LOKI, ODIN]) {
            expect((await list(other, `?oauth_client_id=${row.oauth_client_id}`)).text).not.to.contain(row.id);
            const ask = async (id: string): Promise<unknown> => {
                const { status, text, headers } = await forum.as(other, 'DELETE', `${TOKENS}/${id}`);
                return { status, text, headers: { ...headers, date: '' } };
            };
            const absent = await ask(ABSENT);
            expect((absent as Answer).status).to.equal(404);
            for (const id of [row.id, row.grant_id, row.id.toUpperCase(), `${row.id}%20`, 'x', '%00']) {
                expect(await ask(id), id).to.equal(absent);
            }
            const all = await forum.as(other, 'DELETE', `${TOKENS}?oauth_client_id=${row.oauth_client_id}`);
            expect(all.status).to.equal(204);
        }
        expect((await forum.refresh(token)).status).to.equal(200);
    });

    it('respond 204 when a grant is revoked again', async () => {
        const account = member();
        await forum.signIn(account);
        const {
            tokens: [row]
        } = (await list(account)).body as { tokens: [Token] };
        for (let count = 0; count < 3; ++count) {
            expect((await forum.as(account, 'DELETE', `${TOKENS}/${row.id}`)).status).to.equal(204);
        }
        await database.dataSource.query('DELETE FROM oauth_refresh_tokens WHERE id = ?', [row.id]);
        expect((await forum.as(account, 'DELETE', `${TOKENS}/${row.id}`)).status).to.equal(404);
    });

    it('revoke all grants of one application, also where there are none', async () => {
        const account = member();
        const held = [await forum.signIn(account), await forum.signIn(account)];
        const {
            tokens: [row]
        } = (await list(account)).body as { tokens: [Token] };
        for (const id of [ABSENT, 'storyden-cli', 'x', '%00', `${row.oauth_client_id}%20`]) {
            expect((await forum.as(account, 'DELETE', `${TOKENS}?oauth_client_id=${id}`)).status, id).to.equal(204);
        }
        expect((await list(account, '?status=active')).body.results).to.equal(2);
        for (const query of [
            '',
            '?oauth_client_id=',
            '?client_id=storyden-cli',
            '?oauth_client_id=a&oauth_client_id=b'
        ]) {
            const answer = await forum.as(account, 'DELETE', TOKENS + query);
            expectInvalid(answer, 'oauth_client_id', query);
        }
        const extra = await forum.as(
            account,
            'DELETE',
            `${TOKENS}?oauth_client_id=${row.oauth_client_id}&status=active`
        );
        expectInvalid(extra, 'status', 'unknown');
        expect((await list(account, '?status=active')).body.results).to.equal(2);
        for (let count = 0; count < 2; ++count) {
            const query = `?oauth_client_id=${row.oauth_client_id}`;
            const ended = await forum.as(account, 'DELETE', TOKENS + query);
            expect([ended.status, ended.text]).to.equal([204, '']);
        }
        for (const { refresh_token: token } of held) {
            expect((await forum.refresh(token)).body.error).to.equal('invalid_grant');
        }
    });

    it('need the session of an account that may act, and accept no access token', async () => {
        const account = member();
        const { access_token: token } = await forum.signIn(account);
        const {
            tokens: [row]
        } = (await list(account)).body as { tokens: [Token] };
        const requests: [string, string][] = [
            ['GET', TOKENS],
            ['DELETE', `${TOKENS}/${row.id}`],
            ['DELETE', `${TOKENS}?oauth_client_id=${row.oauth_client_id}`]
        ];
        for (const [method, path] of requests) {
            for (const answer of [
                await forum.as(null, method, path),
                await forum.as(null, method, path, undefined, { authorization: `Bearer ${token}` }),
                await forum.as('nobody00000000000000', method, path)
            ]) {
                expect([answer.status, answer.body.error], `${method} ${path}`).to.equal([401, 'unauthorized']);
            }
        }
        expect((await list(account, '?status=active')).body.results).to.equal(1);
    });

    it('refuse changes from pages of other sites', async () => {
        const account = member();
        await forum.signIn(account);
        const {
            tokens: [row]
        } = (await list(account)).body as { tokens: [Token] };
        const headers = { origin: 'https://evil.example' };
        const answer = await forum.as(account, 'DELETE', `${TOKENS}/${row.id}`, undefined, headers);
        expect([answer.status, answer.body.error]).to.equal([403, 'forbidden']);
        expect((await list(account, '?status=active')).body.results).to.equal(1);
    });
});
