import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthClient } from '../../entities';
import type { ManagementError, NewClient } from '../../plugin';
import type { ForumOAuth } from '../../plugin/api';
import { hashClientSecret } from '../../plugin/tokens/secret';
import { basic, DEVICE_CODE, FRIGG, LOKI, ODIN, unique } from '../support/forum';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const BOT: NewClient = {
    name: 'A bot',
    type: 'confidential',
    allowed_grants: ['client_credentials'],
    allowed_scopes: ['READ_PUBLISHED_THREADS']
};

/** The status and the body that a call is refused with. */
async function refusal(call: Promise<unknown>): Promise<Record<string, unknown>> {
    const error = await call.then(
        () => null,
        (reason: ManagementError) => reason
    );
    expect(error, 'a refusal').not.to.be.null();
    return { status: error!.output.statusCode, ...error!.output.payload };
}

for (const kind of ['server', 'embedded'] as const) {
    describe(`applications that a member manages (${kind} database)`, () => {
        const database = useDatabase(lab, kind);
        const forum = useForum(lab, { database });
        let clients: ForumOAuth['clients'];

        before(async () => {
            clients = forum.server.plugins['hapi-forum-oauth'].clients;
        });

        /** Adds an account for one test. */
        const member = (permissions: string[]): string => {
            const id = unique('member');
            forum.accounts.set(id, { id, handle: id, name: id, permissions });
            return id;
        };

        const credentialsWork = async (clientId: string, secret: string): Promise<boolean> => {
            const { status } = await forum.token({ grant_type: 'client_credentials' }, basic(clientId, secret));
            return status === 200;
        };

        const rowOf = (id: string): Promise<OAuthClient> =>
            database.dataSource.getRepository(OAuthClient).findOneByOrFail({ id });

        it('are created with the fields that were sent, without duplicates', async () => {
            const { client, client_secret: secret } = await clients.create(FRIGG, {
                name: 'Frigg\u2019s reader \u{1f4d6}',
                type: 'public',
                allowed_grants: ['authorization_code', DEVICE_CODE, 'refresh_token', DEVICE_CODE],
                allowed_scopes: ['openid', 'CREATE_POST', 'openid'],
                redirect_uris: ['https://app.example/cb', 'com.example.app:/cb', 'https://app.example/cb'],
                pkce_required: true
            });
            expect(secret).to.be.undefined();
            expect(client.id).to.match(/^[0-9a-v]{20}$/);
            expect(client.client_id).to.match(/^sdoak_[A-Za-z0-9_-]{43}$/);
            const at = new Date(forum.now).toISOString();
            expect(client).to.equal({
                id: client.id,
                createdAt: at,
                updatedAt: at,
                account_id: FRIGG,
                client_id: client.client_id,
                name: 'Frigg\u2019s reader \u{1f4d6}',
                type: 'public',
                scope_policy: 'explicit',
                redirect_uris: ['https://app.example/cb', 'com.example.app:/cb'],
                allowed_scopes: ['openid', 'CREATE_POST'],
                allowed_grants: ['authorization_code', DEVICE_CODE, 'refresh_token'],
                source: 'member',
                verified: false,
                status: 'active'
            });
            expect(await clients.get(FRIGG, client.id)).to.equal(client);
        });

        it('can have a name of 200 characters outside the Basic Multilingual Plane', async () => {
            const name = '\u{1f99c}'.repeat(200);
            const { client } = await clients.create(FRIGG, { ...BOT, name });
            expect((await clients.get(FRIGG, client.id)).name).to.equal(name);
        });

        it('can have 20 redirect URIs of 2,048 characters', async () => {
            const redirectUris = Array.from({ length: 20 }, (_, at) => `https://app.example/${at}/`.padEnd(2048, "x'"));
            const { client } = await clients.create(FRIGG, {
                ...BOT,
                allowed_grants: ['authorization_code'],
                redirect_uris: redirectUris
            });
            expect((await clients.get(FRIGG, client.id)).redirect_uris).to.equal(redirectUris);
        });

        it('can be allowed only what the account holds', async () => {
            const answer = await refusal(
                clients.create(FRIGG, {
                    ...BOT,
                    allowed_scopes: ['CREATE_POST', 'MANAGE_ROLES', 'openid', 'USE_ROBOTS']
                })
            );
            expect(answer.status).to.equal(403);
            expect(answer.error).to.equal('forbidden');
            expect(answer.metadata).to.equal({
                field: 'allowed_scopes',
                rule: 'held',
                scopes: ['MANAGE_ROLES', 'USE_ROBOTS']
            });
            expect(
                (await refusal(clients.create(FRIGG, { ...BOT, allowed_scopes: ['ADMINISTRATOR'] }))).status
            ).to.equal(403);
        });

        it('can be allowed the standard scopes by every account', async () => {
            const { client } = await clients.create(member([]), {
                ...BOT,
                allowed_scopes: ['openid', 'profile', 'email', 'offline_access']
            });
            expect(client.allowed_scopes).to.equal(['openid', 'profile', 'email', 'offline_access']);
        });

        it('are checked for malformed fields before missing permissions', async () => {
            const answer = await refusal(
                clients.create(FRIGG, { ...BOT, allowed_scopes: ['MANAGE_ROLES', 'NO_SUCH_THING'] })
            );
            expect([answer.status, answer.error]).to.equal([400, 'invalid_request']);
        });

        it('can be allowed every permission by an administrator, the wildcard included', async () => {
            const scopes = ['MANAGE_ROLES', 'ADMINISTRATOR', 'email'];
            const { client } = await clients.create(ODIN, { ...BOT, allowed_scopes: scopes });
            expect(client.allowed_scopes).to.equal(scopes);
            expect((await clients.update(ODIN, client.id, { allowed_scopes: ['USE_ROBOTS'] })).allowed_scopes).to.equal(
                ['USE_ROBOTS']
            );
        });

        it('are checked against what the account holds now', async () => {
            const id = member(['CREATE_POST', 'USE_ROBOTS']);
            const { client } = await clients.create(id, { ...BOT, allowed_scopes: ['CREATE_POST', 'USE_ROBOTS'] });
            forum.account(id).permissions = ['CREATE_POST'];
            expect(
                (await refusal(clients.update(id, client.id, { allowed_scopes: ['CREATE_POST', 'USE_ROBOTS'] }))).status
            ).to.equal(403);
            expect(await clients.get(id, client.id)).to.equal(client);
            expect((await clients.update(id, client.id, { name: 'Renamed' })).allowed_scopes).to.equal([
                'CREATE_POST',
                'USE_ROBOTS'
            ]);
        });

        it('are listed newest first, without built-in, inheriting and deleted ones', async () => {
            const id = member(['CREATE_POST']);
            expect((await clients.list(id)).clients).to.equal([]);
            const created: string[] = [];
            for (let count = 0; count < 4; ++count) {
                created.push((await clients.create(id, { ...BOT, allowed_scopes: [] })).client.id);
                forum.pass(count === 1 ? 0 : 1);
            }
            const [inherits, builtIn, gone] = created;
            const table = database.dataSource.getRepository(OAuthClient);
            await table.update({ id: inherits! }, { scopePolicy: 'inherit' });
            await table.update({ id: builtIn! }, { source: 'first_party' });
            expect((await clients.list(id)).clients.map((client) => client.id)).to.equal([created[3]!, created[2]!]);
            await clients.delete(id, gone!);
            expect((await clients.list(id)).clients.map((client) => client.id)).to.equal([created[3]!]);
            for (const hidden of [inherits!, builtIn!, gone!]) {
                const absent = await refusal(clients.get(id, 'cc5lnd2s1s4652adtu50'));
                expect(await refusal(clients.get(id, hidden))).to.equal(absent);
                expect(await refusal(clients.update(id, hidden, { name: 'x' }))).to.equal(absent);
                expect(await refusal(clients.rotateSecret(id, hidden))).to.equal(absent);
                expect(await refusal(clients.delete(id, hidden))).to.equal(absent);
            }
            expect((await rowOf(inherits!)).deletedAt).to.be.null();
        });

        it('change only in the fields that are sent', async () => {
            const { client } = await clients.create(FRIGG, {
                ...BOT,
                allowed_grants: ['authorization_code', 'client_credentials'],
                redirect_uris: ['https://app.example/cb'],
                allowed_scopes: ['CREATE_POST']
            });
            forum.pass(60);
            expect(await clients.update(FRIGG, client.id, {})).to.equal(client);
            const updatedAt = new Date(forum.now).toISOString();
            const renamed = await clients.update(FRIGG, client.id, { name: 'Renamed' });
            expect(renamed).to.equal({ ...client, name: 'Renamed', updatedAt });
            const moved = await clients.update(FRIGG, client.id, {
                redirect_uris: ['https://b.example', 'https://b.example']
            });
            expect(moved).to.equal({ ...renamed, redirect_uris: ['https://b.example'] });
            const narrowed = await clients.update(FRIGG, client.id, { allowed_scopes: [] });
            expect(narrowed).to.equal({ ...moved, allowed_scopes: [] });
            expect(await clients.get(FRIGG, client.id)).to.equal(narrowed);
        });

        it('ignore fields that only an administrator may set', async () => {
            const more: object = {
                account_id: ODIN,
                client_id: unique('mine'),
                scope_policy: 'inherit',
                client_secret_hash: 'a'.repeat(64),
                allowed_grants: ['client_credentials']
            };
            const { client, client_secret: secret } = await clients.create(FRIGG, { ...BOT, ...more });
            expect([client.account_id, client.scope_policy]).to.equal([FRIGG, 'explicit']);
            expect(client.client_id).to.match(/^sdoak_/);
            expect(await credentialsWork(client.client_id, secret!)).to.be.true();
            const changed = await clients.update(FRIGG, client.id, { name: 'Renamed', ...more });
            expect(changed).to.equal({ ...client, name: 'Renamed' });
            expect(await clients.update(FRIGG, client.id, { ...more, allowed_grants: [] } as object)).to.equal(changed);
        });

        it('follow the same rules when they change', async () => {
            const web = await clients.create(FRIGG, {
                ...BOT,
                allowed_grants: ['authorization_code'],
                redirect_uris: ['https://app.example/cb']
            });
            const { client } = web;
            const rule = async (change: Parameters<typeof clients.update>[2], id = client.id): Promise<unknown> => {
                const { status, metadata } = await refusal(clients.update(FRIGG, id, change));
                return [status, (metadata as { rule: string }).rule];
            };
            expect(await rule({ redirect_uris: [] })).to.equal([400, 'required']);
            expect(await rule({ redirect_uris: ['com.example.app:/cb'] })).to.equal([400, 'uri']);
            expect(await rule({ name: 'sToRyDeN' })).to.equal([400, 'reserved']);
            expect(await rule({ allowed_scopes: ['NO_SUCH_THING'] })).to.equal([400, 'known']);
            expect(await rule({ name: 'Fine', allowed_scopes: ['MANAGE_ROLES'] })).to.equal([403, 'held']);
            expect(await clients.get(FRIGG, client.id)).to.equal(client);
            const bot = await clients.create(FRIGG, BOT);
            expect(await rule({ redirect_uris: ['https://app.example'] }, bot.client.id)).to.equal([400, 'forbidden']);
        });

        it('keep both of two changes made at the same time', async () => {
            const { client } = await clients.create(FRIGG, { ...BOT, allowed_scopes: ['CREATE_POST'] });
            await Promise.all([
                clients.update(FRIGG, client.id, { name: 'Renamed' }),
                clients.update(FRIGG, client.id, { allowed_scopes: ['READ_PROFILE'] })
            ]);
            const { name, allowed_scopes: scopes } = await clients.get(FRIGG, client.id);
            expect([name, scopes]).to.equal(['Renamed', ['READ_PROFILE']]);
        });

        it('show a secret once; only its hash is kept', async () => {
            const { client, client_secret: secret } = await clients.create(FRIGG, BOT);
            expect(secret).to.match(/^sdoas_[A-Za-z0-9_-]{43}$/);
            expect(await credentialsWork(client.client_id, secret!)).to.be.true();
            expect(JSON.stringify(await clients.get(FRIGG, client.id))).not.to.contain('secret');
            const row = await rowOf(client.id);
            expect(row.secretHash).to.equal(hashClientSecret(secret!));
            expect(JSON.stringify(row)).not.to.contain(secret!);
            expect(await credentialsWork(client.client_id, row.secretHash!)).to.be.false();
        });

        it('get a new secret, and the old one stops working at once', async () => {
            const { client, client_secret: first } = await clients.create(FRIGG, BOT);
            forum.pass(1);
            const rotated = await clients.rotateSecret(FRIGG, client.id);
            expect(Object.keys(rotated)).to.equal(['client', 'client_secret']);
            expect(rotated.client).to.equal({ ...client, updatedAt: new Date(forum.now).toISOString() });
            expect(rotated.client_secret).not.to.equal(first!);
            expect(await credentialsWork(client.client_id, rotated.client_secret)).to.be.true();
            expect(await credentialsWork(client.client_id, first!)).to.be.false();
            const row = await rowOf(client.id);
            expect([row.previousSecretHash, row.previousSecretExpiresAt]).to.equal([null, null]);
        });

        it('have two secrets during the overlap, to the millisecond', async () => {
            const { client, client_secret: first } = await clients.create(FRIGG, BOT);
            const seconds = 7 * 24 * 3600;
            const began = forum.now;
            const { client_secret: second, previous_secret_expires_at: until } = await clients.rotateSecret(
                FRIGG,
                client.id,
                seconds
            );
            expect(until).to.equal(new Date(began + seconds * 1000).toISOString());
            expect(await credentialsWork(client.client_id, first!)).to.be.true();
            forum.now = began + seconds * 1000 - 1;
            expect(await credentialsWork(client.client_id, first!)).to.be.true();
            forum.now += 1;
            expect(await credentialsWork(client.client_id, first!)).to.be.false();
            expect(await credentialsWork(client.client_id, second)).to.be.true();
        });

        it('lose the oldest secret at a second rotation within the overlap', async () => {
            const { client, client_secret: first } = await clients.create(FRIGG, BOT);
            const { client_secret: second } = await clients.rotateSecret(FRIGG, client.id, 3600);
            const { client_secret: third } = await clients.rotateSecret(FRIGG, client.id, 60);
            expect(await credentialsWork(client.client_id, first!)).to.be.false();
            expect(await credentialsWork(client.client_id, second)).to.be.true();
            expect(await credentialsWork(client.client_id, third)).to.be.true();
            forum.pass(60);
            expect(await credentialsWork(client.client_id, second)).to.be.false();
            const { client_secret: fourth } = await clients.rotateSecret(FRIGG, client.id, 3600);
            const { client_secret: fifth } = await clients.rotateSecret(FRIGG, client.id, 0);
            for (const gone of [first!, second, third, fourth]) {
                expect(await credentialsWork(client.client_id, gone)).to.be.false();
            }
            expect(await credentialsWork(client.client_id, fifth)).to.be.true();
        });

        it('end up with both new secrets when two rotations run at the same time', async () => {
            const { client, client_secret: first } = await clients.create(FRIGG, BOT);
            const rotated = await Promise.all([
                clients.rotateSecret(FRIGG, client.id, 60),
                clients.rotateSecret(FRIGG, client.id, 60)
            ]);
            for (const { client_secret: secret } of rotated) {
                expect(await credentialsWork(client.client_id, secret)).to.be.true();
            }
            expect(await credentialsWork(client.client_id, first!)).to.be.false();
        });

        it('have no secret when they are public', async () => {
            const { client } = await clients.create(FRIGG, { ...BOT, type: 'public', allowed_grants: [DEVICE_CODE] });
            const answer = await refusal(clients.rotateSecret(FRIGG, client.id, 60));
            expect([answer.status, answer.error]).to.equal([409, 'conflict']);
            expect((await rowOf(client.id)).secretHash).to.be.null();
        });

        it('cannot be seen or changed by another account, not even an administrator\u2019s', async () => {
            const { client, client_secret: secret } = await clients.create(FRIGG, BOT);
            for (const other of [LOKI, ODIN]) {
                const absent = await refusal(clients.get(other, 'cc5lnd2s1s4652adtu50'));
                expect(absent.status).to.equal(404);
                expect(await refusal(clients.get(other, client.id))).to.equal(absent);
                expect(await refusal(clients.update(other, client.id, { name: 'Mine' }))).to.equal(absent);
                expect(await refusal(clients.rotateSecret(other, client.id))).to.equal(absent);
                expect(await refusal(clients.delete(other, client.id))).to.equal(absent);
                expect((await clients.list(other)).clients.map(({ id }) => id)).not.to.include(client.id);
            }
            expect(await clients.get(FRIGG, client.id)).to.equal(client);
            expect(await credentialsWork(client.client_id, secret!)).to.be.true();
        });

        it('are found by the exact id only', async () => {
            const { client } = await clients.create(FRIGG, BOT);
            for (const id of [client.id.toUpperCase(), `${client.id} `, ` ${client.id}`, `${client.id}\0`, '', '%']) {
                expect((await refusal(clients.get(FRIGG, id))).status, JSON.stringify(id)).to.equal(404);
                expect((await refusal(clients.delete(FRIGG, id))).status, JSON.stringify(id)).to.equal(404);
            }
            expect(await clients.get(FRIGG, client.id)).to.equal(client);
        });

        it('belong to an account whose id is compared exactly', async () => {
            const id = member([]);
            const { client } = await clients.create(id, { ...BOT, allowed_scopes: [] });
            for (const other of [id.toUpperCase(), id.replace('e', '\u00e9')]) {
                forum.accounts.set(other, { id: other, handle: other, name: other, permissions: [] });
                expect((await clients.list(other)).clients, other).to.equal([]);
                expect((await refusal(clients.get(other, client.id))).status, other).to.equal(404);
            }
        });

        it('do not belong to an account whose id has a space at its end', async () => {
            const id = member([]);
            const { client } = await clients.create(id, { ...BOT, allowed_scopes: [] });
            const other = `${id} `;
            forum.accounts.set(other, { id: other, handle: other, name: other, permissions: [] });
            expect((await refusal(clients.get(other, client.id))).status).to.equal(401);
            expect((await refusal(clients.list(other))).status).to.equal(401);
        });

        it('emit events that carry ids only', async () => {
            forum.events.length = 0;
            const { client, client_secret: first } = await clients.create(FRIGG, BOT);
            await clients.update(FRIGG, client.id, { name: 'Renamed' });
            await clients.update(FRIGG, client.id, {});
            const { client_secret: second } = await clients.rotateSecret(FRIGG, client.id, 60);
            const { secretHash, previousSecretHash } = await rowOf(client.id);
            await clients.delete(FRIGG, client.id);
            const ids = {
                account_id: FRIGG,
                oauth_client_id: client.id,
                client_id: client.client_id,
                at: new Date(forum.now).toISOString()
            };
            expect(forum.events).to.equal([
                { type: 'client_created', ...ids },
                { type: 'client_updated', ...ids },
                { type: 'client_secret_rotated', ...ids },
                { type: 'client_deleted', ...ids }
            ]);
            for (const secret of [first!, second, secretHash!, previousSecretHash!]) {
                expect(JSON.stringify([forum.events, forum.log])).not.to.contain(secret);
            }
        });

        it('need an account that may act', async () => {
            const id = member([]);
            const { client } = await clients.create(id, { ...BOT, allowed_scopes: [] });
            forum.accounts.delete(id);
            for (const call of [clients.list(id), clients.get(id, client.id), clients.delete(id, client.id)]) {
                expect((await refusal(call)).status).to.equal(401);
            }
        });
    });
}

