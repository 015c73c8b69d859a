import { expect } from '@hapi/code';
import type { AuthCredentials } from '@hapi/hapi';
import * as Lab from '@hapi/lab';
import { OAuthAccessKey } from '../../entities';
import { FORUM_PERMISSIONS } from '../../plugin';
import { deleteAccessKeysOf } from '../../plugin/store/access-keys';
import { Database } from '../../plugin/store/database';
import { createAccessKey } from '../../plugin/tokens/access-key';
import { hashSecret } from '../../plugin/tokens/secret';
import { bearer } from '../support/authorization';
import type { Forum } from '../support/forum';
import { basic, FRIGG, ISSUER, ODIN, type Host } from '../support/forum';
import { accessKeyRow } from '../support/rows';
import { openForum, useDatabase } from '../support/setup';
import { StaleReplica } from '../support/stale-replica';
import { explain, recordStatements } from '../support/statements';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const KEYS = '/auth/access-keys';
const SCRIPTS = ['CREATE_POST', 'READ_PUBLISHED_THREADS', 'USE_PERSONAL_ACCESS_KEYS'];
const OTHER = 'https://other.example/mcp';
const OPTIONS = { accessKeys: {}, resources: [{ identifier: ISSUER }, { identifier: OTHER }] };

/** A host's routes: by the ready-made strategy, by one for another resource, and by that one with keys. */
function addRoutes({ server }: Forum): void {
    server.auth.strategy('other', 'oauth', { resource: OTHER });
    server.auth.strategy('scripts', 'oauth', { resource: OTHER, accessKeys: true });
    const handler = ({ auth }: { auth: { credentials: AuthCredentials; strategy: string } }) => ({
        ...auth.credentials,
        strategy: auth.strategy
    });
    server.route([
        { method: 'GET', path: '/me', handler, options: { auth: 'oauth' } },
        {
            method: 'POST',
            path: '/threads',
            handler,
            options: { auth: { strategy: 'oauth', access: { scope: ['CREATE_POST'] } } }
        },
        { method: 'GET', path: '/other', handler, options: { auth: 'other' } },
        { method: 'GET', path: '/scripts', handler, options: { auth: 'scripts' } },
        { method: 'GET', path: '/either', handler, options: { auth: { strategies: ['other', 'oauth'] } } }
    ]);
}

interface Seen {
    status: number;
    challenge: string | undefined;
    retryAfter: string | undefined;
    body: Record<string, unknown>;
}

async function use({ server }: Forum, key: string, url = '/me', method = 'GET'): Promise<Seen> {
    const { statusCode, headers, payload } = await server.inject({ method, url, headers: bearer(key) });
    return {
        status: statusCode,
        challenge: headers['www-authenticate'] as string | undefined,
        retryAfter: headers['retry-after'],
        body: JSON.parse(payload) as Record<string, unknown>
    };
}

