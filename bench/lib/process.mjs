import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Children that are running. They stop with this process. */
const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A Node.js process of a measurement, which prints lines of JSON. */
export class Process {
    /** The lines printed so far, parsed. */
    lines = [];
    #waiting = [];

    /** @param script path relative to bench/ */
    constructor(script, args = [], env = {}) {
        this.child = spawn(process.execPath, [fileURLToPath(new URL(`../${script}`, import.meta.url)), ...args], {
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

    /** Resolves to the first line, old or new, for which `wanted` returns true. */
    async line(wanted = () => true) {
        return new Promise((resolve, reject) => {
            const check = () => {
                const found = this.lines.find(wanted);
                if (found) {
                    resolve(found);
                }
            };
            this.#waiting.push(check);
            this.exit.then(() => reject(new Error(`${this.child.spawnargs[1]} ended`)));
            check();
        });
    }

    /** Writes a line to its standard input. */
    tell(line) {
        this.child.stdin.write(`${line}\n`);
    }

    async stop(signal = 'SIGTERM') {
        this.child.kill(signal);
        await this.exit;
    }
}

/** A process that reads tasks, one a line, and answers each with a line. */
export class Tasks extends Process {
    async run(task) {
        const answered = this.lines.length;
        this.tell(JSON.stringify(task));
        return this.line((_line, index) => index >= answered);
    }
}

const CLOCK_TICKS = 100;

/** CPU that a process has used, all its threads included, milliseconds. */
export async function cpu(pid) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / CLOCK_TICKS;
}

/** Resident memory of a process, MB. */
export async function residentMemory(pid) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024;
}
