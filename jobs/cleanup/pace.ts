const FIRST_BATCH = 200;
const SMALLEST_BATCH = 20;

/** How long a batch should take, milliseconds: so short that no request waits for it noticeably. */
const TARGET = 20;

/** How many rows the next batch of one kind looks at, adapted to how long the last one took. */
export class Pace {
    readonly #largest: number;
    #size: number;

    constructor(largest: number) {
        this.#largest = largest;
        this.#size = Math.min(FIRST_BATCH, largest);
    }

    get size(): number {
        return this.#size;
    }

    /** @param took how long the last batch took, milliseconds */
    adapt(took: number): void {
        const factor = Math.min(2, Math.max(0.25, TARGET / Math.max(took, 1)));
        const smallest = Math.min(SMALLEST_BATCH, this.#largest);
        this.#size = Math.min(this.#largest, Math.max(smallest, Math.round(this.#size * factor)));
    }
}
