import { crc32 } from 'node:zlib';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthAccessKey } from '../../entities';
import { createAccessKey, isWellFormedAccessKey } from '../../plugin/tokens/access-key';
import { hashSecret } from '../../plugin/tokens/secret';
import { ABSENT_IDS, expectError } from '../support/management';
import type { Forum } from '../support/forum';
import { FRIGG, LOKI, ODIN, START } from '../support/forum';
import { openForum, useDatabase, useForum } from '../support/setup';
import { StaleReplica } from '../support/stale-replica';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const KEYS = '/auth/access-keys';
const ADMIN_KEYS = '/admin/access-keys';
const SCRIPTS = ['CREATE_POST', 'READ_PUBLISHED_THREADS', 'USE_PERSONAL_ACCESS_KEYS'];

describe('the text of an access key', () => {
    it('is a prefix, 32 random characters and their checksum', () => {
        const made = new Set(Array.from({ length: 200 }, () => createAccessKey()));
        expect(made.size).to.equal(200);
        for (const key of made) {
            expect(key).to.match(/^sdpak_[0-9A-Za-z]{38}$/);
            expect(isWellFormedAccessKey(key)).to.be.true();
            let value = 0;
            for (const digit of key.slice(-6)) {
                value = value * 62 + '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'.indexOf(digit);
            }
            expect(value).to.equal(crc32(key.slice(6, 38)));
        }
    });

    it('is refused where a character is wrong, missing or too many', () => {
        const key = createAccessKey();
        const other = (at: number): string => key.slice(0, at) + (key[at] === 'x' ? 'y' : 'x') + key.slice(at + 1);
        for (const wrong of [
            '',
            'sdpak_',
            key.slice(0, -1),
            `${key}0`,
            `${key}\n`,
            ` ${key}`,
            key.toUpperCase(),
            ...Array.from(key, (_, at) => other(at))
        ]) {
            expect(isWellFormedAccessKey(wrong), wrong).to.be.false();
        }
    });
});

