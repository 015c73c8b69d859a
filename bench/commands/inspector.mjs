// Connects the command line of the MCP Inspector, as it is published, to the example forum's MCP endpoint, with nothing
// registered before. It needs Node 22, which is installed beside it, and `script` of util-linux, because it signs in on a
// terminal only.
//
// npm run inspector
// Exits with 1 where it cannot list the tools, or write a thread.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { send } from '../clients/send.mjs';

const ROOT = new URL('../..', import.meta.url).pathname;
const INSPECTOR = '@modelcontextprotocol/inspector@2.12.0';
const TIMEOUT = 120_000;

async function freePort() {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    return port;
}

const folder = mkdtempSync(join(tmpdir(), 'inspector-'));
const npm = (...args) => execFileSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });

async function startForum(port) {
    execFileSync('npx', ['tsc', '-p', 'example'], { cwd: ROOT, stdio: 'inherit' });
    execFileSync('node', ['scripts/copy-pages.mjs', 'example/dist/plugin/pages'], { cwd: ROOT, stdio: 'inherit' });
    const forum = spawn('node', [join(ROOT, 'example/dist/example/main.js')], {
        cwd: folder,
        env: { ...process.env, PORT: String(port), DATABASE_URL: ':memory:' },
        stdio: ['ignore', 'pipe', 'inherit']
    });
    await new Promise((resolve, reject) => {
        forum.stdout.on('data', (data) => data.includes('listening on port') && resolve());
        forum.once('exit', () => reject(new Error('The forum did not start')));
    });
    return forum;
}

/** The way of a member through sign-in and consent, up to the callback of the application. */
async function approve(origin, authorization) {
    const json = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };
    const signIn = await fetch(`${origin}/api/auth/password/signin`, {
        method: 'POST',
        headers: json,
        body: JSON.stringify({ handle: 'frigg', password: 'password' })
    });
    const headers = { ...json, cookie: signIn.headers.getSetCookie()[0].split(';')[0] };
    const { location } = await send('GET', authorization, { headers });
    const consent = `${origin}/api/oauth/authorize/consent`;
    const id = new URL(location).searchParams.get('request_id');
    await send('GET', `${consent}?request_id=${id}`, { headers });
    const body = JSON.stringify({ request_id: id, decision: 'approve' });
    const decided = await send('POST', consent, { headers, body });
    await send('GET', decided.body.location);
}

/** Runs the inspector on a terminal of its own, and approves what it asks for. @returns what it wrote */
async function inspect(origin, args) {
    const command = ['mcp-inspector', '--cli', `${origin}/mcp`, ...args].join(' ');
    const child = spawn('script', ['-qefc', command, '/dev/null'], {
        cwd: folder,
        env: {
            HOME: mkdtempSync(join(folder, 'home-')),
            BROWSER: 'none',
            PATH: `${join(folder, 'node_modules/.bin')}:${process.env.PATH}`
        },
        stdio: ['ignore', 'pipe', 'inherit']
    });
    const timer = setTimeout(() => child.kill(), TIMEOUT);
    let output = '';
    let isAsked = false;
    child.stdout.on('data', (data) => {
        output += data;
        const [address] = new RegExp(`${origin}/api/oauth/authorize\\?[!-~]+(?=[^!-~])`).exec(output) ?? [];
        if (address && !isAsked) {
            isAsked = true;
            approve(origin, address).catch((error) => console.error(error));
        }
    });
    await once(child, 'close');
    clearTimeout(timer);
    return output;
}

let failures = 0;
const check = (what, holds, output) => {
    console.log(`${holds ? 'ok     ' : 'FAILED '} ${what}`);
    if (!holds) {
        failures += 1;
        console.log(output);
    }
};

npm('init', '-y');
npm('install', 'node@22', INSPECTOR, '--no-audit', '--no-fund', '--force');
npm('rebuild', 'node');
const port = await freePort();
const origin = `http://localhost:${port}`;
const forum = await startForum(port);
try {
    const tools = await inspect(origin, ['--method', 'tools/list']);
    check(`${INSPECTOR} registers, signs in and lists the tools`, tools.includes('"write_thread"'), tools);
    const thread = ['--tool-arg', 'title=Hello', 'body=World'];
    const written = await inspect(origin, ['--method', 'tools/call', '--tool-name', 'write_thread', ...thread]);
    check('and writes a thread', written.includes('Frigg'), written);
} finally {
    forum.kill();
    await once(forum, 'close');
    rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failures > 0 ? 1 : 0;
