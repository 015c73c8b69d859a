import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What runs, and ends with this process. */
const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A Node.js process of a measurement. */
export class Process {
    /** The lines of its output, JSON parsed. */
    lines = [];
    #waiting = [];

    /** @param script relative to this folder */
    constructor(script, args, env = {}) {
        this.child = spawn(process.execPath, [fileURLToPath(new URL(script, import.meta.url)), ...args], {
            stdio: ['pipe', 'pipe', 'inherit'],
            env: { ...process.env, ...env }
        });
        this.exit = once(this.child, 'exit');
        running.add(this.child);
        this.exit.then(() => running.delete(this.child));
        createInterface(this.child.stdout).on('line', (line) => {
            this.lines.push(JSON.parse(line));
            this.#waiting.forEach((check) => check());
        });
    }

    get pid() {
        return this.child.pid;
    }

    /** The first line for which `wanted` holds. */
    async line(wanted = () => true) {
        return new Promise((resolve, reject) => {
            const check = () => {
                const found = this.lines.find(wanted);
                if (found) {
                    resolve(found);
                }
            };
            this.#waiting.push(check);
            this.exit.then(() => reject(new Error('The process ended')));
            check();
        });
    }

    /** Writes a line to its input. */
    tell(line) {
        this.child.stdin.write(`${line}\n`);
    }

    async stop(signal = 'SIGTERM') {
        this.child.kill(signal);
        await this.exit;
    }
}