for (const kind of ['server', 'embedded'] as const) {
    describe(`a request with an access key, on the ${kind} database`, () => {
        const database = useDatabase(lab, kind);
        let forum: Forum;

        const open = async (options = {}, host: Host = {}): Promise<Forum> => {
            const opened = await openForum(database, { ...OPTIONS, ...options }, host);
            addRoutes(opened);
            return opened;
        };

        before(async () => {
            forum = await open();
        });

        const make = async (
            fields: object = {},
            permissions = SCRIPTS
        ): Promise<{ member: string; id: string; key: string }> => {
            const member = forum.addAccount(permissions);
            const { status, body, text } = await forum.as(member, 'POST', KEYS, { name: 'Backup', ...fields });
            expect(status, text).to.equal(200);
            return { member, id: body.id as string, key: body.secret as string };
        };

        const expectRefused = async (key: string, what: string): Promise<void> => {
            const { status, challenge } = await use(forum, key);
            expect(status, what).to.equal(401);
            expect(challenge).to.contain('Bearer error="invalid_token"');
        };

        it('acts for its account, with all that the account holds', async () => {
            const { member, id, key } = await make();
            const { status, body } = await use(forum, key);
            expect(status).to.equal(200);
            expect(body).to.equal({
                accountId: member,
                clientId: null,
                accessKeyId: id,
                scope: ['CREATE_POST', 'READ_PUBLISHED_THREADS', 'USE_PERSONAL_ACCESS_KEYS'],
                permissions: ['CREATE_POST', 'READ_PUBLISHED_THREADS', 'USE_PERSONAL_ACCESS_KEYS'],
                strategy: 'oauth'
            });
            expect((await use(forum, key, '/threads', 'POST')).status).to.equal(200);
            const { body: admin } = await forum.as(ODIN, 'POST', KEYS, { name: 'All' });
            expect((await use(forum, admin.secret as string)).body.permissions).to.equal([...FORUM_PERMISSIONS]);
        });

        it('has the permissions of the key that its account still holds', async () => {
            const { member, key } = await make({ scopes: ['CREATE_POST'] });
            const right = 'USE_PERSONAL_ACCESS_KEYS';
            const see = async (permissions: string[]): Promise<unknown> => {
                forum.account(member).permissions = permissions;
                return (await use(forum, key)).body.permissions;
            };
            expect(await see([...SCRIPTS, 'MANAGE_POSTS'])).to.equal(['CREATE_POST']);
            expect(await see(['ADMINISTRATOR'])).to.equal(['CREATE_POST']);
            expect(await see([right, 'READ_PUBLISHED_THREADS'])).to.equal([]);
            expect((await use(forum, key, '/threads', 'POST')).status).to.equal(403);
            expect(await see(SCRIPTS)).to.equal(['CREATE_POST']);
            const { member: demoted, key: wide } = await make({ scopes: ['ADMINISTRATOR'] }, ['ADMINISTRATOR']);
            expect((await use(forum, wide)).body.permissions).to.equal([...FORUM_PERMISSIONS]);
            forum.account(demoted).permissions = [right, 'CREATE_POST'];
            expect((await use(forum, wide)).body.permissions).to.equal(['CREATE_POST', right]);
        });

        it('is refused once the account may not use keys, is suspended or is gone', async () => {
            const { member, key } = await make();
            forum.account(member).permissions = ['CREATE_POST'];
            await expectRefused(key, 'without the right to keys');
            forum.account(member).permissions = SCRIPTS;
            expect((await use(forum, key)).status).to.equal(200);
            const account = forum.account(member);
            forum.accounts.delete(member);
            await expectRefused(key, 'suspended');
            forum.accounts.set(member, account);
            expect((await use(forum, key)).status).to.equal(200);
        });

        it('is refused once the key has expired', async () => {
            const { key, member } = await make({ expires_at: new Date(forum.now + 60_000).toISOString() });
            forum.pass(59.999);
            expect((await use(forum, key)).status).to.equal(200);
            forum.pass(0.001);
            await expectRefused(key, 'expired');
            expect((await forum.as(member, 'GET', KEYS)).body.keys[0].enabled).to.be.false();
        });

        it('is refused once the key is deleted', async () => {
            const { key, member, id } = await make();
            expect((await use(forum, key)).status).to.equal(200);
            await forum.as(member, 'DELETE', `${KEYS}/${id}`);
            await expectRefused(key, 'deleted');
            const { key: second, member: other } = await make();
            expect(await deleteAccessKeysOf(new Database(database.dataSource), other)).to.equal(1);
            await expectRefused(second, 'deleted with all of the account');
        });

        it('is refused without a look at the database where the key is malformed', async () => {
            const { key } = await make();
            const recorder = recordStatements(database.dataSource);
            const finds = forum.finds;
            for (const wrong of [
                'sdpak_',
                key.slice(0, -1),
                `${key}x`,
                `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`,
                key.replace('sdpak_', 'SDPAK_'),
                `sdpak_${'x'.repeat(10_000)}`
            ]) {
                await expectRefused(wrong, wrong);
            }
            expect([recorder.take(), forum.finds - finds]).to.equal([[], 0]);
        });

        it('takes one SELECT, and notes at most once a minute that the key was used', async () => {
            const { key, member } = await make();
            const lastUse = async (): Promise<string> => {
                const { body } = await forum.as(member, 'GET', KEYS);
                return body.keys[0].last_used_at as string;
            };
            expect(await lastUse()).to.be.undefined();
            const recorder = recordStatements(database.dataSource);
            const began = new Date(forum.now).toISOString();
            await use(forum, key);
            expect(recorder.takeVerbs()).to.equal(['SELECT', 'UPDATE']);
            expect(await lastUse()).to.equal(began);
            recorder.take();
            forum.pass(59);
            await use(forum, key);
            await use(forum, key);
            expect(recorder.takeVerbs()).to.equal(['SELECT', 'SELECT']);
            expect(await lastUse()).to.equal(began);
            recorder.take();
            forum.pass(1);
            const now = new Date(forum.now).toISOString();
            await Promise.all([use(forum, key), use(forum, key), use(forum, key)]);
            expect(await lastUse()).to.equal(now);
        });

        it('opens the strategies that say so, and leaves a key to a later one of the route', async () => {
            const { key } = await make();
            expect((await use(forum, key, '/other')).status).to.equal(401);
            expect((await use(forum, key, '/other')).challenge).to.contain('invalid_token');
            expect((await use(forum, key, '/scripts')).body.strategy).to.equal('scripts');
            expect((await use(forum, key, '/either')).body.strategy).to.equal('oauth');
            expect((await use(forum, createAccessKey(), '/either')).challenge).to.contain('invalid_token');
        });

        it('opens no session endpoint, and is unknown to userinfo, introspection and revocation', async () => {
            const { key, member, id } = await make();
            for (const [method, path] of [
                ['GET', KEYS],
                ['POST', KEYS],
                ['DELETE', `${KEYS}/${id}`],
                ['GET', '/auth/oauth/clients'],
                ['GET', '/auth/oauth/tokens'],
                ['GET', '/admin/access-keys'],
                ['GET', '/admin/oauth/clients']
            ] as const) {
                expect((await forum.as(null, method, path, undefined, bearer(key))).status, path).to.equal(401);
            }
            expect((await forum.as(null, 'GET', '/oauth/userinfo', undefined, bearer(key))).status).to.equal(401);
            const { client, client_secret: secret } = await forum.createClient(FRIGG);
            const by = basic(client.client_id, secret);
            expect((await forum.form('/oauth/introspect', { token: key }, by)).body).to.equal({ active: false });
            expect((await forum.form('/oauth/revoke', { token: key }, by)).status).to.equal(200);
            expect((await use(forum, key)).body.accountId).to.equal(member);
        });

        it('is refused more shortly after many unknown keys from its address', async () => {
            const limited = await open({ limits: { clientAuthentication: { points: 3, seconds: 60 } } });
            const { key, member } = await make();
            limited.accounts.set(member, forum.account(member));
            for (let count = 0; count < 3; ++count) {
                expect((await use(limited, createAccessKey())).status).to.equal(401);
            }
            const refused = await use(limited, createAccessKey());
            expect([refused.status, refused.body.error]).to.equal([429, 'Too Many Requests']);
            expect(Number(refused.retryAfter)).to.be.between(0, 61);
            // A right key is never refused, and a malformed one costs nothing.
            expect((await use(limited, key)).status).to.equal(200);
            expect((await use(limited, 'sdpak_x')).status).to.equal(401);
        });

        it('is no access token where keys are off', async () => {
            const { key, member } = await make();
            const off = await openForum(database, { resources: OPTIONS.resources });
            off.server.route({ method: 'GET', path: '/me', handler: () => 'me', options: { auth: 'oauth' } });
            off.accounts.set(member, forum.account(member));
            const recorder = recordStatements(database.dataSource);
            const { status, challenge } = await use(off, key);
            expect(status).to.equal(401);
            expect(challenge).to.contain('invalid_token');
            expect(recorder.take()).to.equal([]);
            const add = (): unknown =>
                off.server.auth.strategy('scripts', 'oauth', { resource: OTHER, accessKeys: true });
            expect(add).to.throw(/needs the option "accessKeys"/);
        });
    });
}

