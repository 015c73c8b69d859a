import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.mjs';

const ATTEMPTS = 5;
const START_TIMEOUT = 60_000;

/** One throwaway server and its folder. Its port stays the same once it has started. */
export class Server {
    #definition;
    #programs;
    #folder;
    #log;
    #child;
    #port;
    #stopping = false;

    constructor(definition, programs, folder) {
        this.#definition = definition;
        this.#programs = programs;
        this.#folder = folder;
        this.#log = join(folder, 'log');
    }

    get url() {
        return this.#definition.url(this.#port, this.#folder);
    }

    async prepare() {
        mkdirSync(this.#folder);
        const { installer, installation } = this.#definition;
        if (installer) {
            const [code, signal] = await this.#spawn(this.#programs[installer], installation).exit;
            if (code !== 0) {
                throw this.#failure(installer, code ?? signal);
            }
        }
        await this.#definition.configure?.(this.#folder, this.#programs);
    }

    /** Resolves when the server answers; does nothing if it runs already. */
    async start() {
        for (let attempt = 1; !this.#running; ++attempt) {
            const port = this.#port ?? (await freePort());
            await this.#definition.turn?.(this.#folder);
            const { program } = this.#definition;
            this.#spawn(this.#programs[program], this.#definition.arguments(this.#folder, port));

            if (await this.#answers(port)) {
                this.#port = port;
                return;
            }

            // Most likely another process took the port first.
            if (attempt === ATTEMPTS) {
                throw this.#failure(program, this.#child.exitCode ?? this.#child.signalCode);
            }

            await sleep(100 * attempt);
        }
    }

    /** The end that a crash or a power cut would make of it. */
    async kill() {
        if (this.#running) {
            const { exit } = this.#child;
            this.signal('SIGKILL');
            await exit;
        }
    }

    async stop() {
        this.#stopping = true;
        await this.kill();
    }

    signal(signal) {
        process.kill(-this.#child.pid, signal);
    }

    get #running() {
        return this.#child?.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
    }

    #spawn(program, args) {
        if (this.#stopping) {
            throw new Error('Stopped before it had started.');
        }

        const log = openSync(this.#log, 'a');
        // A process group of its own: an installer's children end with it, and a Ctrl-C at the terminal spares both.
        // A folder of its own for temporary files: a MariaDB server that starts removes those that others have in theirs.
        const env = { ...process.env, TMPDIR: this.#folder };
        this.#child = spawn(program, args, { cwd: this.#folder, env, detached: true, stdio: ['ignore', log, log] });
        closeSync(log);
        this.#child.exit = new Promise((resolve) => {
            this.#child.once('exit', (code, signal) => resolve([code, signal]));
            this.#child.once('error', (error) => resolve([error.code, null]));
        });
        return this.#child;
    }

    async #answers(port) {
        const deadline = Date.now() + START_TIMEOUT;
        while (this.#running && Date.now() < deadline) {
            try {
                const answer = this.#definition.isReady(this.#folder, port, this.#child.pid);
                // A stranger with the same port may say nothing at all.
                if (await Promise.race([answer, this.#child.exit.then(() => false)])) {
                    return this.#running;
                }
            } catch {
                // Not yet.
            }

            await sleep(10);
        }

        await this.kill();
        return false;
    }

    #failure(program, outcome) {
        const log = readFileSync(this.#log, 'utf8').trim().split('\n').slice(-20).join('\n');
        return new Error(`${program} did not start (${outcome}):\n${log}`);
    }
}
