import { createServer } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Process } from '../lib/process.mjs';

/** The pool sizes of one process after the other: mostly enough connections, sometimes too few. */
const POOLS = [10, 2, 10, 10, 1];

/** Keeps a web process running on one port. When it ends, a process on standby replaces it. */
export class Supervisor {
    origin;
    starts = 0;
    cleanups = { runs: 0, rows: 0 };
    /** Unexpected exits, and responses of 500. */
    failures = [];
    #settings;
    #child;
    #spare;
    #stopping = false;
    #running;

    /** @param settings of `web.mjs`, without port and pool */
    constructor(settings) {
        this.#settings = { ...settings, clock: 0 };
    }

    async start() {
        const probe = createServer().listen(0, '127.0.0.1');
        await once(probe, 'listening');
        const { port } = probe.address();
        await new Promise((resolve) => probe.close(resolve));
        this.origin = `http://127.0.0.1:${port}`;
        this.#running = this.#supervise({ ...this.#settings, port });
        await this.#child.line(({ listening }) => listening);
    }

    kill() {
        this.#child.child.kill('SIGKILL');
    }

    tell(change) {
        this.#child.tell(JSON.stringify(change));
    }

    /** @param clock difference from the true time, milliseconds; also used by later processes */
    setClock(clock) {
        this.#settings.clock = clock;
        this.tell({ clock });
    }

    /** @returns milliseconds between SIGTERM and the end of the process; null when it had to be killed */
    async stop(patience = 20_000) {
        this.#stopping = true;
        const began = performance.now();
        this.#child.child.kill('SIGTERM');
        const timer = setTimeout(() => this.#child.child.kill('SIGKILL'), patience);
        this.#spare.child.kill('SIGKILL');
        await this.#running;
        clearTimeout(timer);
        return this.#child.child.exitCode === 0 ? performance.now() - began : null;
    }

    async #supervise(settings) {
        while (!this.#stopping) {
            const web = { ...settings, clock: this.#settings.clock, pool: POOLS[this.starts++ % POOLS.length] };
            const child = this.#spare ?? this.#standBy();
            child.tell(JSON.stringify({ start: web }));
            this.#child = child;
            this.#spare = this.#standBy();
            const [code, signal] = await child.exit;
            this.#read(child.lines);
            const hasListened = child.lines.some(({ listening }) => listening);
            if (hasListened && !this.#stopping && signal !== 'SIGKILL') {
                this.failures.push(`The web process exited unexpectedly (${code ?? signal})`);
            }
            if (!hasListened) {
                // Most likely the database is down.
                await sleep(200);
            }
        }
    }

    #standBy() {
        const child = new Process('faults/web.mjs');
        // Messages to a process that has just been killed are lost.
        child.child.stdin.on('error', () => undefined);
        return child;
    }

    #read(lines) {
        for (const { cleanup, failure } of lines) {
            if (cleanup) {
                this.cleanups.runs += 1;
                this.cleanups.rows += Object.values(cleanup.counts).reduce((sum, rows) => sum + rows, 0);
            }
            if (failure) {
                this.failures.push(failure);
            }
        }
    }
}
