import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthClient } from '../../entities/index';
import { basic, DEVICE_CODE, FRIGG, LOKI, ODIN, START, type Answer } from '../support/forum';
import { clientRow, insertRows } from '../support/rows';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const CLIENTS = '/auth/oauth/clients';
const ABSENT = 'cc5lnd2s1s4652adtu50';
const BOT = {
    name: 'A bot',
    type: 'confidential',
    allowed_grants: ['client_credentials'],
    allowed_scopes: ['READ_PUBLISHED_THREADS']
};
const PHONE = {
    name: 'A phone',
    type: 'public',
    allowed_grants: [DEVICE_CODE, 'refresh_token'],
    allowed_scopes: ['openid', 'offline_access', 'CREATE_POST', 'READ_PROFILE']
};

describe('the endpoints for a member\u2019s applications', () => {
    const database = useDatabase(lab);
    const forum = useForum(lab, { database });

    before(async () => {
        forum.server.route({
            method: 'POST',
            path: '/threads',
            options: { auth: { strategy: 'oauth', access: { scope: ['CREATE_POST'] } } },
            handler: () => 'posted'
        });
    });

    const count = (): Promise<number> => database.dataSource.getRepository(OAuthClient).count();

    const raw = async (method: string, path: string, payload: string | Buffer, contentType = 'application/json') => {
        const response = await forum.server.inject({
            method,
            url: `/api${path}`,
            headers: { cookie: `session=${FRIGG}`, 'content-type': contentType },
            payload
        });
        return { status: response.statusCode, body: JSON.parse(response.payload) as Record<string, unknown> };
    };

    const expectInvalid = (answer: Pick<Answer, 'status' | 'body'>, what: string, field?: string): void => {
        expect(answer.status, `${what}: ${JSON.stringify(answer.body)}`).to.equal(400);
        expect(Object.keys(answer.body as object)).to.equal([
            'error',
            'message',
            'error_description',
            'suggested',
            'metadata'
        ]);
        expect(answer.body.error).to.equal('invalid_request');
        expect(answer.body.metadata.rule, what).to.be.a.string();
        if (field !== undefined) {
            expect(answer.body.metadata.field, what).to.equal(field);
        }
    };

    it('create, read, list, change and delete', async () => {
        const created = await forum.as(LOKI, 'POST', CLIENTS, {
            ...PHONE,
            allowed_scopes: ['openid', 'offline_access']
        });
        expect(created.status, created.text).to.equal(200);
        expect(Object.keys(created.body as object)).to.equal(['client']);
        const { client } = created.body;
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
            'allowed_grants',
            'source',
            'verified',
            'status'
        ]);
        const path = `${CLIENTS}/${client.id}`;
        const read = await forum.as(LOKI, 'GET', path);
        expect([read.status, read.body]).to.equal([200, client]);
        const list = await forum.as(LOKI, 'GET', CLIENTS);
        expect([list.status, list.body.clients]).to.equal([200, [client]]);
        forum.pass(1);
        const changed = await forum.as(LOKI, 'PATCH', path, { name: 'Renamed' });
        const expected = { ...client, name: 'Renamed', updatedAt: new Date(forum.now).toISOString() };
        expect([changed.status, changed.body]).to.equal([200, expected]);
        const deleted = await forum.as(LOKI, 'DELETE', path);
        expect([deleted.status, deleted.text]).to.equal([204, '']);
        expect((await forum.as(LOKI, 'GET', path)).status).to.equal(404);
        expect((await forum.as(LOKI, 'GET', CLIENTS)).body.clients).to.equal([]);
    });

    it('show a secret only in the response that creates it', async () => {
        const { client, client_secret: secret } = await forum.createClient(FRIGG);
        const path = `${CLIENTS}/${client.id}`;
        const rotated = await forum.as(FRIGG, 'POST', `${path}/secret`, { overlap_seconds: 60 });
        expect(Object.keys(rotated.body as object)).to.equal(['client', 'client_secret', 'previous_secret_expires_at']);
        expect(rotated.body.previous_secret_expires_at).to.equal(new Date(forum.now + 60_000).toISOString());
        const again = await forum.as(FRIGG, 'POST', `${path}/secret`);
        expect(Object.keys(again.body as object)).to.equal(['client', 'client_secret']);
        const others = await Promise.all([
            forum.as(FRIGG, 'GET', path),
            forum.as(FRIGG, 'GET', CLIENTS),
            forum.as(FRIGG, 'PATCH', path, { name: 'Renamed' })
        ]);
        for (const { text } of others) {
            expect(text).not.to.contain(secret);
            expect(text).not.to.contain('secret');
            expect(text).not.to.contain('hash');
        }
        const stored = await database.dataSource.query<object[]>('SELECT * FROM oauth_clients');
        for (const shown of [secret, rotated.body.client_secret as string, again.body.client_secret as string]) {
            expect(shown).to.match(/^sdoas_[A-Za-z0-9_-]{43}$/);
            expect(JSON.stringify([stored, forum.log, forum.events])).not.to.contain(shown);
        }
    });

    it('respond with no-store, errors included', async () => {
        const { client } = await forum.createClient(FRIGG);
        const answers = await Promise.all([
            forum.as(FRIGG, 'POST', CLIENTS, BOT),
            forum.as(FRIGG, 'POST', `${CLIENTS}/${client.id}/secret`),
            forum.as(FRIGG, 'GET', `${CLIENTS}/${ABSENT}`),
            forum.as(FRIGG, 'POST', CLIENTS, {}),
            forum.as(null, 'GET', CLIENTS)
        ]);
        expect(answers.map(({ status }) => status)).to.equal([200, 200, 404, 400, 401]);
        for (const { headers } of answers) {
            expect(headers['cache-control']).to.equal('no-store');
            expect(headers.pragma).to.equal('no-cache');
        }
    });

    it('need the session of an account that may act, and accept no access token', async () => {
        const { client } = await forum.createClient(FRIGG);
        const { access_token: token } = await forum.signIn();
        const requests: [string, string, unknown?][] = [
            ['GET', CLIENTS],
            ['POST', CLIENTS, BOT],
            ['GET', `${CLIENTS}/${client.id}`],
            ['PATCH', `${CLIENTS}/${client.id}`, { name: 'x' }],
            ['DELETE', `${CLIENTS}/${client.id}`],
            ['POST', `${CLIENTS}/${client.id}/secret`]
        ];
        for (const [method, path, body] of requests) {
            for (const answer of [
                await forum.as(null, method, path, body),
                await forum.as(null, method, path, body, { authorization: `Bearer ${token}` }),
                await forum.as('nobody00000000000000', method, path, body)
            ]) {
                expect([answer.status, answer.body?.error], `${method} ${path}`).to.equal([401, 'unauthorized']);
            }
        }
        expect((await forum.as(FRIGG, 'GET', `${CLIENTS}/${client.id}`)).body).to.equal(client);
    });

    it('respond 403 for a permission that the account does not hold, 400 for a malformed field', async () => {
        const before = await count();
        const forbidden = await forum.as(LOKI, 'POST', CLIENTS, { ...BOT, allowed_scopes: ['CREATE_POST'] });
        expect(forbidden.status).to.equal(403);
        expect(forbidden.body).to.equal({
            error: 'forbidden',
            message: 'The account does not hold every permission in allowed_scopes.',
            error_description: 'The account does not hold every permission in allowed_scopes.',
            suggested: 'Leave out the scopes that metadata names.',
            metadata: { field: 'allowed_scopes', rule: 'held', scopes: ['CREATE_POST'] }
        });
        expectInvalid(
            await forum.as(LOKI, 'POST', CLIENTS, { ...BOT, allowed_scopes: ['CREATE_POST', 'NO_SUCH_THING'] }),
            'unknown',
            'allowed_scopes'
        );
        expect(await count()).to.equal(before);
    });

    it('refuse fields that are missing, unknown or of the wrong type, and write nothing', async () => {
        const before = await count();
        for (const field of ['name', 'type', 'allowed_grants', 'allowed_scopes']) {
            expectInvalid(await forum.as(FRIGG, 'POST', CLIENTS, { ...BOT, [field]: undefined }), field, field);
            for (const value of [null, 7, true, {}, [], [[]], [7], [null], { length: 1 }, '', 'x']) {
                const fine =
                    (field === 'name' && value === 'x') ||
                    (field === 'allowed_scopes' && JSON.stringify(value) === '[]');
                if (!fine) {
                    const what = `${field} ${JSON.stringify(value)}`;
                    expectInvalid(await forum.as(FRIGG, 'POST', CLIENTS, { ...BOT, [field]: value }), what);
                }
            }
        }
        for (const value of [null, 'https://app.example', [7], [null], ['']]) {
            expectInvalid(
                await forum.as(FRIGG, 'POST', CLIENTS, { ...BOT, redirect_uris: value }),
                JSON.stringify(value)
            );
        }
        for (const value of ['true', 1, null]) {
            expectInvalid(await forum.as(FRIGG, 'POST', CLIENTS, { ...BOT, pkce_required: value }), `pkce ${value}`);
        }
        for (const field of ['account_id', 'client_id', 'scope_policy', 'client_secret', 'client_secret_hash', 'id']) {
            expectInvalid(await forum.as(FRIGG, 'POST', CLIENTS, { ...BOT, [field]: 'x' }), field, field);
        }
        expect(await count()).to.equal(before);
    });

    it('name a field in the message as the caller wrote it', async () => {
        const messages: [object, string][] = [
            [{ ...BOT, allowed_grants: undefined }, 'allowed_grants is required.'],
            [{ ...BOT, name: 7 }, 'name must be a string.'],
            [{ ...BOT, redirect_uris: [7] }, 'redirect_uris[0] must be a string.'],
            [{ ...BOT, owner: 'x' }, 'owner is not allowed.'],
            [{ ...BOT, Owner: 'x' }, 'Owner is not allowed.']
        ];
        for (const [body, message] of messages) {
            const answer = await forum.as(FRIGG, 'POST', CLIENTS, body);
            expect([answer.status, answer.body.message]).to.equal([400, message]);
        }
        const { body } = await forum.as(FRIGG, 'GET', '/auth/oauth/tokens?sort=name');
        expect(body.message).to.equal('sort is not allowed.');
    });

    it('change only the name, the redirect URIs and the allowed scopes', async () => {
        const { client } = await forum.createClient(FRIGG);
        const path = `${CLIENTS}/${client.id}`;
        for (const field of ['type', 'allowed_grants', 'pkce_required', 'scope_policy', 'account_id', 'client_id']) {
            expectInvalid(await forum.as(FRIGG, 'PATCH', path, { name: 'x', [field]: 'public' }), field, field);
        }
        for (const change of [{ name: null }, { name: '' }, { redirect_uris: null }, { allowed_scopes: 'openid' }]) {
            expectInvalid(await forum.as(FRIGG, 'PATCH', path, change), JSON.stringify(change));
        }
        expect((await forum.as(FRIGG, 'GET', path)).body).to.equal(client);
        const untouched = await forum.as(FRIGG, 'PATCH', path, {});
        expect([untouched.status, untouched.body]).to.equal([200, client]);
    });

    it('refuse a body that is not a JSON object in UTF-8', async () => {
        const before = await count();
        const name = JSON.stringify(BOT);
        const bodies: [string, string | Buffer, string?][] = [
            ['broken', '{'],
            ['list', '[]'],
            ['null', 'null'],
            ['text', '"x"'],
            ['form', 'name=x', 'application/x-www-form-urlencoded'],
            ['untyped', name, 'text/plain'],
            ['invalid UTF-8', Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff]), Buffer.from('"}')])],
            ['prototype', '{"__proto__":{"name":"x"}}'],
            ['deep', '['.repeat(20_000)],
            ['1 MB', JSON.stringify({ ...BOT, name: 'x'.repeat(1_000_000) })]
        ];
        for (const [what, body, type] of bodies) {
            expectInvalid(await raw('POST', CLIENTS, body, type), what, 'body');
        }
        for (const escape of ['\\u0000', '\\ud800', '\\u001b']) {
            expectInvalid(await raw('POST', CLIENTS, name.replace('A bot', escape)), escape, 'name');
        }
        expect(await count()).to.equal(before);
    });

    it('accept a body with any charset parameter', async () => {
        const answer = await raw('POST', CLIENTS, JSON.stringify(BOT), 'Application/JSON; charset=utf-8');
        expect(answer.status).to.equal(200);
    });

    it('refuse an overlap that is not a whole number of seconds up to seven days', async () => {
        const { client, client_secret: secret } = await forum.createClient(FRIGG);
        const path = `${CLIENTS}/${client.id}/secret`;
        for (const overlap of [-1, 604_801, 1.5, '60', null, true, [], 1e300]) {
            const answer = await forum.as(FRIGG, 'POST', path, { overlap_seconds: overlap });
            expectInvalid(answer, JSON.stringify(overlap), 'overlap_seconds');
        }
        expectInvalid(await raw('POST', path, '{"overlap_seconds":1e999}'), 'infinite', 'overlap_seconds');
        expectInvalid(await forum.as(FRIGG, 'POST', path, { overlap: 60 }), 'unknown', 'overlap');
        const { status } = await forum.token({ grant_type: 'client_credentials' }, basic(client.client_id, secret));
        expect(status).to.equal(200);
        const longest = await forum.as(FRIGG, 'POST', path, { overlap_seconds: 604_800 });
        expect(longest.body.previous_secret_expires_at).to.equal(new Date(forum.now + 604_800_000).toISOString());
    });

    it('respond 409 to a new secret for a public client', async () => {
        const { client } = await forum.createClient(FRIGG, PHONE);
        const answer = await forum.as(FRIGG, 'POST', `${CLIENTS}/${client.id}/secret`);
        expect([answer.status, answer.body.error]).to.equal([409, 'conflict']);
    });

    it('respond to another account\u2019s application as to one that does not exist', async () => {
        const { client } = await forum.createClient(FRIGG);
        const phone = await forum.createClient(FRIGG, PHONE);
        const { id: gone } = (await forum.createClient(LOKI)).client;
        await forum.as(LOKI, 'DELETE', `${CLIENTS}/${gone}`);
        const requests: [string, string, unknown?][] = [
            ['GET', ''],
            ['HEAD', ''],
            ['PATCH', '', { name: 'Mine' }],
            ['PATCH', '', {}],
            ['PATCH', '', { allowed_scopes: ['MANAGE_ROLES'] }],
            ['PATCH', '', { redirect_uris: ['https://evil.example'] }],
            ['PATCH', '', { name: 7 }],
            ['DELETE', ''],
            ['POST', '/secret'],
            ['POST', '/secret', { overlap_seconds: 60 }],
            ['POST', '/secret', { overlap_seconds: -1 }],
            ['PUT', '', {}],
            ['OPTIONS', '']
        ];
        for (const account of [LOKI, ODIN]) {
            for (const [method, suffix, body] of requests) {
                const what = `${method} ${suffix} ${JSON.stringify(body)}`;
                const ask = async (id: string): Promise<unknown> => {
                    const { status, headers, text } = await forum.as(
                        account,
                        method,
                        `${CLIENTS}/${id}${suffix}`,
                        body
                    );
                    return { status, text, headers: { ...headers, date: '' } };
                };
                const absent = await ask(ABSENT);
                expect((absent as Answer).status, what).to.be.within(400, 404);
                for (const id of [client.id, phone.client.id, gone, 'no-id', '%00', `${client.id}%20`]) {
                    expect(await ask(id), `${what} ${id}`).to.equal(absent);
                }
            }
        }
        expect((await forum.as(FRIGG, 'GET', `${CLIENTS}/${client.id}`)).body).to.equal(client);
    });

    it('do not show built-in clients, nor applications that the member only authorized', async () => {
        const { refresh_token: token } = await forum.signIn(FRIGG);
        expect(token).to.be.a.string();
        const builtIn = await database.dataSource.getRepository(OAuthClient).findOneByOrFail({ source: 'first_party' });
        for (const account of [FRIGG, ODIN]) {
            const list = await forum.as(account, 'GET', CLIENTS);
            expect(list.text).not.to.contain('storyden-cli');
            for (const method of ['GET', 'DELETE'] as const) {
                expect((await forum.as(account, method, `${CLIENTS}/${builtIn.id}`)).status).to.equal(404);
            }
        }
        expect((await forum.refresh(token)).status).to.equal(200);
    });

    it('have a list in pages, newest first', async () => {
        const account = forum.addAccount();
        const row = { accountId: account, source: 'member' as const };
        const rows = Array.from({ length: 51 }, (_, at) => clientRow({ ...row, createdAt: START + at }));
        await insertRows(database.dataSource, OAuthClient, rows);
        const first = (await forum.as(account, 'GET', CLIENTS)).body;
        expect(first).to.include({ page_size: 50, results: 50, total_pages: 2, current_page: 1, next_page: 2 });
        expect(first.clients[0].id).to.equal(rows[50]!.id);
        const second = (await forum.as(account, 'GET', `${CLIENTS}?page=2`)).body;
        expect([second.results, second.clients[0].id]).to.equal([1, rows[0]!.id]);
        const past = (await forum.as(account, 'GET', `${CLIENTS}?page=3`)).body;
        expect([past.results, past.total_pages, past.clients]).to.equal([0, 2, []]);
        expectInvalid(await forum.as(account, 'GET', `${CLIENTS}?page=0`), 'page', 'page');
        expectInvalid(await forum.as(account, 'GET', `${CLIENTS}?status=active`), 'status', 'status');
    });

    it('change the scope of later refreshes, not of issued access tokens', async () => {
        const { client } = await forum.createClient(FRIGG, PHONE);
        const path = `${CLIENTS}/${client.id}`;
        const scope = 'openid offline_access CREATE_POST READ_PROFILE';
        const tokens = await forum.signIn(FRIGG, { client_id: client.client_id, scope });
        expect(tokens.scope).to.equal(scope);
        const post = async (accessToken: string): Promise<number> => {
            const headers = { authorization: `Bearer ${accessToken}` };
            return (await forum.server.inject({ method: 'POST', url: '/threads', headers })).statusCode;
        };
        const allow = (...scopes: string[]): Promise<Answer> =>
            forum.as(FRIGG, 'PATCH', path, { allowed_scopes: ['openid', 'offline_access', ...scopes] });

        expect((await allow('READ_PROFILE')).status).to.equal(200);
        expect(await post(tokens.access_token)).to.equal(200);
        const narrowed = await forum.refresh(tokens.refresh_token, { client_id: client.client_id });
        expect(narrowed.body.scope).to.equal('openid offline_access READ_PROFILE');
        expect(await post(narrowed.body.access_token as string)).to.equal(403);

        expect((await allow('READ_PROFILE', 'CREATE_POST')).status).to.equal(200);
        forum.pass(120);
        const widened = await forum.refresh(narrowed.body.refresh_token as string, { client_id: client.client_id });
        expect(widened.body.scope).to.equal('openid offline_access READ_PROFILE');

        await forum.as(FRIGG, 'PATCH', path, { allowed_scopes: ['READ_PROFILE'] });
        const fields = { client_id: client.client_id };
        const head = widened.body.refresh_token as string;
        const cut = await forum.refresh(head, fields);
        expect([cut.status, cut.body.error]).to.equal([400, 'invalid_grant']);
        expect((await allow('READ_PROFILE')).status).to.equal(200);
        const back = await forum.refresh(head, fields);
        expect([back.status, back.body.scope]).to.equal([200, 'openid offline_access READ_PROFILE']);
    });

    it('change the scope of a pending device code', async () => {
        const { client } = await forum.createClient(FRIGG, PHONE);
        const device = await forum.device({ client_id: client.client_id, scope: 'openid CREATE_POST READ_PROFILE' });
        await forum.decide(FRIGG, device.user_code);
        await forum.as(FRIGG, 'PATCH', `${CLIENTS}/${client.id}`, { allowed_scopes: ['openid', 'READ_PROFILE'] });
        const tokens = await forum.token({
            grant_type: DEVICE_CODE,
            client_id: client.client_id,
            device_code: device.device_code
        });
        expect(tokens.body.scope).to.equal('openid READ_PROFILE');
    });
});
