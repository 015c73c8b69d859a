import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { DATA_DIRECTORY } from './settings';

const USAGE = `Usage:
    npm run cli -- login                   sign in, with a code that you enter in a browser
    npm run cli -- whoami                  say who is signed in
    npm run cli -- refresh                 get new tokens now; otherwise this happens when they have expired
    npm run cli -- post <title> <body>     post a thread

Options:
    --issuer <url>     the forum to sign in to (ISSUER, else http://localhost:3000)
    --tokens <file>    where the tokens are kept (.data/cli.json)`;

const CLIENT_ID = 'storyden-cli';
const SCOPE = 'openid profile offline_access';
const UNAVAILABLE = 'temporarily_unavailable';
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

/** The parts of the forum's metadata (RFC 8414) that this client needs. */
interface Metadata {
    issuer: string;
    token_endpoint: string;
    device_authorization_endpoint: string;
}

interface DeviceAuthorization {
    device_code: string;
    user_code: string;
    verification_uri: string;
    verification_uri_complete: string;
    expires_in: number;
    interval?: number;
}

interface TokenResponse {
    access_token: string;
    refresh_token: string;
    expires_in: number;
    scope: string;
}

/** What is kept between two commands. */
interface Tokens {
    issuer: string;
    accessToken: string;
    refreshToken: string;
    /** Epoch milliseconds. */
    expiresAt: number;
}

/** Something that the person at the terminal should read, rather than a stack trace. */
class Failure extends Error {
    constructor(
        message: string,
        /** The OAuth error code, where there is one. */
        readonly code?: string
    ) {
        super(message);
    }
}

const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
        issuer: { type: 'string', default: process.env.ISSUER || `http://localhost:${process.env.PORT || 3000}` },
        tokens: { type: 'string', default: join(DATA_DIRECTORY, 'cli.json') }
    }
});

/** Asks the forum where its endpoints are. */
async function discover(issuer: string): Promise<Metadata> {
    const { origin, pathname } = new URL(issuer);
    const path = pathname.replace(/\/$/, '');
    const metadata = (await send(new URL(`/.well-known/oauth-authorization-server${path}`, origin))) as Metadata;
    // Otherwise one server could have us talk to another in its name (RFC 8414 §3.3).
    if (metadata.issuer !== issuer) {
        throw new Failure(`${issuer} says that it is ${metadata.issuer}: sign in with --issuer ${metadata.issuer}`);
    }
    return metadata;
}

/** The device flow (RFC 8628): show a code, then ask again and again until the person has decided in a browser. */
async function login(): Promise<void> {
    const metadata = await discover(options.issuer);
    const device = (await sendForm(metadata.device_authorization_endpoint, {
        client_id: CLIENT_ID,
        scope: SCOPE
    })) as DeviceAuthorization;
    console.log(`Open ${device.verification_uri} and enter the code ${device.user_code},`);
    console.log(`or open ${device.verification_uri_complete}`);

    const deadline = Date.now() + device.expires_in * 1000;
    let interval = device.interval ?? 5;
    while (Date.now() < deadline) {
        await sleep(interval * 1000);
        try {
            const response = await sendForm(metadata.token_endpoint, {
                grant_type: DEVICE_CODE,
                client_id: CLIENT_ID,
                device_code: device.device_code
            });
            await keep(metadata.issuer, response as TokenResponse);
            console.log(`Signed in as ${await handle()}.`);
            return;
        } catch (error) {
            const code = error instanceof Failure ? error.code : undefined;
            if (code === 'slow_down') {
                interval += 5;
            } else if (code === UNAVAILABLE) {
                interval *= 2;
            } else if (code !== 'authorization_pending') {
                throw error;
            }
        }
    }
    throw new Failure('Nobody entered the code in time.');
}

/** Spends the refresh token for new tokens (RFC 6749 §6). */
async function refresh(): Promise<Tokens> {
    const { issuer, refreshToken } = await stored();
    const { token_endpoint } = await discover(issuer);
    // If the response is lost, or another command do the same now, the same token yields the same successor for a
    // while, so there is no need to lock anything.
    const response = await sendForm(token_endpoint, {
        grant_type: 'refresh_token',
        client_id: CLIENT_ID,
        refresh_token: refreshToken
    });
    return keep(issuer, response as TokenResponse);
}

/** Calls the forum's API with an access token. */
async function call(path: string, body?: object): Promise<Record<string, unknown>> {
    const tokens = await stored();
    const { issuer, accessToken } = Date.now() < tokens.expiresAt ? tokens : await refresh();
    return (await send(new URL(path, issuer), {
        headers: { authorization: `Bearer ${accessToken}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { method: 'POST', body: JSON.stringify(body) })
    })) as Record<string, unknown>;
}

async function handle(): Promise<string> {
    return String((await call('/api/accounts/me')).handle);
}

async function stored(): Promise<Tokens> {
    try {
        return JSON.parse(await readFile(options.tokens, 'utf8')) as Tokens;
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
            throw new Failure('Nobody is signed in: npm run cli -- login');
        }
        throw error;
    }
}

/** Keeps the tokens in a file that only its owner may read, and that is never half written. */
async function keep(issuer: string, response: TokenResponse): Promise<Tokens> {
    const tokens: Tokens = {
        issuer,
        accessToken: response.access_token,
        refreshToken: response.refresh_token,
        // A token's times are whole seconds: it may end up to one earlier than its lifetime says.
        expiresAt: Date.now() + (response.expires_in - 1) * 1000
    };
    await mkdir(dirname(options.tokens), { recursive: true, mode: 0o700 });
    const draft = `${options.tokens}.${process.pid}`;
    await writeFile(draft, JSON.stringify(tokens, null, 4), { mode: 0o600 });
    await rename(draft, options.tokens);
    return tokens;
}

function sendForm(url: string, fields: Record<string, string>): Promise<unknown> {
    return send(url, { method: 'POST', body: new URLSearchParams(fields) });
}

/** @throws Failure for whatever is not a success */
async function send(url: string | URL, request: RequestInit = {}): Promise<unknown> {
    const response = await fetch(url, request).catch((error: Error) => {
        const { message } = error.cause instanceof Error ? error.cause : error;
        throw new Failure(`${new URL(url).origin} does not answer: ${message}`, UNAVAILABLE);
    });
    const answer = (await response.json().catch(() => ({}))) as Record<string, string | undefined>;
    if (!response.ok) {
        const { error, error_description: description, message } = answer;
        const what = description ?? message ?? `the forum answered ${response.status}`;
        throw new Failure(error === undefined ? what : `${error}: ${what}`, error);
    }
    return answer;
}

async function main([command, ...rest]: string[]): Promise<void> {
    const [title, body] = rest;
    if (command === 'login' && rest.length === 0) {
        await login();
    } else if (command === 'whoami' && rest.length === 0) {
        console.log(await handle());
    } else if (command === 'refresh' && rest.length === 0) {
        const { expiresAt } = await refresh();
        console.log(`The new access token is good until ${new Date(expiresAt).toISOString()}.`);
    } else if (command === 'post' && title && body && rest.length === 2) {
        const thread = await call('/api/threads', { title, body });
        console.log(`Posted ${String(thread.id)}.`);
    } else {
        console.error(USAGE);
        process.exitCode = 2;
    }
}

main(positionals).catch((error: Error) => {
    console.error(error instanceof Failure ? error.message : error);
    process.exitCode = 1;
});
