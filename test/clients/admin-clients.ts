import { createHash, randomBytes } from 'node:crypto';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { DataSource } from 'typeorm';
import { OAuthClient } from '../../entities';
import type { AdminNewClient, ManagementError } from '../../plugin';
import type { ForumOAuth } from '../../plugin/api';
import { basic, claimsOf, CLI, DEVICE_CODE, Forum, FRIGG, ODIN, START, unique } from '../support/forum';
import { clientRow } from '../support/rows';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const BOT: AdminNewClient = {
    name: 'A bot',
    type: 'confidential',
    allowed_grants: ['client_credentials'],
    allowed_scopes: ['READ_PUBLISHED_THREADS']
};

/** The status, the code and the field that a call is refused with. */
async function refusal(call: Promise<unknown>): Promise<unknown[]> {
    const error = await call.then(
        () => null,
        (reason: ManagementError) => reason
    );
    expect(error, 'a refusal').not.to.be.null();
    const { error: code, metadata } = error!.output.payload as unknown as {
        error: string;
        metadata: { field?: string };
    };
    return [error!.output.statusCode, code, metadata.field];
}

for (const kind of ['server', 'embedded'] as const) {
    describe(`clients that an administrator manages (${kind} database)`, () => {
        const database = useDatabase(lab, kind);
        const forum = useForum(lab, { database });
        let admin: ForumOAuth['admin'];

        before(async () => {
            admin = forum.server.plugins['hapi-forum-oauth'].admin;
        });

        const stored = (id: string): Promise<OAuthClient | null> =>
            database.dataSource.getRepository(OAuthClient).findOneBy({ id });

        it('check a change again when another request has changed the client in the meantime', async () => {
            const made = await admin.createClient(ODIN, {
                name: 'A device',
                type: 'public',
                allowed_grants: [DEVICE_CODE],
                allowed_scopes: [],
                redirect_uris: ['https://device.example/cb']
            });
            // While one change looks up the owner, the other removes the redirect URIs.
            const slow = await Forum.create(database.dataSource, {
                accounts: {
                    find: async (id) => {
                        if (id === FRIGG) {
                            await admin.updateClient(ODIN, made.id, { redirect_uris: [] });
                        }
                        return forum.account(id);
                    }
                }
            });
            const change = { account_id: FRIGG, allowed_grants: ['authorization_code'] };
            const update = slow.server.plugins['hapi-forum-oauth'].admin.updateClient(ODIN, made.id, change);
            expect(await refusal(update)).to.equal([400, 'invalid_request', 'redirect_uris']);
            await slow.stop();
            const left = await admin.getClient(ODIN, made.id);
            expect([left.allowed_grants, left.redirect_uris]).to.equal([[DEVICE_CODE], []]);
        });

        it('are created for an owner, with a secret that only the response shows', async () => {
            const created = await admin.createClient(ODIN, { ...BOT, account_id: FRIGG });
            expect(created.account_id).to.equal(FRIGG);
            expect(created.client_secret).to.match(/^sdoas_[\w-]{43}$/);
            const { client_secret: secret, ...description } = created;
            expect(await admin.getClient(ODIN, created.id)).to.equal(description);
            const hash = createHash('sha256').update(secret!).digest('hex');
            expect((await stored(created.id))!.secretHash).to.equal(hash);

            const { body } = await forum.token({ grant_type: 'client_credentials' }, basic(created.client_id, secret!));
            expect(body.scope).to.equal('READ_PUBLISHED_THREADS');
            expect(claimsOf(body.access_token as string).sub).to.equal(FRIGG);
            expect(forum.events.at(-2)).to.include({
                type: 'client_created',
                account_id: ODIN,
                oauth_client_id: created.id,
                client_id: created.client_id
            });
        });

        it('are created without an owner, and then get no token of their own', async () => {
            const created = await admin.createClient(ODIN, { ...BOT, allowed_scopes: ['MANAGE_ROLES'] });
            expect(created).not.to.include('account_id');
            const answer = await forum.token(
                { grant_type: 'client_credentials' },
                basic(created.client_id, created.client_secret!)
            );
            expect([answer.status, answer.body.error]).to.equal([400, 'unauthorized_client']);
        });

        it('can have a client_id and a secret that the administrator chose', async () => {
            const secret = randomBytes(32).toString('base64url');
            const hash = createHash('sha256').update(secret).digest('hex');
            const clientId = unique('billing.');
            const created = await admin.createClient(ODIN, {
                ...BOT,
                account_id: FRIGG,
                client_id: clientId,
                client_secret_hash: hash
            });
            expect(created.client_id).to.equal(clientId);
            expect(created).not.to.include('client_secret');
            expect((await forum.token({ grant_type: 'client_credentials' }, basic(clientId, secret))).status).to.equal(
                200
            );
            // The hash itself is no secret.
            expect((await forum.token({ grant_type: 'client_credentials' }, basic(clientId, hash))).status).to.equal(
                401
            );
        });

        it('have no secret where they are public, and take a secret as a SHA-256 hash only', async () => {
            const hash = 'a'.repeat(64);
            const device = { ...BOT, type: 'public' as const, allowed_grants: [DEVICE_CODE] };
            expect(await refusal(admin.createClient(ODIN, { ...device, client_secret_hash: hash }))).to.equal([
                400,
                'invalid_request',
                'client_secret_hash'
            ]);
            for (const wrong of [hash.toUpperCase(), hash.slice(1), `${hash}0`, '', 'secret']) {
                expect(await refusal(admin.createClient(ODIN, { ...BOT, client_secret_hash: wrong })), wrong).to.equal([
                    400,
                    'invalid_request',
                    'client_secret_hash'
                ]);
            }
            expect(await admin.createClient(ODIN, device)).not.to.include('client_secret');
        });

        it('have a unique client_id', async () => {
            const first = await admin.createClient(ODIN, { ...BOT, client_id: unique('mine') });
            const second = await admin.createClient(ODIN, BOT);
            const conflict = [409, 'conflict', 'client_id'];
            for (const clientId of [first.client_id, CLI.client_id]) {
                expect(await refusal(admin.createClient(ODIN, { ...BOT, client_id: clientId }))).to.equal(conflict);
                expect(await refusal(admin.updateClient(ODIN, second.id, { client_id: clientId }))).to.equal(conflict);
            }
            expect((await admin.getClient(ODIN, second.id)).client_id).to.equal(second.client_id);
            // A client may be given the client_id that it has. That of a deleted client stays taken while lists show it.
            await admin.updateClient(ODIN, first.id, { client_id: first.client_id });
            await admin.deleteClient(ODIN, first.id);
            expect(await refusal(admin.createClient(ODIN, { ...BOT, client_id: first.client_id }))).to.equal(conflict);
            for (const wrong of ['', 'a b', 'a/b', 'ä', 'x'.repeat(129), 'a\n']) {
                expect(await refusal(admin.createClient(ODIN, { ...BOT, client_id: wrong })), wrong).to.equal([
                    400,
                    'invalid_request',
                    'client_id'
                ]);
            }
        });

        it('are allowed only what their owner holds, also when the owner changes', async () => {
            const manage = { ...BOT, allowed_scopes: ['MANAGE_ROLES'] };
            const lacks = [403, 'forbidden', 'allowed_scopes'];
            expect(await refusal(admin.createClient(ODIN, { ...manage, account_id: FRIGG }))).to.equal(lacks);
            const own = await admin.createClient(ODIN, { ...manage, account_id: ODIN });
            expect(await refusal(admin.updateClient(ODIN, own.id, { account_id: FRIGG }))).to.equal(lacks);
            expect((await admin.getClient(ODIN, own.id)).account_id).to.equal(ODIN);
            const both = { account_id: FRIGG, allowed_scopes: ['CREATE_POST', 'openid'] };
            expect(await admin.updateClient(ODIN, own.id, both)).to.include(both);
            expect(await refusal(admin.updateClient(ODIN, own.id, { allowed_scopes: ['MANAGE_ROLES'] }))).to.equal(
                lacks
            );
            const orphan = await admin.updateClient(ODIN, own.id, {
                account_id: null,
                allowed_scopes: ['MANAGE_ROLES']
            });
            expect(orphan).not.to.include('account_id');
            for (const nobody of ['nobody', '', 'x'.repeat(200), `${FRIGG} `]) {
                expect(await refusal(admin.createClient(ODIN, { ...BOT, account_id: nobody })), nobody).to.equal([
                    400,
                    'invalid_request',
                    'account_id'
                ]);
            }
        });

        it('that inherit get all that their user holds, and are in no member\u2019s list', async () => {
            const created = await admin.createClient(ODIN, {
                name: 'A phone',
                type: 'public',
                scope_policy: 'inherit',
                account_id: FRIGG,
                allowed_grants: [DEVICE_CODE, 'refresh_token'],
                allowed_scopes: ['openid', 'offline_access']
            });
            expect(created.scope_policy).to.equal('inherit');
            const tokens = await forum.signIn(FRIGG, { client_id: created.client_id, scope: 'openid offline_access' });
            expect(tokens.scope).to.equal(['openid', 'offline_access', ...forum.account(FRIGG).permissions].join(' '));
            const { clients } = forum.server.plugins['hapi-forum-oauth'];
            const isListed = async (): Promise<boolean> =>
                (await clients.list(FRIGG)).clients.some(({ id }) => id === created.id);
            expect(await isListed()).to.be.false();
            expect(await refusal(clients.get(FRIGG, created.id))).to.equal([404, 'not_found', undefined]);
            expect(await refusal(clients.delete(FRIGG, created.id))).to.equal([404, 'not_found', undefined]);
            await admin.updateClient(ODIN, created.id, { scope_policy: 'explicit' });
            expect(await isListed()).to.be.true();
        });

        it('follow the rules of members\u2019 clients in everything else', async () => {
            const wrong: [Partial<AdminNewClient>, string][] = [
                [{ name: '' }, 'name'],
                [{ name: 'Storyden' }, 'name'],
                [{ name: 'a\u0000b' }, 'name'],
                [{ allowed_grants: [] }, 'allowed_grants'],
                [{ allowed_grants: ['password'] }, 'allowed_grants'],
                [{ type: 'public' }, 'allowed_grants'],
                [{ allowed_grants: [DEVICE_CODE] }, 'allowed_grants'],
                [{ allowed_scopes: ['FLY'] }, 'allowed_scopes'],
                [{ redirect_uris: ['https://app.example/cb'] }, 'redirect_uris'],
                [{ allowed_grants: ['authorization_code'] }, 'redirect_uris'],
                [{ allowed_grants: ['authorization_code'], redirect_uris: ['javascript:alert(1)'] }, 'redirect_uris[0]']
            ];
            for (const [fields, field] of wrong) {
                const answer = await refusal(admin.createClient(ODIN, { ...BOT, ...fields }));
                expect(answer, JSON.stringify(fields)).to.equal([400, 'invalid_request', field]);
            }
            const bot = await admin.createClient(ODIN, BOT);
            const changes: [object, string][] = [
                [{ name: '\u200b' }, 'name'],
                [{ allowed_grants: ['authorization_code'] }, 'redirect_uris'],
                [{ allowed_grants: ['refresh_token'] }, 'allowed_grants'],
                [{ redirect_uris: ['https://app.example/cb'] }, 'redirect_uris'],
                [{ allowed_scopes: ['FLY'] }, 'allowed_scopes']
            ];
            for (const [change, field] of changes) {
                const answer = await refusal(admin.updateClient(ODIN, bot.id, change));
                expect(answer, JSON.stringify(change)).to.equal([400, 'invalid_request', field]);
            }
            expect(bot).to.include(await admin.getClient(ODIN, bot.id));
        });

        it('change only in the fields that are sent', async () => {
            const bot = await admin.createClient(ODIN, { ...BOT, account_id: FRIGG });
            const { client_secret: secret, ...made } = bot;
            forum.pass(60);
            expect(await admin.updateClient(ODIN, bot.id, {})).to.equal(made);
            const changed = await admin.updateClient(ODIN, bot.id, {
                allowed_grants: ['authorization_code', 'client_credentials'],
                redirect_uris: ['https://app.example/cb']
            });
            expect(changed).to.equal({
                ...made,
                updatedAt: new Date(forum.now).toISOString(),
                allowed_grants: ['authorization_code', 'client_credentials'],
                redirect_uris: ['https://app.example/cb']
            });
            expect(await admin.getClient(ODIN, bot.id)).to.equal(changed);
            const answer = await forum.token({ grant_type: 'client_credentials' }, basic(bot.client_id, secret!));
            expect(answer.status).to.equal(200);
        });

        it('are deleted together with their grants', async () => {
            const phone = await admin.createClient(ODIN, {
                name: 'A phone',
                type: 'public',
                account_id: FRIGG,
                allowed_grants: [DEVICE_CODE, 'refresh_token'],
                allowed_scopes: ['offline_access']
            });
            const tokens = await forum.signIn(FRIGG, { client_id: phone.client_id, scope: 'offline_access' });
            await admin.deleteClient(ODIN, phone.id);
            const refreshed = await forum.refresh(tokens.refresh_token, { client_id: phone.client_id });
            expect(refreshed.body.error).to.equal('invalid_client');
            const gone = [404, 'not_found', undefined];
            expect(await refusal(admin.getClient(ODIN, phone.id))).to.equal(gone);
            expect(await refusal(admin.deleteClient(ODIN, phone.id))).to.equal(gone);
            expect(await refusal(admin.updateClient(ODIN, phone.id, { name: 'Another' }))).to.equal(gone);
            const { clients } = await admin.listClients(ODIN, { search: phone.client_id });
            expect(clients).to.equal([]);
        });

        it('that are built in are listed before their first use, and cannot be changed', async () => {
            const { clients } = await admin.listClients(ODIN, { search: CLI.client_id });
            expect(clients.map(({ name, scope_policy: policy }) => [name, policy])).to.equal([['Storyden', 'inherit']]);
            const conflict = [409, 'conflict', undefined];
            const { id } = clients[0]!;
            expect(await refusal(admin.updateClient(ODIN, id, { name: 'Mine' }))).to.equal(conflict);
            expect(await refusal(admin.updateClient(ODIN, id, {}))).to.equal(conflict);
            expect(await refusal(admin.deleteClient(ODIN, id))).to.equal(conflict);
            expect(await admin.getClient(ODIN, id)).to.equal(clients[0]!);
        });

        it('that are no longer built in are neither listed nor found', async () => {
            const other = await Forum.create(database.dataSource, {
                firstPartyClients: [{ clientId: 'old-cli', name: 'Old' }]
            });
            const { clients } = await other.server.plugins['hapi-forum-oauth'].admin.listClients(ODIN, {
                search: 'old-cli'
            });
            await other.stop();
            expect(await refusal(admin.getClient(ODIN, clients[0]!.id))).to.equal([404, 'not_found', undefined]);
            expect((await admin.listClients(ODIN, { search: 'old-cli' })).clients).to.equal([]);
        });

        it('are listed newest first, each on one page only', async () => {
            const owner = forum.addAccount();
            const clients = database.dataSource.getRepository(OAuthClient);
            // All were created at the same time, and still have a fixed order.
            const rows = Array.from({ length: 120 }, (_, at) =>
                clientRow({
                    allowedGrants: 'refresh_token',
                    accountId: owner,
                    name: `Client ${at}`,
                    type: at % 2 ? 'public' : 'confidential'
                })
            );
            await clients.insert(rows);
            const pages = await Promise.all(
                [1, 2, 3, 4].map((page) => admin.listClients(ODIN, { page, accountId: owner }))
            );
            expect(pages.map(({ results }) => results)).to.equal([50, 50, 20, 0]);
            expect(pages[0]).to.include({ page_size: 50, total_pages: 3, current_page: 1, next_page: 2 });
            expect(pages[2]).not.to.include('next_page');
            const seen = pages.flatMap((page) => page.clients.map(({ id }) => id));
            expect(seen).to.equal(
                rows
                    .map(({ id }) => id)
                    .sort()
                    .reverse()
            );
            const typed = await admin.listClients(ODIN, { accountId: owner, type: 'public', page: 2 });
            expect([typed.results, typed.total_pages]).to.equal([10, 2]);
            expect(new Set(typed.clients.map(({ type }) => type))).to.equal(new Set(['public']));
        });

        it('are found by the start of their name in upper or lower case, and by their ids', async () => {
            const mark = unique('Zebra ');
            const made = await Promise.all(
                [`${mark} one`, `${mark} two`, `${mark}%_!`, `Not ${mark}`].map((name) =>
                    admin.createClient(ODIN, { ...BOT, name, account_id: FRIGG })
                )
            );
            const found = async (search: string): Promise<string[]> =>
                (await admin.listClients(ODIN, { search })).clients.map(({ name }) => name);
            const all = [`${mark} one`, `${mark} two`, `${mark}%_!`];
            expect(await found(mark)).to.equal(all);
            expect(await found(mark.toLowerCase())).to.equal(all);
            expect(await found(`${mark} o`)).to.equal([`${mark} one`]);
            // The wildcards of LIKE stand for themselves.
            expect(await found(`${mark}%_!`)).to.equal([`${mark}%_!`]);
            expect(await found(`${mark}_`)).to.equal([]);
            expect(await found('%')).to.equal([]);
            expect(await found(made[1]!.client_id)).to.equal([made[1]!.name]);
            expect(await found(made[3]!.id)).to.equal([made[3]!.name]);
            const beyond = await admin.listClients(ODIN, { search: made[3]!.id, page: 2 });
            expect([beyond.clients, beyond.total_pages]).to.equal([[], 1]);
            expect((await admin.listClients(ODIN, { search: mark, type: 'public' })).clients).to.equal([]);
        });
    });
}

