/** What was answered in a run, and what of it must never be. */
export class Records {
    /** 200, 503, 429, and connection errors by their code. */
    outcomes = {};
    latencies = [];
    wrong = [];
    lost = [];
    forked = [];
    /** What else is worth knowing of them. */
    notes = [];
    /** What happened: `{ kind, ended?, gap }`, milliseconds. */
    faults = [];
    /** When a refresh was last answered with tokens. */
    #last = performance.now();
    #successors = new Map();

    count(outcome) {
        this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
    }

    /** A refresh was answered with a successor. */
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

    /** Something begins to break. @returns to be called when it is whole again */
    fault(kind) {
        const fault = { kind, gap: 0 };
        this.faults.push(fault);
        return () => (fault.ended = performance.now());
    }

    /** The longest that no refresh at all was answered with tokens, from before a fault to after it, by kind of fault. */
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
