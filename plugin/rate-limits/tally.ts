/** What a limit says about one count. */
export interface Count {
    /** How many there may be. */
    limit: number;
    /** How many are left. */
    remaining: number;
    /** Milliseconds until the count starts again. */
    reset: number;
    /** Milliseconds to wait; null within the limit. */
    wait: number | null;
}

/** What the limits said about one request: of several, what leaves least. */
export class Tally {
    #tightest: Count | undefined;

    add(count: Count): void {
        if (!this.#tightest || count.remaining < this.#tightest.remaining) {
            this.#tightest = count;
        }
    }

    get tightest(): Count | undefined {
        return this.#tightest;
    }
}
