import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { createConnection } from 'mysql2/promise';
import { createDatabase, type TestDatabase } from '../support/database';
import { ExampleForum, sendForm, type Browser } from '../support/example';

export const lab = Lab.script();
const { describe, it, before, after } = lab;

const FRIGG_MAY = ['CREATE_POST', 'READ_PUBLISHED_THREADS', 'CREATE_REACTION', 'READ_PROFILE', 'USE_OAUTH_CLIENTS'];

const databases: { name: string; open: () => Promise<TestDatabase | undefined> }[] = [
    { name: 'the embedded database', open: () => Promise.resolve(undefined) },
    { name: 'a database server', open: () => createDatabase() }
];

for (const { name, open } of databases) {
    describe(`The example forum on ${name}`, () => {
        let database: TestDatabase | undefined;
        let forum: ExampleForum;
        let frigg: Browser;
        let odin: Browser;

        before(async () => {
            database = await open();
            forum = await ExampleForum.start({
                DEVICE_POLL_INTERVAL: '1',
                ...(database && { DATABASE_URL: database.url })
            });
            [frigg, odin] = await Promise.all([forum.browser('frigg'), forum.browser('odin')]);
        });

        after(async () => {
            await forum?.done();
            await database?.drop();
        });

        const setPermissions = async (handle: string, permissions: string[]): Promise<void> => {
            const { status, body } = await odin.send('PUT', `/api/admin/accounts/${handle}/permissions`, {
                permissions
            });
            expect(status).to.equal(200);
            expect(body.permissions).to.equal(permissions);
        };

        const tokensOf = async (file = '.data/cli.json'): Promise<Record<string, string>> =>
            JSON.parse(await readFile(join(forum.directory, file), 'utf8')) as Record<string, string>;

        it('signs the command line client in, which is seen by its member and interrupted', async () => {
            const login = forum.cli('login');
            const [, userCode] = await login.says(/user_code=(\S+)\n/);
            expect(login.output).to.contain(`Open ${forum.issuer}/oauth/consent and enter the code ${userCode},`);
            expect(login.output).to.contain(`or open ${forum.issuer}/oauth/consent?user_code=${userCode}`);

            const consent = await frigg.send('GET', `/api/oauth/device/consent?user_code=${userCode}`);
            expect(consent.status).to.equal(200);
            expect(consent.body.client_name).to.equal('Storyden');
            expect(consent.body.granted_scopes).to.equal(['openid', 'profile', 'offline_access', ...FRIGG_MAY]);
            const decision = { user_code: userCode, decision: 'approve' };
            expect((await frigg.send('POST', '/api/oauth/device/consent', decision)).body).to.equal({
                status: 'approved'
            });
            const { code, output } = await login.finished;
            expect(output).to.contain('Signed in as frigg.');
            expect(code).to.equal(0);
            expect((await stat(join(forum.directory, '.data/cli.json'))).mode & 0o777).to.equal(0o600);

            expect(await forum.cli('whoami').finished).to.equal({ code: 0, output: 'frigg\n' });
            const posted = await forum.cli('post', 'Greetings', 'From the command line').finished;
            expect(posted.code).to.equal(0);
            const { body: list } = await frigg.send('GET', '/api/threads');
            expect(list.threads[0]).to.include({ title: 'Greetings', body: 'From the command line' });
            expect(list.threads[0].author).to.equal({ handle: 'frigg', name: 'Frigg' });

            const first = await tokensOf();
            expect((await forum.cli('refresh').finished).code).to.equal(0);
            const { refreshToken, accessToken } = await tokensOf();
            expect(refreshToken).to.not.equal(first.refreshToken);

            const { body: authorised } = await frigg.send('GET', '/api/auth/oauth/tokens?status=active');
            expect(authorised.tokens).to.have.length(1);
            expect(authorised.tokens[0]).to.include({ client_id: 'storyden-cli', client_name: 'Storyden' });
            const { status } = await frigg.send('DELETE', `/api/auth/oauth/tokens/${authorised.tokens[0].id}`);
            expect(status).to.equal(204);

            const refused = await forum.cli('refresh').finished;
            expect(refused.code).to.equal(1);
            expect(refused.output).to.match(/^invalid_grant: /);
            expect((await forum.cli('whoami').finished).output).to.equal('frigg\n');
            expect(forum.output).to.contain('grant_revoked');
            for (const secret of [userCode!, first.refreshToken!, refreshToken!, accessToken!]) {
                expect(forum.output).to.not.contain(secret);
            }
        });

        it('lets nobody approve who may not authorize applications', async () => {
            const loki = await forum.browser('loki');
            const { body: device } = await sendForm(`${forum.issuer}/api/oauth/device_authorization`, {
                client_id: 'storyden-cli',
                scope: 'openid profile offline_access'
            });
            const read = await loki.send('GET', `/api/oauth/device/consent?user_code=${device.user_code}`);
            expect([read.status, read.body.error]).to.equal([400, 'access_denied']);
            const approval = { user_code: device.user_code, decision: 'approve' };
            const approved = await loki.send('POST', '/api/oauth/device/consent', approval);
            expect([approved.status, approved.body.error]).to.equal([400, 'access_denied']);
            expect((await loki.send('GET', '/api/threads')).status).to.equal(200);
            expect((await loki.send('POST', '/api/threads', { title: 'a', body: 'b' })).status).to.equal(403);
        });

        it('changes at the next refresh what an application may do when the account may do less', async () => {
            await forum.signInCli(frigg, '--tokens', 'other.json');
            const post = (): Promise<{ code: number | null; output: string }> =>
                forum.cli('post', 'Again', 'And again', '--tokens', 'other.json').finished;
            try {
                await setPermissions('frigg', ['READ_PUBLISHED_THREADS']);
                expect((await frigg.send('POST', '/api/threads', { title: 'a', body: 'b' })).status).to.equal(403);
                expect((await post()).code).to.equal(0);
                expect((await forum.cli('refresh', '--tokens', 'other.json').finished).code).to.equal(0);
                const refused = await post();
                expect(refused.code).to.equal(1);
                expect(refused.output).to.contain('Insufficient scope');
            } finally {
                await setPermissions('frigg', FRIGG_MAY);
            }
        });

        it('lets only an administrator, by session, change or suspend an account', async () => {
            const permissions = ['ADMINISTRATOR'];
            const path = '/api/admin/accounts/frigg';
            expect((await frigg.send('PUT', `${path}/permissions`, { permissions })).status).to.equal(403);
            expect((await frigg.send('DELETE', path)).status).to.equal(403);
            expect((await odin.send('PUT', `${path}/permissions`, { permissions: ['FLY'] })).status).to.equal(400);
            expect((await odin.send('DELETE', '/api/admin/accounts/baldur')).status).to.equal(404);

            await forum.signInCli(odin, '--tokens', 'odin.json');
            const { accessToken } = await tokensOf('odin.json');
            const byToken = await fetch(`${forum.issuer}${path}`, {
                method: 'DELETE',
                headers: { authorization: `Bearer ${accessToken}` }
            });
            expect(byToken.status).to.equal(401);
        });

        it('tells an application of its member what its scopes say, and no more', async () => {
            const me = async (scopes: string[]): Promise<object> => {
                const { body: bot } = await frigg.send('POST', '/api/auth/oauth/clients', {
                    name: `Knows ${scopes.join(' ')}`,
                    type: 'confidential',
                    allowed_grants: ['client_credentials'],
                    allowed_scopes: scopes
                });
                const response = await fetch(`${forum.issuer}/api/oauth/token`, {
                    method: 'POST',
                    body: new URLSearchParams({
                        grant_type: 'client_credentials',
                        client_id: bot.client.client_id as string,
                        client_secret: bot.client_secret as string
                    })
                });
                const { access_token: token } = (await response.json()) as { access_token: string };
                const answer = await fetch(`${forum.issuer}/api/accounts/me`, {
                    headers: { authorization: `Bearer ${token}` }
                });
                return (await answer.json()) as object;
            };
            expect(Object.keys(await me(['READ_PUBLISHED_THREADS']))).to.equal(['id']);
            const { body: own } = await frigg.send('GET', '/api/accounts/me');
            expect(Object.keys(own as object)).to.include(['id', 'handle', 'permissions']);
        });

        it('keeps its members, threads and applications when it is stopped and started again', async () => {
            await forum.signInCli(frigg, '--tokens', 'kept.json');
            await forum.cli('post', 'Before', 'The night', '--tokens', 'kept.json').finished;
            expect((await forum.stop()).code).to.equal(0);
            await forum.start();

            const { body: list } = await frigg.send('GET', '/api/threads');
            expect(list.threads[0].title).to.equal('Before');
            const { code } = await forum.cli('refresh', '--tokens', 'kept.json').finished;
            expect(code).to.equal(0);
        });

        it('cuts a suspended member off', async () => {
            const loki = await forum.browser('loki');
            await setPermissions('loki', ['READ_PUBLISHED_THREADS', 'USE_OAUTH_CLIENTS']);
            await forum.signInCli(loki, '--tokens', 'loki.json');
            expect((await odin.send('DELETE', '/api/admin/accounts/loki')).status).to.equal(204);

            expect((await loki.send('GET', '/api/accounts/me')).status).to.equal(401);
            await expect(forum.browser('loki')).to.reject('loki cannot sign in: 401');
            const refused = await forum.cli('refresh', '--tokens', 'loki.json').finished;
            expect(refused.output).to.match(/^invalid_grant: /);
        });

        it('ends with code 0 on SIGTERM and leaves neither a listener nor a connection', async () => {
            const { code, output } = await forum.stop('SIGTERM');
            expect(code).to.equal(0);
            expect(output).to.not.match(/error|failed/i);
            await expect(fetch(forum.issuer)).to.reject();
            if (database) {
                const connection = await createConnection(database.url);
                const [rows] = await connection.query(
                    'SELECT id FROM information_schema.processlist WHERE db = ? AND id <> CONNECTION_ID()',
                    [database.options.database]
                );
                await connection.end();
                expect(rows).to.equal([]);
            }
            await forum.start();
            expect((await forum.stop('SIGINT')).code).to.equal(0);
            await forum.start();
        });
    });
}
