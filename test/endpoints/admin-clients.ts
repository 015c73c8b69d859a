import { createHash, randomBytes } from 'node:crypto';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { CLI, FRIGG, ODIN, type Answer } from '../support/forum';
import { ABSENT_IDS, expectError } from '../support/management';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const CLIENTS = '/admin/oauth/clients';
const BOT = {
    name: 'A bot',
    type: 'confidential',
    allowed_grants: ['client_credentials'],
    allowed_scopes: ['READ_PUBLISHED_THREADS']
};

describe('the administrators\u2019 endpoints for clients', () => {
    const database = useDatabase(lab);
    const forum = useForum(lab, { database });

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
            'allowed_grants',
            'source',
            'verified',
            'status'
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

    it('respond 409 for a built-in client and for a client_id that is taken', async () => {
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
        for (const query of ['page=0', 'page=x', 'pages=1']) {
            expectError(await forum.as(ODIN, 'GET', `${CLIENTS}?${query}`), 400, 'invalid_request', query);
        }
        const { body } = await forum.as(ODIN, 'GET', `${CLIENTS}?page=0`);
        expect(body.message).to.equal('page must be a whole number from 1.');
        const grants = await forum.as(ODIN, 'DELETE', '/admin/oauth/refresh-tokens');
        expect(grants.body.message).to.equal('The query must have oauth_client_id, account_id or both.');
    });

    it('create a public application for authorization codes without pkce_required, and replace a secret by its hash', async () => {
        const app = {
            name: 'An app',
            type: 'public',
            allowed_grants: ['authorization_code'],
            allowed_scopes: ['openid'],
            redirect_uris: ['https://app.example/callback']
        };
        const { status, body, text } = await forum.as(ODIN, 'POST', CLIENTS, app);
        expect(status, text).to.equal(200);
        // PKCE is required of it all the same.
        const query = new URLSearchParams({
            response_type: 'code',
            client_id: body.client_id as string,
            redirect_uri: app.redirect_uris[0]!,
            scope: 'openid'
        }).toString();
        const refused = await forum.as(FRIGG, 'GET', `/oauth/authorize?${query}`);
        expect(new URL(String(refused.headers.location)).searchParams.get('error')).to.equal('invalid_request');
        const said = await forum.as(ODIN, 'POST', CLIENTS, { ...app, pkce_required: false });
        expectError(said, 400, 'invalid_request', 'false');

        const { body: bot } = await forum.as(ODIN, 'POST', CLIENTS, BOT);
        const secret = randomBytes(32).toString('base64url');
        const change = { client_secret_hash: createHash('sha256').update(secret).digest('hex') };
        const changed = await forum.as(ODIN, 'PATCH', `${CLIENTS}/${bot.id}`, change);
        expect([changed.status, changed.body.client_secret]).to.equal([200, undefined]);
        const ask = (value: string): Promise<Answer> =>
            forum.form('/oauth/introspect', {
                token: 'x',
                client_id: bot.client_id as string,
                client_secret: value
            });
        expect((await ask(secret)).body).to.equal({ active: false });
        expect((await ask(bot.client_secret as string)).status).to.equal(401);
    });

    it('respond 404 for ids of nothing', async () => {
        for (const id of ABSENT_IDS) {
            for (const method of ['GET', 'DELETE']) {
                expectError(await forum.as(ODIN, method, `${CLIENTS}/${id}`), 404, 'not_found', `${method} ${id}`);
            }
        }
    });
});
