/** The arguments are not usable. The message says why, but contains no password. */
export class UsageError extends Error {
    constructor(message: string) {
        // A URL with a password in place of an option's name comes back in the message of the parser.
        super(message.replace(/:\/\/.*@/gs, '://…@'));
    }
}
