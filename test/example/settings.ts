import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { readSettings } from '../../example/settings';
import { generateSigningKey } from '../../plugin';
import { redisUrl } from '../support/servers';
import { Browser, ExampleForum, sendBearer, sendForm, type Reply } from '../support/example';

export const lab = Lab.script();
const { describe, it, before, after } = lab;

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const CLIENT = { client_id: 'storyden-cli' };

/** The device flow without the command line client's pauses. */
async function signIn(forum: ExampleForum, browser: Browser): Promise<Reply> {
    const { body: device } = await askForCode(forum);
    await browser.send('GET', `/api/oauth/device/consent?user_code=${device.user_code}`);
    const decision = { user_code: device.user_code, decision: 'approve' };
    await browser.send('POST', '/api/oauth/device/consent', decision);
    return sendForm(`${forum.issuer}/api/oauth/token`, {
        ...CLIENT,
        grant_type: DEVICE_CODE,
        device_code: device.device_code
    });
}

function askForCode(forum: ExampleForum): Promise<Reply> {
    return sendForm(`${forum.issuer}/api/oauth/device_authorization`, {
        ...CLIENT,
        scope: 'openid profile offline_access'
    });
}

function refresh(forum: ExampleForum, refreshToken: string): Promise<Reply> {
    return sendForm(`${forum.issuer}/api/oauth/token`, {
        ...CLIENT,
        grant_type: 'refresh_token',
        refresh_token: refreshToken
    });
}

