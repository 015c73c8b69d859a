import { createServer } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Process } from '../process.mjs';

/** The sizes of the pools of one process after the other: enough connections as a rule, and sometimes too few. */
const POOLS = [10, 2, 10, 10, 1];

/** Keeps a web process running on one port: whatever ends it, another that stands by takes its place. */
export class Supervisor {
    origin;
    starts = 0;
    sweeps = { runs: 0, rows: 0 };
    /** Ends that nobody asked for, and answers of 500. */
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

    /** @param clock milliseconds from the true time; later processes have it too */
    setClock(clock) {
        this.#settings.clock = clock;
        this.tell({ clock });
    }

    /** @returns milliseconds until the process had ended by itself after SIGTERM; null when it had to be killed */
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
                this.failures.push(`The web process ended by itself (${code ?? signal})`);
            }
            if (!hasListened) {
                // Most likely its database is away.
                await sleep(200);
            }
        }
    }

    #standBy() {
        const child = new Process('faults/web.mjs', []);
        // What is told to a process that has just been killed is lost, as it should be.
        child.child.stdin.on('error', () => undefined);
        return child;
    }

    #read(lines) {
        for (const { sweep, failure } of lines) {
            if (sweep) {
                this.sweeps.runs += 1;
                this.sweeps.rows += Object.values(sweep.counts).reduce((sum, rows) => sum + rows, 0);
            }
            if (failure) {
                this.failures.push(failure);
            }
        }
    }
}