describe('an access key on a server', () => {
    const database = useDatabase(lab);
    let forum: Forum;

    before(async () => {
        forum = await openForum(database, OPTIONS);
        addRoutes(forum);
        forum.account(FRIGG).permissions = SCRIPTS;
    });

    it('is found by a unique index alone', async () => {
        const keys = database.dataSource.getRepository(OAuthAccessKey);
        const many = Array.from({ length: 5000 }, (_, at) =>
            accessKeyRow({ accountId: `member-${at}`, keyHash: hashSecret(String(at)) })
        );
        await keys.insert(many);
        const { body } = await forum.as(FRIGG, 'POST', KEYS, { name: 'Backup' });
        const recorder = recordStatements(database.dataSource);
        expect((await use(forum, body.secret as string)).status).to.equal(200);
        const [found, noted, ...more] = recorder.take();
        expect(more).to.equal([]);
        for (const [statement, key] of [
            [found!, 'idx_oauth_access_keys_key'],
            [noted!, 'PRIMARY']
        ] as const) {
            const plan = await explain(database.dataSource, statement);
            expect(plan).to.have.length(1);
            expect([plan[0]!.key, Number(plan[0]!.rows)]).to.equal([key, 1]);
        }
    });

    it('that was just made is known where reads are behind', async () => {
        const replica = await StaleReplica.of(database);
        const behind = await openForum(
            { dataSource: replica.dataSource, stopFirst: (user) => database.stopFirst(user) },
            OPTIONS
        );
        addRoutes(behind);
        behind.account(FRIGG).permissions = SCRIPTS;
        const { body } = await forum.as(FRIGG, 'POST', KEYS, { name: 'New' });
        expect((await use(behind, body.secret as string)).status).to.equal(200);
        const gone = await behind.as(FRIGG, 'DELETE', `${KEYS}/${body.id}`);
        expect(gone.status).to.equal(204);
        expect((await use(forum, body.secret as string)).status).to.equal(401);
    });
});