describe('The settings of the example forum', () => {
    describe('given in its environment', () => {
        let forum: ExampleForum;
        let frigg: Browser;
        let kid: string | undefined;

        before(async () => {
            const key = await generateSigningKey('ES256');
            kid = key.kid;
            forum = await ExampleForum.start({
                ISSUER: 'http://127.0.0.1:{port}',
                DATABASE_URL: ':memory:',
                SIGNING_KEY: JSON.stringify(key),
                ACCESS_TOKEN_TTL: '2',
                REFRESH_TOKEN_TTL: '5000',
                DEVICE_CODE_TTL: '77',
                DEVICE_POLL_INTERVAL: '7',
                REFRESH_RETRY_WINDOW: '0'
            });
            frigg = await forum.browser('frigg');
        });

        after(() => forum?.done());

        it('are what discovery, keys and lifetimes follow', async () => {
            const { body: metadata } = await frigg.send('GET', '/.well-known/oauth-authorization-server');
            expect(metadata.issuer).to.equal(forum.issuer);
            expect(metadata.token_endpoint).to.equal(`${forum.issuer}/api/oauth/token`);
            const { body: jwks } = await frigg.send('GET', '/api/oauth/jwks');
            expect(jwks.keys.map((key: { kid: string }) => key.kid)).to.equal([kid]);
            expect((await askForCode(forum)).body).to.include({ expires_in: 77, interval: 7 });

            const { body: tokens } = await signIn(forum, frigg);
            expect(tokens.expires_in).to.equal(2);
            const { body: list } = await frigg.send('GET', '/api/auth/oauth/tokens');
            const { createdAt, expires_at: expiresAt } = list.tokens[0];
            expect(Date.parse(expiresAt) - Date.parse(createdAt)).to.equal(5_000_000);

            const { body: refreshed } = await refresh(forum, tokens.refresh_token);
            expect((await refresh(forum, tokens.refresh_token)).body.error).to.equal('invalid_grant');
            expect((await refresh(forum, refreshed.refresh_token)).body.error).to.equal('invalid_grant');
        });

        it('let an access token live for as long as they say, whatever happens to its grant', async () => {
            const me = `${forum.issuer}/api/accounts/me`;
            const { body: tokens } = await signIn(forum, frigg);
            const issued = Date.now();
            const { body: list } = await frigg.send('GET', '/api/auth/oauth/tokens?status=active');
            await frigg.send('DELETE', `/api/auth/oauth/tokens/${list.tokens[0].id}`);
            expect((await refresh(forum, tokens.refresh_token)).body.error).to.equal('invalid_grant');

            let answer = await sendBearer(me, tokens.access_token);
            expect(answer.body.handle).to.equal('frigg');
            while (answer.status === 200 && Date.now() < issued + 10_000) {
                await sleep(50);
                answer = await sendBearer(me, tokens.access_token);
            }
            expect(answer.status).to.equal(401);
            expect(answer.headers.get('www-authenticate')).to.contain('error="invalid_token"');
            // Its times are whole seconds.
            expect(Date.now() - issued).to.be.within(900, 5000);
        });

        it('are what the command line client asks for first, so that it never talks to another forum', async () => {
            const login = forum.cli('login');
            const [, userCode] = await login.says(/enter the code (\S+),/);
            expect(login.output).to.contain(`${forum.issuer}/oauth/consent`);
            login.child.kill();
            await login.finished;
            const decision = { user_code: userCode, decision: 'deny' };
            await frigg.send('GET', `/api/oauth/device/consent?user_code=${userCode}`);
            expect((await frigg.send('POST', '/api/oauth/device/consent', decision)).body.status).to.equal('denied');

            const wrong = await forum.cli('login', '--issuer', forum.issuer.replace('127.0.0.1', 'localhost')).finished;
            expect(wrong.code).to.equal(1);
            expect(wrong.output).to.contain(`sign in with --issuer ${forum.issuer}`);
        });

        it('keep no database and no signing key on disk', async () => {
            expect(await readdir(join(forum.directory, '.data'))).to.equal(['session-password']);
        });
    });

    describe('left out', () => {
        let forum: ExampleForum;

        before(async () => {
            forum = await ExampleForum.start();
        });

        after(() => forum?.done());

        it('keep the database and what was generated once where only their owner can read it', async () => {
            const directory = join(forum.directory, '.data');
            const names = ['forum.sqlite', 'session-password', 'signing-keys.json'];
            expect((await readdir(directory)).sort()).to.equal(names);
            for (const name of names) {
                expect((await stat(join(directory, name))).mode & 0o777).to.equal(0o600);
            }
            const kept = JSON.parse(await readFile(join(directory, 'signing-keys.json'), 'utf8')) as { kid: string }[];
            const { body: jwks } = await new Browser(forum.issuer).send('GET', '/api/oauth/jwks');
            const kids = (keys: { kid: string }[]): string[] => keys.map(({ kid }) => kid);
            expect(kids(jwks.keys as { kid: string }[])).to.equal(kids(kept));
        });

        it('are told to the person who starts it, with the accounts and commands to paste', () => {
            expect(forum.output).to.contain(`is at ${forum.issuer}`);
            for (const handle of ['odin', 'frigg', 'loki']) {
                expect(forum.output).to.contain(handle);
            }
            expect(forum.output).to.contain(`ISSUER=${forum.issuer} npm run cli -- login\n`);
            expect(forum.output).to.contain('npm run cli -- post');
        });

        it('let people decide in a browser, on pages with nothing inline', async () => {
            const nobody = new Browser(forum.issuer);
            const frigg = await forum.browser('frigg');
            const consent = '/oauth/consent?user_code=ABCD-EFGH&x="><script>';
            const { status, headers } = await nobody.send('GET', consent);
            expect(status).to.equal(303);
            const login = new URL(headers.get('location')!);
            expect(login.origin).to.equal(forum.issuer);
            expect(login.pathname).to.equal('/login');
            expect(login.searchParams.get('return_to')!).to.startWith('/oauth/consent?user_code=ABCD-EFGH&x=');

            const pages: [string, number][] = [
                ['/', 200],
                ['/login', 200],
                [login.pathname + login.search, 200],
                ['/oauth/consent', 200],
                [consent, 200],
                ['/oauth/authorize/consent?request_id=x', 400],
                ['/settings/connected-apps', 200],
                ['/settings/my-apps', 200],
                ['/admin/apps', 403]
            ];
            for (const [path, status] of pages) {
                const page = await frigg.send('GET', path);
                expect(page.status, path).to.equal(status);
                const policy = page.headers.get('content-security-policy')!;
                expect(policy).to.contain("default-src 'none'");
                expect(policy).to.contain("frame-ancestors 'none'");
                expect(policy).to.not.contain('unsafe');
                expect(page.text).to.not.match(
                    /<script(?! src="\/oauth\/pages\/pages\.js\?[0-9a-f]+" defer><\/script>)/
                );
                expect(page.text).to.not.match(/\son\w+=|<style|\sstyle=/);
                for (const [, file] of page.text.matchAll(/(?:src|href)="(\/oauth\/pages\/[^"]+)"/g)) {
                    const { status, headers } = await nobody.send('GET', file!);
                    expect(status).to.equal(200);
                    expect(headers.get('content-type')).to.match(/^text\/(css|javascript)/);
                }
            }
        });

        it('send nobody to another site after the sign-in', async () => {
            const nobody = new Browser(forum.issuer);
            const returnTo = async (text: string): Promise<string | undefined> => {
                const { text: page } = await nobody.send('GET', `/login?return_to=${encodeURIComponent(text)}`);
                return /name="return_to" value="([^"]*)"/.exec(page)?.[1];
            };
            for (const path of ['/oauth/consent?user_code=ABCD-EFGH', '/api/oauth/authorize?state=a\\b//c#d']) {
                expect(await returnTo(path)).to.equal(path);
            }
            const elsewhere = [
                'https://evil.example',
                '//evil.example',
                '/\\evil.example',
                '/\t/evil.example',
                '\n//evil.example',
                '/a\\..\\..\\\\evil.example',
                'javascript:alert(1)',
                'evil',
                ''
            ];
            for (const text of elsewhere) {
                expect(await returnTo(text)).to.equal('/');
            }
            expect(await returnTo('/"><script>')).to.equal('/&#34;&#62;&#60;script&#62;');
            const { text: twice } = await nobody.send('GET', '/login?return_to=/a&return_to=//b');
            expect(twice).to.contain('name="return_to" value="/"');

            const signIn = async (fields: Record<string, string>, headers = {}): Promise<[number, string | null]> => {
                const body = new URLSearchParams({ handle: 'frigg', password: 'password', ...fields });
                const init = { method: 'POST', body, headers, redirect: 'manual' } as const;
                const response = await fetch(`${forum.issuer}/login`, init);
                return [response.status, response.headers.get('location')];
            };
            expect(await signIn({ return_to: '/settings/my-apps' })).to.equal([303, '/settings/my-apps']);
            expect(await signIn({ return_to: '//evil.example' })).to.equal([303, '/']);
            expect(await signIn({ password: 'guess' })).to.equal([401, null]);
            expect(await signIn({}, { 'sec-fetch-site': 'cross-site' })).to.equal([403, null]);
        });

        it('leave the command line client to refresh by itself what has expired', async () => {
            const { body: tokens } = await signIn(forum, await forum.browser('frigg'));
            const file = join(forum.directory, 'expired.json');
            const { access_token: accessToken, refresh_token: refreshToken } = tokens;
            await writeFile(file, JSON.stringify({ issuer: forum.issuer, accessToken, refreshToken, expiresAt: 0 }));
            const whoami = await forum.cli('whoami', '--tokens', 'expired.json').finished;
            expect(whoami).to.equal({ code: 0, output: 'frigg\n' });
            const kept = JSON.parse(await readFile(file, 'utf8')) as { refreshToken: string };
            expect(kept.refreshToken).to.not.equal(refreshToken);
            expect((await forum.cli('fly').finished).code).to.equal(2);
            expect((await forum.cli('whoami').finished).output).to.equal('Nobody is signed in: npm run cli -- login\n');
        });

        it('let in nobody with a wrong password or by anything but JSON', async () => {
            const path = '/api/auth/password/signin';
            const browser = new Browser(forum.issuer);
            for (const handle of ['frigg', 'nobody', 'FRIGG ']) {
                const { status, headers } = await browser.send('POST', path, { handle, password: 'passw0rd' });
                expect(status).to.equal(401);
                expect(headers.get('set-cookie')).to.be.null();
            }
            const form = await sendForm(`${forum.issuer}${path}`, { handle: 'frigg', password: 'password' });
            expect(form.status).to.equal(415);
            const { headers } = await browser.send('POST', path, { handle: 'frigg', password: 'password' });
            expect(headers.get('set-cookie')).to.match(/^storyden-session=.*; HttpOnly; SameSite=Lax; Path=\//);
        });
    });

    it('hand the cleanup to a worker where there is a Redis, which ends with the forum', async () => {
        const connection = new Redis(redisUrl(), { maxRetriesPerRequest: null });
        const queue = new Queue('oauth-maintenance', { connection });
        const forum = await ExampleForum.start({ DATABASE_URL: ':memory:', REDIS_URL: redisUrl() });
        try {
            let names: string[] = [];
            for (const end = Date.now() + 10_000; names.length < 3 && Date.now() < end; await sleep(50)) {
                names = (await queue.getJobSchedulers()).map(({ name }) => name);
            }
            expect(names.sort()).to.equal(['expire-device-codes', 'prune-refresh-chains', 'remove-unused']);
            expect((await forum.stop()).code).to.equal(0);
            expect(await queue.getWorkers()).to.be.empty();
        } finally {
            await forum.done();
            await queue.obliterate({ force: true });
            await queue.close();
            connection.disconnect();
        }
    });

    const mistakes: { env: Record<string, string>; says: string }[] = [
        { env: { PORT: 'http' }, says: 'PORT must be a whole number, but got "http"' },
        { env: { PORT: '70000' }, says: 'PORT must be a number from 1 to 65535, but got 70000' },
        {
            env: { DATABASE_URL: 'postgres://localhost' },
            says: 'DATABASE_URL must begin with mysql:// or mariadb://, or be :memory:'
        },
        { env: { ACCESS_TOKEN_TTL: '15m' }, says: 'ACCESS_TOKEN_TTL must be a whole number, but got "15m"' },
        { env: { SIGNING_KEY: '{"d":"hush"' }, says: 'SIGNING_KEY must be a private JWK or a list of them, as JSON' }
    ];
    for (const { env, says } of mistakes) {
        it(`are refused with a message where they are wrong: ${says}`, () => {
            expect(() => readSettings(env)).to.throw(says);
        });
    }

    it('count as left out where they are empty', () => {
        const empty = { PORT: '', ISSUER: '', DATABASE_URL: '', REDIS_URL: '', SIGNING_KEY: '', ACCESS_TOKEN_TTL: '' };
        expect(readSettings(empty)).to.equal(readSettings({}));
        expect(readSettings({})).to.equal({
            port: 3000,
            issuer: 'http://localhost:3000',
            databaseUrl: undefined,
            redisUrl: undefined,
            signingKeys: undefined,
            lifetimes: {}
        });
    });

    it('that the plugin or the database refuses end the process with code 1 and a message', async () => {
        const refused: [Record<string, string>, RegExp][] = [
            [{ ISSUER: 'http://forum.example' }, /ended with 1: The forum failed: .*"issuer" must be an https URL/],
            [{ DATABASE_URL: 'mysql://127.0.0.1:1/forum' }, /ended with 1: The forum failed: .*ECONNREFUSED/],
            [
                { SIGNING_KEY: '{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","d":"hush"}' },
                /ended with 1: The forum failed: .*"signingKeys\[0\]"(?!.*hush)/
            ]
        ];
        await Promise.all(
            refused.map(async ([env, says]) => {
                await expect(ExampleForum.start({ DATABASE_URL: ':memory:', ...env })).to.reject(Error, says);
            })
        );
    });
});