for (const kind of ['server', 'embedded'] as const) {
    describe(`access keys on the ${kind} database`, () => {
        const database = useDatabase(lab, kind);
        const forum = useForum(lab, { database, options: { accessKeys: {}, caps: { accessKeysPerAccount: 5 } } });
        const table = () => database.dataSource.getRepository(OAuthAccessKey);

        it('are shown once, and kept as a hash', async () => {
            const member = forum.addAccount(SCRIPTS);
            const { status, body, headers } = await forum.as(member, 'POST', KEYS, { name: 'Backup' });
            expect(status).to.equal(200);
            expect(headers['cache-control']).to.equal('no-store');
            const { id, secret, ...rest } = body;
            const time = new Date(START).toISOString();
            expect(rest).to.equal({ createdAt: time, updatedAt: time, name: 'Backup', enabled: true });
            expect(isWellFormedAccessKey(secret as string)).to.be.true();
            expect((await forum.as(member, 'GET', KEYS)).body).to.equal({ keys: [{ id, ...rest }] });
            const row = await table().findOneByOrFail({ id });
            expect(row.keyHash).to.equal(hashSecret(secret as string));
            expect(JSON.stringify(row)).not.to.contain(secret);
            expect(forum.events.at(-1)).to.include({
                type: 'access_key_created',
                access_key_id: id,
                account_id: member,
                actor_account_id: member
            });
        });

        it('have a name, and may have an end and permissions of their own', async () => {
            const member = forum.addAccount(SCRIPTS);
            const { body } = await forum.as(member, 'POST', KEYS, {
                name: 'x'.repeat(200),
                expires_at: '2026-11-22T14:00:00+02:00',
                scopes: ['READ_PUBLISHED_THREADS', 'CREATE_POST', 'CREATE_POST']
            });
            expect([body.expires_at, body.scopes]).to.equal([
                '2026-11-22T12:00:00.000Z',
                ['READ_PUBLISHED_THREADS', 'CREATE_POST']
            ]);
            const [listed] = (await forum.as(member, 'GET', KEYS)).body.keys;
            expect({ ...listed, secret: body.secret }).to.equal(body);
            const good = { name: 'x' };
            for (const [field, wrong] of [
                ['name', {}],
                ['name', { name: '' }],
                ['name', { name: '\u200b' }],
                ['name', { name: 'x'.repeat(201) }],
                ['name', { name: 'a\nb' }],
                ['name', { name: 1 }],
                ['expires_at', { ...good, expires_at: 'tomorrow' }],
                ['expires_at', { ...good, expires_at: '2026-12-01' }],
                ['expires_at', { ...good, expires_at: '2027-02-30T00:00:00Z' }],
                ['expires_at', { ...good, expires_at: '2027-13-01T00:00:00Z' }],
                ['expires_at', { ...good, expires_at: '2027-01-01T00:00:00+99:00' }],
                ['expires_at', { ...good, expires_at: new Date(START).toISOString() }],
                ['expires_at', { ...good, expires_at: null }],
                ['expires_at', { ...good, expires_at: 1e12 }],
                ['scopes', { ...good, scopes: [] }],
                ['scopes', { ...good, scopes: ['openid'] }],
                ['scopes', { ...good, scopes: ['FLY'] }],
                ['scopes', { ...good, scopes: 'CREATE_POST' }],
                ['scopes[0]', { ...good, scopes: [1] }],
                ['secret', { ...good, secret: createAccessKey() }]
            ] as const) {
                const answer = await forum.as(member, 'POST', KEYS, wrong);
                expectError(answer, 400, 'invalid_request', JSON.stringify(wrong));
                expect(answer.body.metadata.field).to.equal(field);
            }
            const more = await forum.as(member, 'POST', KEYS, { ...good, scopes: ['CREATE_POST', 'MANAGE_POSTS'] });
            expectError(more, 403, 'forbidden', 'a permission that the account lacks');
            expect(more.body.metadata).to.equal({ field: 'scopes', rule: 'held', scopes: ['MANAGE_POSTS'] });
            const every = await forum.as(ODIN, 'POST', KEYS, { ...good, scopes: ['MANAGE_POSTS'] });
            expect(every.status).to.equal(200);
        });

        it('need the right to them, to be made; not to be seen and deleted', async () => {
            const member = forum.addAccount(SCRIPTS);
            const { body } = await forum.as(member, 'POST', KEYS, { name: 'Backup' });
            forum.account(member).permissions = ['CREATE_POST'];
            const refused = await forum.as(member, 'POST', KEYS, { name: 'Another' });
            expectError(refused, 403, 'forbidden', 'without the right');
            expect(refused.body.metadata).to.equal({ permission: 'USE_PERSONAL_ACCESS_KEYS' });
            expect((await forum.as(member, 'GET', KEYS)).body.keys).to.have.length(1);
            expect((await forum.as(member, 'DELETE', `${KEYS}/${body.id}`)).status).to.equal(204);
            expectError(await forum.as(null, 'GET', KEYS), 401, 'unauthorized', 'nobody');
            expectError(await forum.as(null, 'POST', KEYS, { name: 'x' }), 401, 'unauthorized', 'nobody');
        });

        it('are deleted by their owner and by administrators only', async () => {
            const member = forum.addAccount(SCRIPTS);
            const make = async (): Promise<string> => {
                const { body } = await forum.as(member, 'POST', KEYS, { name: 'Backup' });
                return body.id as string;
            };
            const [first, second] = [await make(), await make()];
            for (const id of [first, ...ABSENT_IDS]) {
                const stranger = await forum.as(FRIGG, 'DELETE', `${KEYS}/${id}`);
                expectError(stranger, 404, 'not_found', id);
            }
            expectError(await forum.as(member, 'DELETE', `${ADMIN_KEYS}/${first}`), 403, 'forbidden', 'a member');
            expect((await forum.as(member, 'DELETE', `${KEYS}/${first}`)).status).to.equal(204);
            expectError(await forum.as(member, 'DELETE', `${KEYS}/${first}`), 404, 'not_found', 'again');
            expect((await forum.as(ODIN, 'DELETE', `${ADMIN_KEYS}/${second}`)).status).to.equal(204);
            expect(forum.events.at(-1)).to.include({
                type: 'access_key_deleted',
                access_key_id: second,
                account_id: member,
                actor_account_id: ODIN
            });
            for (const id of [second, ...ABSENT_IDS]) {
                expectError(await forum.as(ODIN, 'DELETE', `${ADMIN_KEYS}/${id}`), 404, 'not_found', id);
            }
            expect((await forum.as(member, 'GET', KEYS)).body).to.equal({ keys: [] });
        });

        it('are no more than the cap for one account, however many are made at once', async () => {
            const member = forum.addAccount(SCRIPTS);
            const answers = await Promise.all(
                Array.from({ length: 12 }, (_, at) => forum.as(member, 'POST', KEYS, { name: `Key ${at}` }))
            );
            expect(answers.map(({ status }) => status).sort()).to.equal([
                ...Array<number>(5).fill(200),
                ...Array<number>(7).fill(409)
            ]);
            const refused = answers.find(({ status }) => status === 409)!;
            expectError(refused, 409, 'conflict', 'over the cap');
            expect(refused.body.metadata).to.equal({ rule: 'accessKeysPerAccount', limit: 5 });
            expect(await table().countBy({ accountId: member })).to.equal(5);
            const { body } = await forum.as(member, 'GET', KEYS);
            expect((await forum.as(member, 'DELETE', `${KEYS}/${body.keys[2].id}`)).status).to.equal(204);
            expect((await forum.as(member, 'POST', KEYS, { name: 'Once more' })).status).to.equal(200);
            expect((await forum.as(member, 'POST', KEYS, { name: 'Too many' })).status).to.equal(409);
            // What has expired counts until it is removed, and a cap that was lowered counts what there is.
            const stricter = await forum.another({ accessKeys: {}, caps: { accessKeysPerAccount: 2 } });
            stricter.accounts.set(member, forum.account(member));
            await forum.as(member, 'DELETE', `${KEYS}/${body.keys[0].id}`);
            expect((await stricter.as(member, 'POST', KEYS, { name: 'Too many' })).status).to.equal(409);
        });

        it('are listed for administrators, page by page and for one account', async () => {
            await table().clear();
            const member = forum.addAccount(SCRIPTS);
            const { body: made } = await forum.as(member, 'POST', KEYS, { name: 'Backup' });
            for (let count = 0; count < 60; ++count) {
                await table().insert({
                    ...(await table().findOneByOrFail({ id: made.id })),
                    id: `a${String(count).padStart(18, '0')}0`,
                    keyHash: hashSecret(String(count)),
                    accountId: LOKI,
                    place: count + 1,
                    createdAt: START + 1 + count,
                    expiresAt: count === 59 ? START : null
                });
            }
            const { body } = await forum.as(ODIN, 'GET', ADMIN_KEYS);
            expect([body.results, body.page_size, body.total_pages, body.next_page]).to.equal([50, 50, 2, 2]);
            expect([body.keys[0].enabled, body.keys[1].enabled, body.keys[0].account_id]).to.equal([false, true, LOKI]);
            const last = await forum.as(ODIN, 'GET', `${ADMIN_KEYS}?page=2`);
            const { secret, ...listed } = made;
            expect(last.body.keys.at(-1)).to.equal({ ...listed, account_id: member });
            expect(secret).to.be.a.string();
            expect((await forum.as(ODIN, 'GET', `${ADMIN_KEYS}?page=3`)).body.keys).to.equal([]);
            const own = await forum.as(ODIN, 'GET', `${ADMIN_KEYS}?account_id=${member}`);
            expect([own.body.results, own.body.keys[0].id]).to.equal([1, made.id]);
            expectError(await forum.as(FRIGG, 'GET', ADMIN_KEYS), 403, 'forbidden', 'a member');
            for (const query of ['page=0', 'page=x', 'account_id=a&account_id=b', 'status=active']) {
                expectError(await forum.as(ODIN, 'GET', `${ADMIN_KEYS}?${query}`), 400, 'invalid_request', query);
            }
        });

        it('end when the option says so, at the latest', async () => {
            const strict = await forum.another({ accessKeys: { maxLifetime: 3600 } });
            const end = new Date(START + 3_600_000).toISOString();
            const member = strict.addAccount(SCRIPTS);
            expect((await strict.as(member, 'POST', KEYS, { name: 'x' })).body.expires_at).to.equal(end);
            const exact = await strict.as(member, 'POST', KEYS, { name: 'x', expires_at: end });
            expect(exact.body.expires_at).to.equal(end);
            const later = { name: 'x', expires_at: new Date(START + 3_600_001).toISOString() };
            const refused = await strict.as(member, 'POST', KEYS, later);
            expectError(refused, 400, 'invalid_request', 'too late');
            expect(refused.body.metadata).to.equal({ field: 'expires_at', rule: 'max' });
        });
    });
}

