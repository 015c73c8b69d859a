import { boomify } from '@hapi/boom';

/** An error that the error page explains. */
export class PageError extends Error {
    constructor(
        /** The key of its text in `strings`. */
        readonly key: string,
        readonly status: number
    ) {
        super(key);
        boomify(this, { statusCode: status });
    }
}
