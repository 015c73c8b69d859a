import Joi from 'joi';

/** Lifetimes, in seconds. */
export interface Lifetimes {
    /** Of access and ID tokens. Default 900. */
    accessToken: number;
    /** Of each refresh token, anew at each rotation. Default 2592000, 30 days. */
    refreshToken: number;
    /** Of a whole family of refresh tokens, from the grant on. Default: no cap. */
    refreshChain?: number;
    /** Default 600. */
    authorizationCode: number;
    /** Default 600. */
    deviceCode: number;
    /** How long a device waits between polls. Default 5. */
    devicePollInterval: number;
    /**
     * How long a client that lost the response to a refresh may repeat the refresh. 0 turns retries off; `'until-used'`
     * allows them until the successor has been used. Default 60.
     */
    refreshRetryWindow: number | 'until-used';
}

/** A hundred years. More is a mistake, and in milliseconds would leave the range of exact integers. */
const MAX_SECONDS = 100 * 365 * 24 * 60 * 60;

export const seconds = Joi.number().strict().integer().min(1).max(MAX_SECONDS);

export const lifetimes = Joi.object<Lifetimes>({
    accessToken: seconds.default(900),
    refreshToken: seconds.default(2_592_000),
    refreshChain: seconds,
    authorizationCode: seconds.default(600),
    deviceCode: seconds.default(600),
    devicePollInterval: seconds.min(0).default(5),
    refreshRetryWindow: Joi.alternatives(seconds.min(0), Joi.valid('until-used')).default(60)
}).default();
