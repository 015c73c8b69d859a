import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const running = new Set();
let interruption;

const codeOf = (signal) => 128 + constants.signals[signal];

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
        // The first lets the tests go their own way, a second does not.
        running.forEach((child) => child.kill(interruption ? 'SIGKILL' : signal));
        interruption ??= signal;
    });
}

/** The exit code of a run that a signal interrupted; undefined if none did. */
export const interruptedWith = () => interruption && codeOf(interruption);

/** Starts a Node program. It can send messages, ends with a signal that this process gets, and has `ended`: its exit code. */
export function start(args, env = {}) {
    const child = spawn(process.execPath, args, {
        cwd: root,
        env: { ...process.env, ...env },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc']
    });
    running.add(child);
    child.ended = new Promise((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (code, signal) => {
            running.delete(child);
            resolve(code ?? codeOf(signal));
        });
    });
    return child;
}
