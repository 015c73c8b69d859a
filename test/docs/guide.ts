import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import type { Browser } from 'playwright-core';
import { launch, Window } from '../support/chromium';
import { createDatabase, type TestDatabase } from '../support/database';
import { blocksOf, curlOf, filesOf, readDocument, type ShownCommand, type ShownFile } from '../support/documents';
import { freePort, type Program } from '../support/example';
import { HostProject } from '../support/host-project';
import { eventually } from '../support/maintenance';
import { redisUrl } from '../support/servers';

export const lab = Lab.script();
const { describe, it, before, after } = lab;

/** Where the guide's forum is, as the guide writes it. */
const SHOWN = 'http://localhost:3000';

const CALLBACK = 'http://127.0.0.1:9/callback';

describe('The forum of docs/guide.md', () => {
    let guide: string;
    let files: ShownFile[];
    let project: HostProject;
    let browser: Browser;
    let database: TestDatabase;
    let origin: string;
    let forum: Program;
    const environment = (): Record<string, string> => ({ PORT: new URL(origin).port });

    /** The n-th text of a file. */
    const version = (path: string, place: number): ShownFile => files.filter((file) => file.path === path).at(place)!;

    before(async () => {
        guide = await readDocument('docs/guide.md');
        files = filesOf(guide);
        // The first text of each file comes last, and so stays.
        [project, browser, database, origin] = await Promise.all([
            HostProject.create([...files].reverse()),
            launch(),
            createDatabase(),
            freePort().then((port) => `http://localhost:${port}`)
        ]);
        await project.installPackage();
        await project.shell('node make-secrets.js > .env');
    });

    after(async () => {
        forum?.child.kill('SIGTERM');
        await forum?.finished;
        await browser?.close();
        await database?.drop();
        await project?.done();
    });

    async function startForum(env: Record<string, string> = {}): Promise<void> {
        forum = project.start(['--env-file=.env', 'server.js'], { ...environment(), ...env });
        await forum.says(/The forum is at/);
    }

    async function stopForum(): Promise<void> {
        forum.child.kill('SIGTERM');
        const { code, output } = await forum.finished;
        expect(code, output).to.equal(0);
    }

    /** Runs a command of the guide and checks that it answers what the guide shows. */
    async function paste({ command, answer }: ShownCommand, env: Record<string, string> = {}): Promise<Shown> {
        const output = JSON.parse(await project.shell(command.replaceAll(SHOWN, origin), env)) as Shown;
        expect(Object.keys(output)).to.only.include(Object.keys(answer as object));
        return output;
    }

    async function signIn({ page }: Window, handle: string): Promise<void> {
        await page.getByLabel('Handle').fill(handle);
        await page.getByLabel('Password').fill('password');
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.waitForURL((url) => url.pathname !== '/login');
    }

    /** The session cookie of a member, and what it opens. */
    async function session(handle: string, returnTo = '/'): Promise<{ cookie: string; location: string }> {
        const response = await fetch(`${origin}/login?return_to=${encodeURIComponent(returnTo)}`, {
            method: 'POST',
            redirect: 'manual',
            body: new URLSearchParams({ handle, password: 'password' })
        });
        expect(response.status).to.equal(303);
        return {
            cookie: response.headers.getSetCookie()[0]!.split(';')[0]!,
            location: response.headers.get('location')!
        };
    }

    /** An authorization request of an application that a member has made for it. */
    async function request(): Promise<string> {
        const { cookie } = await session('frigg');
        const response = await fetch(`${origin}/api/auth/oauth/clients`, {
            method: 'POST',
            headers: { cookie, 'content-type': 'application/json' },
            body: JSON.stringify({
                name: 'A <b>reader</b>',
                type: 'public',
                allowed_grants: ['authorization_code'],
                allowed_scopes: ['openid', 'READ_THREADS'],
                redirect_uris: [CALLBACK],
                pkce_required: true
            })
        });
        const { client } = (await response.json()) as { client: { client_id: string } };
        const query = new URLSearchParams({
            response_type: 'code',
            client_id: client.client_id,
            redirect_uri: CALLBACK,
            scope: 'openid READ_THREADS',
            state: 'the state',
            code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
            code_challenge_method: 'S256'
        });
        return `${origin}/api/oauth/authorize?${query.toString()}`;
    }

    it('imports only packages that the guide installs', () => {
        const installed = blocksOf(guide)
            .flatMap(({ text }) => [...text.matchAll(/^npm install (.*)$/gm)])
            .flatMap(([, names]) => names!.split(' '));
        const imported = files
            .flatMap(({ content }) => [...content.matchAll(/ from '([^'.][^']*)'/g)])
            .map(([, name]) => /^(@[^/]+\/)?[^/]+/.exec(name!)![0])
            .filter((name) => !name.startsWith('node:'));
        expect(imported).to.include(['hapi-forum-oauth', '@hapi/cookie', 'typeorm']);
        expect(installed).to.include([...new Set(imported)]);
    });

    describe('as it is first started', () => {
        before(() => startForum());
        after(stopForum);

        it('lets a command-line tool sign in by the page for devices, and act', async () => {
            const [device, tokens, thread] = curlOf(guide);
            const asked = await paste(device!);
            const window = await Window.open(browser);
            const { page } = window;
            await page.goto(asked.verification_uri_complete!);
            await window.button('Continue');
            await page.waitForURL(/\/login\?/);
            await signIn(window, 'frigg');
            await window.button('Continue');
            await page.getByText(asked.user_code!).waitFor();
            expect(await page.locator('#consent').innerText()).to.contain('Forum CLI wants to use your account');
            expect(await page.locator('#scopes li').allInnerTexts()).to.include([
                'Stay connected until you disconnect it',
                'Create threads in your name'
            ]);
            await window.button('Approve');
            await page.getByText('Approved. Go back to your device.').waitFor();
            await window.close();

            const issued = await paste(tokens!, { DEVICE_CODE: asked.device_code! });
            expect(issued.scope).to.equal((tokens!.answer as Shown).scope);
            const written = await paste(thread!, { ACCESS_TOKEN: issued.access_token! });
            expect(written.title).to.equal('From the command line');
        });

        it('lets an application sign a member in by the page for applications', async () => {
            for (const [decision, parameter] of [
                ['Approve', 'code'],
                ['Deny', 'error']
            ] as const) {
                const window = await Window.open(browser);
                const { page } = window;
                await page.goto(await request());
                await signIn(window, 'frigg');
                await page.getByText('It will be able to').waitFor();
                expect(await page.locator('#consent').innerText()).to.contain(
                    'A <b>reader</b> wants to use your account'
                );
                expect(await page.locator('#scopes li').allInnerTexts()).to.equal([
                    'Recognise your account',
                    'Read threads'
                ]);
                expect(await page.locator('#destination').innerText()).to.equal('127.0.0.1:9');
                const callback = page.waitForRequest((sent) => sent.url().startsWith(CALLBACK));
                await window.button(decision);
                const { searchParams } = new URL((await callback).url());
                expect(searchParams.get('state')).to.equal('the state');
                expect(searchParams.has(parameter)).to.be.true();
                await window.close();
            }
        });

        it('says so when a code is wrong, a request is gone, or an account cannot approve', async () => {
            const window = await Window.open(browser);
            const { page } = window;
            await page.goto(`${origin}/login?return_to=/oauth/authorize/consent?request_id=none`);
            await signIn(window, 'frigg');
            await page.getByText('This request has expired or is already decided.').waitFor();
            await page.goto(`${origin}/oauth/consent`);
            await page.getByLabel('Code on your device').fill('AAAA-AAAA');
            await window.button('Continue');
            await page.getByText('This request has expired or is already decided.').waitFor();
            await window.close();

            const loki = await Window.open(browser);
            const asked = await paste(curlOf(guide)[0]!);
            await loki.page.goto(asked.verification_uri_complete!);
            await loki.button('Continue');
            await signIn(loki, 'loki');
            await loki.button('Continue');
            await loki.page.getByText('This account cannot approve the request.').waitFor();
            await loki.close();
        });

        it('goes back to its own paths only after the sign-in', async () => {
            const own = '/oauth/consent?user_code=A%26B&x=\\';
            expect((await session('loki', own)).location).to.equal(`${origin}${own}`);
            for (const foreign of [
                'https://evil.example/',
                '//evil.example/',
                '/\\evil.example/',
                '/\t/evil.example/',
                'javascript:alert(1)',
                'evil.example',
                ''
            ]) {
                expect((await session('loki', foreign)).location).to.equal(`${origin}/`);
            }
            expect((await session('loki', '/.//evil.example/')).location).to.equal(`${origin}//evil.example/`);
        });

        it('refuses a wrong password, an unknown account and a form of another site', async () => {
            const send = (fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> =>
                fetch(`${origin}/login`, { method: 'POST', headers, body: new URLSearchParams(fields) });
            expect((await send({ handle: 'frigg', password: 'wrong' })).status).to.equal(401);
            expect((await send({ handle: 'nobody', password: 'password' })).status).to.equal(401);
            const right = { handle: 'frigg', password: 'password' };
            expect((await send(right, { 'sec-fetch-site': 'cross-site' })).status).to.equal(403);
        });

        it('opens its routes to who holds the permission, by session and by token', async () => {
            const url = `${origin}/api/threads`;
            const { cookie } = await session('loki');
            const body = JSON.stringify({ title: 'No' });
            const headers = { cookie, 'content-type': 'application/json' };
            expect((await fetch(url, { headers: { cookie } })).status).to.equal(200);
            expect((await fetch(url, { method: 'POST', headers, body })).status).to.equal(403);
            expect((await fetch(url)).status).to.equal(401);
            expect((await fetch(url, { headers: { authorization: 'Bearer wrong' } })).status).to.equal(401);
        });
    });

    describe('with the ready-made pages', () => {
        before(async () => {
            await project.write([version('consent.js', 1)]);
            await startForum();
        });

        after(stopForum);

        it('shows them in the place of its own', async () => {
            const window = await Window.open(browser);
            await window.page.goto(await request());
            await signIn(window, 'frigg');
            expect(await window.text()).to.contain('Read the threads that you can read.');
            await window.page.goto(`${origin}/settings/my-apps`);
            expect(await window.text()).to.contain('A <b>reader</b>');
            await window.close();
        });
    });

    describe('in production', () => {
        // A Redis database of its own, so that no other test counts or works there.
        const redis = new Redis(new URL('/7', redisUrl()).href);
        const production = (): Record<string, string> => ({
            DATABASE_URL: database.url,
            REDIS_URL: new URL('/7', redisUrl()).href
        });

        before(async () => {
            await redis.flushdb();
            await project.write([version('oauth.js', 1)]);
            const migrated = await project.run(['--env-file=.env', 'migrate.js'], production());
            expect(migrated).to.match(/^CreateForum/m);
            await startForum(production());
        });

        after(async () => {
            redis.disconnect();
            await stopForum();
        });

        it('counts in Redis, by the address that the proxy names', async () => {
            const ask = async (address: string): Promise<number> => {
                const { status } = await fetch(`${origin}/api/oauth/device_authorization`, {
                    method: 'POST',
                    headers: { 'x-real-ip': address },
                    body: new URLSearchParams({ client_id: 'forum-cli', scope: 'openid profile offline_access' })
                });
                expect(status).to.equal(200);
                return (await redis.keys('oauth-limit:*')).filter((key) => !key.endsWith(':probe')).length;
            };
            // While Redis is slow to answer, the forum counts by itself.
            await eventually(async () => (await ask('192.0.2.1')) === 2);
            await eventually(async () => (await ask('192.0.2.2')) === 4);
        });

        it('logs what happens, without a secret in it', async () => {
            const { cookie } = await session('frigg');
            expect(forum.output).to.contain('"level":"info","type":"device_authorization_requested"');
            expect(forum.output).not.to.contain(cookie);
        });

        it('answers tokens of the new key and the old one while a key is rotated', async () => {
            const [line] = (await project.shell('grep OAUTH_SIGNING_KEYS .env')).match(/\[.*\]/)!;
            let list = line;
            const kids = (): string[] => (JSON.parse(list) as { kid: string }[]).map(({ kid }) => kid);
            const rotate = async (step: string): Promise<string[]> => {
                list = await project.run(['rotate-keys.js', step], { OAUTH_SIGNING_KEYS: list });
                return kids();
            };
            const old = kids();
            const appended = await rotate('append');
            const added = appended.slice(old.length);
            expect(appended).to.equal([...old, ...added]);
            expect(await rotate('move')).to.equal([...added, ...old]);
            expect(await rotate('remove')).to.equal(added);
            const algorithms = (JSON.parse(list) as { alg: string }[]).map(({ alg }) => alg);
            expect(algorithms).to.equal(['ES256', 'RS256']);
            await expect(rotate('')).to.reject(/append, move or remove/);
        });

        it('is cleaned by a worker', async () => {
            const worker = project.start(['worker.js'], production());
            await worker.says(/The worker is running/);
            await worker.says(/"job":"expire-device-codes"/);
            worker.child.kill('SIGTERM');
            const { code, output } = await worker.finished;
            expect(code, output).to.equal(0);
        });

        it('revokes all grants by the statement for a restored backup', async () => {
            const [statement] = blocksOf(guide).filter(({ language }) => language === 'sql');
            const connection = await createConnection(database.url);
            await connection.query(statement!.text);
            await connection.end();
        });
    });
});

/** What a command answers. */
type Shown = Record<string, string | undefined>;
