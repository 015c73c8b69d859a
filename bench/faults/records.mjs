/** The responses of a run, and what of them must never happen. */
export class Records {
    /** How often each status and each connection error occurred. */
    outcomes = {};
    latencies = [];
    wrong = [];
    lost = [];
    forked = [];
    /** Details of the lost grants. */
    notes = [];
    /** The faults: `{ kind, ended?, gap }`, milliseconds. */
    faults = [];
    /** When a refresh last succeeded. */
    #last = performance.now();
    #successors = new Map();

    count(outcome) {
        this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
    }

    /** Records a successful refresh. */
    refreshed({ presented, successor, sent }) {
        const now = performance.now();
        this.latencies.push(now - sent);
        for (const fault of this.faults) {
            if (fault.ended === undefined || fault.ended >= this.#last) {
                fault.gap = Math.max(fault.gap, now - this.#last);
            }
        }
        this.#last = now;
        const known = this.#successors.get(presented);
        if (known !== undefined && known !== successor) {
            this.forked.push(`Two successors of ${presented.slice(0, 26)}…`);
        }
        this.#successors.set(presented, successor);
    }

    /** Records the start of a fault. @returns a function to call at its end */
    fault(kind) {
        const fault = { kind, gap: 0 };
        this.faults.push(fault);
        return () => (fault.ended = performance.now());
    }

    /** The longest time without a successful refresh around a fault, by kind of fault. */
    outages() {
        const kinds = [...new Set(this.faults.map(({ kind }) => kind))];
        return kinds.map((kind) => {
            const own = this.faults.filter((fault) => fault.kind === kind).map(({ gap }) => gap);
            return { kind, times: own.length, longest: Math.max(...own) };
        });
    }

    percentile(share) {
        const sorted = this.latencies.toSorted((one, other) => one - other);
        return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    }
}