describe('the permission to manage applications', () => {
    const database = useDatabase(lab);
    const forum = useForum(lab, {
        database,
        options: () => ({ permissions: { manageClients: 'USE_PERSONAL_ACCESS_KEYS' } })
    });

    it('is needed to create and change, not to read and delete', async () => {
        const { clients } = forum.server.plugins['hapi-forum-oauth'];
        const forbidden = await refusal(clients.create(FRIGG, BOT));
        expect([forbidden.status, forbidden.error, forbidden.metadata]).to.equal([
            403,
            'forbidden',
            { permission: 'USE_PERSONAL_ACCESS_KEYS' }
        ]);
        forum.account(FRIGG).permissions.push('USE_PERSONAL_ACCESS_KEYS');
        const { client } = await clients.create(FRIGG, BOT);
        forum.account(FRIGG).permissions.pop();
        expect(await refusal(clients.update(FRIGG, client.id, { name: 'x' }))).to.equal(forbidden);
        expect(await refusal(clients.rotateSecret(FRIGG, client.id))).to.equal(forbidden);
        expect((await clients.list(FRIGG)).clients).to.equal([client]);
        expect(await clients.get(FRIGG, client.id)).to.equal(client);
        await clients.delete(FRIGG, client.id);
        expect((await clients.list(FRIGG)).clients).to.equal([]);
    });

    it('is included in the wildcard', async () => {
        const { clients } = forum.server.plugins['hapi-forum-oauth'];
        expect((await clients.create(ODIN, BOT)).client.account_id).to.equal(ODIN);
    });
});
