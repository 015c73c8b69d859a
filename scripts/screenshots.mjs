// node scripts/screenshots.mjs
//
// Renews docs/screenshots from the pages of the example forum. Uses the Chromium that TEST_CHROMIUM names, or the one in
// PATH.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { locateChromium } from './chromium.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PORT = '4399';
const FORUM = `http://localhost:${PORT}`;
const WIDTH = 640;

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

function build() {
    for (const args of [
        ['node_modules/typescript/bin/tsc', '-p', 'example'],
        ['scripts/copy-pages.mjs', 'example/dist/plugin/pages']
    ]) {
        const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
        if (status !== 0) {
            throw new Error(`${args[0]} failed`);
        }
    }
}

/** Starts the example forum with an empty database. */
function startForum(folder) {
    const env = { PATH: process.env.PATH, PORT, DATABASE_URL: ':memory:' };
    const child = spawn(process.execPath, [join(ROOT, 'example/dist/example/main.js')], { cwd: folder, env });
    return new Promise((resolve, reject) => {
        let output = '';
        const read = (data) => {
            output += data;
            if (output.includes('listening on port')) {
                resolve(child);
            }
        };
        child.stdout.on('data', read);
        child.stderr.on('data', read);
        child.once('exit', (code) => reject(new Error(`The forum stopped with ${code}: ${output}`)));
    });
}

/** A page of the forum for a signed-in account. */
async function signIn(browser, handle, colorScheme = 'light') {
    const context = await browser.newContext({ locale: 'en', colorScheme, viewport: { width: WIDTH, height: 640 } });
    const page = await context.newPage();
    await page.goto(`${FORUM}/login`);
    await page.getByLabel('Handle').fill(handle);
    await page.getByLabel('Password').fill('password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL((url) => url.pathname !== '/login');
    return page;
}

/** Sends JSON with the session of a page. */
async function send(page, method, path, data) {
    const response = await page.request.fetch(FORUM + path, { method, ...(data && { data }) });
    if (!response.ok()) {
        throw new Error(`${method} ${path}: ${response.status()} ${await response.text()}`);
    }
    return response.json();
}

async function sendForm(path, fields) {
    const response = await fetch(FORUM + path, { method: 'POST', body: new URLSearchParams(fields) });
    return response.json();
}

const requestDevice = () =>
    sendForm('/api/oauth/device_authorization', {
        client_id: 'storyden-cli',
        scope: 'openid profile offline_access'
    });

/** Connects the built-in application. */
async function connect(page) {
    const { device_code, user_code } = await requestDevice();
    await send(page, 'GET', `/api/oauth/device/consent?user_code=${user_code}`);
    await send(page, 'POST', '/api/oauth/device/consent', { user_code, decision: 'approve' });
    await sendForm('/api/oauth/token', { grant_type: DEVICE_CODE, client_id: 'storyden-cli', device_code });
}

const createApp = (page, fields) =>
    send(page, 'POST', '/api/auth/oauth/clients', {
        name: 'Photo album',
        type: 'public',
        pkce_required: true,
        redirect_uris: ['https://photos.example/callback'],
        allowed_grants: ['authorization_code', 'refresh_token'],
        allowed_scopes: ['openid', 'profile', 'email', 'offline_access', 'READ_PUBLISHED_THREADS'],
        ...fields
    });

async function capture(page, path, name, height) {
    await page.goto(FORUM + path);
    await page.setViewportSize({ width: WIDTH, height });
    await page.screenshot({ path: join(ROOT, 'docs/screenshots', `${name}.png`) });
}

async function captureAll(browser) {
    const frigg = await signIn(browser, 'frigg');
    const odin = await signIn(browser, 'odin', 'dark');

    const { client } = await createApp(frigg);
    await createApp(odin, { name: 'Weather of Asgard' });
    await createApp(frigg, {
        name: 'Greeter',
        type: 'confidential',
        redirect_uris: [],
        allowed_grants: ['client_credentials'],
        allowed_scopes: ['CREATE_POST']
    });

    const { user_code: code } = await requestDevice();
    await capture(frigg, `/oauth/consent?user_code=${code}`, 'device', 900);

    await connect(frigg);
    await connect(frigg);
    await capture(frigg, '/settings/connected-apps', 'connected-apps', 520);

    const authorization = new URLSearchParams({
        response_type: 'code',
        client_id: client.client_id,
        redirect_uri: 'https://photos.example/callback',
        scope: 'openid profile email READ_PUBLISHED_THREADS MANAGE_POSTS',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256'
    });
    await capture(frigg, `/api/oauth/authorize?${authorization}`, 'authorize', 900);

    await frigg.emulateMedia({ colorScheme: 'dark' });
    await capture(frigg, '/settings/my-apps/new', 'new-app', 900);
    await capture(odin, '/admin/apps', 'admin', 640);
}

build();
const folder = mkdtempSync(join(tmpdir(), 'forum-screenshots-'));
const forum = await startForum(folder);
try {
    const browser = await chromium.launch({
        executablePath: locateChromium(),
        args: ['--headless', '--no-sandbox', '--disable-gpu']
    });
    try {
        await captureAll(browser);
    } finally {
        await browser.close();
    }
} finally {
    forum.removeAllListeners('exit');
    forum.kill();
    rmSync(folder, { recursive: true });
}
