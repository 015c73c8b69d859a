/** A document could not be had. The reason is for the log: to tell it would be to tell what the forum can reach. */
export class FetchError extends Error {
    /** @param isFinal true where a document that was stored before must not stand in */
    constructor(
        readonly reason: string,
        readonly isFinal = false
    ) {
        super(reason);
        this.name = 'FetchError';
    }
}
