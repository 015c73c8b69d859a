import type { KeySet } from './keys';

/** What signing and verifying tokens needs of the registration. */
export interface Issuer {
    readonly keys: Pick<KeySet, 'sign' | 'signForClient' | 'verify'>;
    readonly settings: {
        readonly issuer: string;
        readonly lifetimes: { readonly accessToken: number };
    };
    /** The current time, epoch milliseconds. */
    readonly clock: () => number;
}
