import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');

type Environment = Record<string, string>;

interface Finished {
    code: number | null;
    output: string;
}

/** A child process and all that it has written so far. */
export class Program {
    output = '';
    readonly finished: Promise<Finished>;

    constructor(
        readonly child: ChildProcess,
        private readonly name: string
    ) {
        child.stdout!.on('data', (data: Buffer) => (this.output += data.toString()));
        child.stderr!.on('data', (data: Buffer) => (this.output += data.toString()));
        this.finished = once(child, 'close').then(([code]) => ({ code: code as number | null, output: this.output }));
    }

    /** Resolves when it has written what matches. */
    async says(pattern: RegExp): Promise<RegExpExecArray> {
        for (;;) {
            const match = pattern.exec(this.output);
            if (match) {
                return match;
            }
            await Promise.race([once(this.child.stdout!, 'data'), this.finished]);
            if (this.child.exitCode !== null && !pattern.test(this.output)) {
                throw new Error(`${this.name} ended with ${this.child.exitCode}: ${this.output}`);
            }
        }
    }
}

export function run(file: string, args: string[], { cwd, env = {} }: { cwd: string; env?: Environment }): Program {
    const child = spawn(process.execPath, [file, ...args], {
        cwd,
        // Nothing of the settings that the person who runs the tests may have.
        env: { PATH: process.env.PATH, ...env },
        stdio: ['ignore', 'pipe', 'pipe']
    });
    return new Program(child, file);
}

let built: Promise<Finished> | undefined;

/** Compiles the example as `npm run demo` does, once for all tests, where the test runner has not done so. */
export async function buildExample(): Promise<void> {
    if (process.env.TEST_EXAMPLE === 'built') {
        return;
    }
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    built ??= run(tsc, ['-p', 'example'], { cwd: ROOT }).finished.then(async (compiled) => {
        await run(join(ROOT, 'scripts/copy-pages.mjs'), ['example/dist/plugin/pages'], { cwd: ROOT }).finished;
        return compiled;
    });
    const { code, output } = await built;
    if (code !== 0) {
        throw new Error(`The example does not compile: ${output}`);
    }
}

export async function freePort(): Promise<number> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
}

/** The example forum in a process and a directory of its own. */
export class ExampleForum {
    #program: Program | undefined;

    private constructor(
        readonly directory: string,
        readonly port: number,
        readonly issuer: string,
        readonly env: Environment
    ) {}

    /** @param env settings; `{port}` in them stands for the port */
    static async start(env: Environment = {}): Promise<ExampleForum> {
        await buildExample();
        const port = await freePort();
        const settings = Object.fromEntries(
            Object.entries(env).map(([name, value]) => [name, value.replace('{port}', String(port))])
        );
        const directory = await mkdtemp(join(tmpdir(), 'forum-example-'));
        const issuer = settings.ISSUER ?? `http://localhost:${port}`;
        const forum = new ExampleForum(directory, port, issuer, { PORT: String(port), ...settings });
        try {
            await forum.start();
        } catch (error) {
            await forum.done();
            throw error;
        }
        return forum;
    }

    /** Starts it again after `stop`. */
    async start(): Promise<void> {
        this.#program = run(join(ROOT, 'example/dist/example/main.js'), [], { cwd: this.directory, env: this.env });
        await this.#program.says(/listening on port/);
    }

    /** @returns how it ended */
    async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Finished> {
        this.#program!.child.kill(signal);
        return this.#program!.finished;
    }

    /** Stops it where it runs, and removes its directory. */
    async done(): Promise<void> {
        await this.stop();
        await rm(this.directory, { recursive: true, force: true });
    }

    get output(): string {
        return this.#program!.output;
    }

    /** Runs the example's command line client. */
    cli(...args: string[]): Program {
        return run(join(ROOT, 'example/dist/example/cli.js'), args, {
            cwd: this.directory,
            env: { ISSUER: this.issuer }
        });
    }

    /**
     * Starts the example's second site, in the forum's directory.
     *
     * @param port one of its own, unless it is given
     */
    async site(env: Environment = {}, port?: number): Promise<ExampleSite> {
        const own = port ?? (await freePort());
        const program = run(join(ROOT, 'example/dist/example/site.js'), [], {
            cwd: this.directory,
            env: { ISSUER: this.issuer, SITE_PORT: String(own), ...env }
        });
        await program.says(/A second site is at/);
        return {
            port: own,
            origin: `http://localhost:${own}`,
            stop: () => {
                program.child.kill('SIGTERM');
                return program.finished;
            }
        };
    }

    /** Signs in as a browser would. */
    async browser(handle: string): Promise<Browser> {
        const browser = new Browser(this.issuer);
        const { status } = await browser.send('POST', '/api/auth/password/signin', { handle, password: 'password' });
        if (status !== 200) {
            throw new Error(`${handle} cannot sign in: ${status}`);
        }
        return browser;
    }

    /** Signs the command line client in, with the browser of someone who approves it. */
    async signInCli(browser: Browser, ...options: string[]): Promise<void> {
        const login = this.cli('login', ...options);
        const [, userCode] = await login.says(/enter the code (\S+),/);
        await browser.send('GET', `/api/oauth/device/consent?user_code=${userCode}`);
        await browser.send('POST', '/api/oauth/device/consent', { user_code: userCode, decision: 'approve' });
        const { code, output } = await login.finished;
        if (code !== 0) {
            throw new Error(`The client did not sign in: ${output}`);
        }
    }
}

export interface ExampleSite {
    port: number;
    origin: string;
    /** @returns how it ended */
    stop(): Promise<Finished>;
}

export interface Reply {
    status: number;
    headers: Headers;
    text: string;
    // A test says what it expects of a body; the compiler cannot.
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    body: any;
}

/** Keeps cookies, and says of each request that it comes from the forum's own page. */
export class Browser {
    readonly #cookies = new Map<string, string>();

    /** `name=value` of those that it has been given. */
    get cookie(): string | undefined {
        const pairs = [...this.#cookies].map(([name, value]) => `${name}=${value}`);
        return pairs.length > 0 ? pairs.join('; ') : undefined;
    }

    constructor(readonly origin: string) {}

    async send(method: string, path: string, body?: object): Promise<Reply> {
        const response = await fetch(new URL(path, this.origin), {
            method,
            redirect: 'manual',
            headers: {
                'sec-fetch-site': 'same-origin',
                ...(this.cookie !== undefined && { cookie: this.cookie }),
                ...(body && { 'content-type': 'application/json' })
            },
            ...(body && { body: JSON.stringify(body) })
        });
        for (const text of response.headers.getSetCookie()) {
            const [, name, value] = /^([^=]+)=([^;]*)/.exec(text)!;
            this.#cookies.set(name!, value!);
        }
        return read(response);
    }
}

/** POST of a form, as an application sends it. */
export async function sendForm(url: string, fields: Record<string, string>): Promise<Reply> {
    return read(await fetch(url, { method: 'POST', body: new URLSearchParams(fields) }));
}

/** A request with an access token. */
export async function sendBearer(url: string, token: string): Promise<Reply> {
    return read(await fetch(url, { headers: { authorization: `Bearer ${token}` } }));
}

async function read(response: Response): Promise<Reply> {
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') && text !== '';
    return {
        status: response.status,
        headers: response.headers,
        text,
        body: isJson ? (JSON.parse(text) as unknown) : undefined
    };
}