describe('access keys where reads are behind', () => {
    const database = useDatabase(lab);
    let first: Forum;
    let behind: Forum;
    let replica: StaleReplica;
    const options = { accessKeys: {}, caps: { accessKeysPerAccount: 2 } };

    before(async () => {
        first = await openForum(database, options);
        replica = await StaleReplica.of(database);
        behind = await openForum(
            { dataSource: replica.dataSource, stopFirst: (user) => database.stopFirst(user) },
            options
        );
        first.account(FRIGG).permissions = SCRIPTS;
        behind.account(FRIGG).permissions = SCRIPTS;
    });

    it('keep to the cap, and use a place that is free again', async () => {
        const make = async (forum: Forum): Promise<number> =>
            (await forum.as(FRIGG, 'POST', KEYS, { name: 'Backup' })).status;
        expect(await make(first)).to.equal(200);
        expect(await make(behind)).to.equal(200);
        expect(await make(behind)).to.equal(409);
        await replica.catchUp();
        const [{ id }] = (await first.as(FRIGG, 'GET', KEYS)).body.keys;
        expect((await first.as(FRIGG, 'DELETE', `${KEYS}/${id}`)).status).to.equal(204);
        expect(await make(behind)).to.equal(200);
        expect(await make(first)).to.equal(409);
    });
});

describe('a forum without access keys', () => {
    const forum = useForum(lab);

    it('has no routes for them, and makes none', async () => {
        expect((await forum.as(ODIN, 'GET', KEYS)).status).to.equal(404);
        expect((await forum.as(ODIN, 'GET', ADMIN_KEYS)).status).to.equal(404);
        const { accessKeys } = forum.server.plugins['hapi-forum-oauth'];
        await expect(accessKeys.create(ODIN, { name: 'x' })).to.reject(/accessKeys" is off/);
        expect(await accessKeys.list(ODIN)).to.equal([]);
    });
});