describe('the list of 100,000 clients', () => {
    const database = useDatabase(lab);
    let forum: Forum;
    let statements: [string, unknown[]][] = [];

    const quietly = (dataSource: DataSource): void => {
        const silent = (): void => undefined;
        dataSource.logger = {
            logQuery: (query, parameters) => void statements.push([query, (parameters as unknown[] | undefined) ?? []]),
            logQueryError: silent,
            logQuerySlow: silent,
            logSchemaBuild: silent,
            logMigration: silent,
            log: silent
        };
    };

    before(async () => {
        const { dataSource } = database;
        // One in a thousand is confidential, so a filter for them has to look far.
        await dataSource.query(
            `INSERT INTO oauth_clients (id, account_id, client_id, name, type, scope_policy, source, verified, status,
                redirect_uris, allowed_scopes, allowed_grants, created_at, updated_at)
            SELECT CONCAT(LPAD(seq, 19, '0'), 'g'), CONCAT('owner', seq DIV 10), CONCAT('client', seq),
                CONCAT('Application ', seq), IF(seq MOD 1000 = 0, 'confidential', 'public'), 'explicit', 'member', 0,
                'active', '[]', '', 'refresh_token', ${START} + seq, ${START} FROM seq_1_to_100000`
        );
        await dataSource.query('ANALYZE TABLE oauth_clients');
        forum = await Forum.create(dataSource);
        // Writes the row of the built-in client.
        await forum.server.plugins['hapi-forum-oauth'].admin.listClients(ODIN);
        quietly(dataSource);
    });

    after(async () => {
        await forum.stop();
    });

    it('reads no more rows than a page and its total need, whatever the filter', async () => {
        const { admin } = forum.server.plugins['hapi-forum-oauth'];
        const asked = [
            { filter: {}, first: 'Application 100000', pages: 200 },
            { filter: { page: 150 }, first: 'Application 92550', pages: 200 },
            { filter: { type: 'confidential' as const }, first: 'Application 100000', pages: 2 },
            { filter: { search: 'application 777' }, first: 'Application 777', pages: 3 },
            { filter: { search: 'client5' }, first: 'Application 5', pages: 1 },
            { filter: { accountId: 'owner77' }, first: 'Application 779', pages: 1 }
        ];
        for (const { filter, first, pages } of asked) {
            statements = [];
            const list = await admin.listClients(ODIN, filter);
            expect(
                list.clients[0]?.name.startsWith(first),
                `${JSON.stringify(filter)} ${list.clients[0]?.name}`
            ).to.be.true();
            expect(list.total_pages, JSON.stringify(filter)).to.equal(pages);
            const ran = [...statements];
            expect(ran.length).to.be.within(3, 6);
            for (const [sql, parameters] of ran) {
                const runner = database.dataSource.createQueryRunner();
                const plan = (await runner.query(`EXPLAIN ${sql}`, parameters)) as Record<string, string | null>[];
                for (const step of plan.filter(({ table }) => table === 'oauth_clients' || table === 'c')) {
                    const what = `${sql}\n${JSON.stringify(step)}`;
                    expect(['const', 'eq_ref', 'ref', 'range'], what).to.include(step.type!);
                    expect(step.Extra ?? '', what).not.to.contain('filesort');
                }
                await runner.query('FLUSH STATUS');
                await runner.query(sql, parameters);
                const counters = (await runner.query("SHOW SESSION STATUS LIKE 'Handler_read%'")) as {
                    Value: string;
                }[];
                await runner.release();
                // Totals stop counting at 10,000, and page 150 comes after 7,450 rows.
                const reads = counters.reduce((sum, { Value: value }) => sum + Number(value), 0);
                expect(reads, sql).to.be.below(20_100);
            }
        }
    });
});
