import Joi from 'joi';
import { CONSENT_PAGES, origin, type Urls } from './urls';

/** The session credentials that the host's strategy yields. */
export type SessionCredentials = Record<string, unknown>;

/** How the plugin recognises a signed-in browser. */
export interface SessionOptions {
    /** The host's strategy, or strategies, for a signed-in browser. */
    strategy: string | string[];
    /** The account's id in the session's credentials. Default: their `accountId`. */
    accountId?: (credentials: SessionCredentials) => string;
    /** When the person signed in, epoch seconds. Without it `max_age` and `prompt=login` cannot be honoured. */
    authTime?: (credentials: SessionCredentials) => number;
    /** The origins whose pages may use the session endpoints. Default: those of the two consent pages in `urls`. */
    origins?: string[];
}

export interface SessionSettings {
    strategies: string[];
    accountId: (credentials: SessionCredentials) => unknown;
    authTime?: (credentials: SessionCredentials) => number;
    origins: string[];
}

export const session = Joi.object({
    strategy: Joi.alternatives(Joi.string(), Joi.array().items(Joi.string()).min(1).unique()).required(),
    accountId: Joi.function().default(() => accountIdOf),
    authTime: Joi.function(),
    origins: Joi.array()
        .items(origin)
        .unique()
        .default(Joi.ref('...urls', { adjust: originsOf }))
})
    .custom(({ strategy, ...rest }: Required<SessionOptions>): SessionSettings => ({
        ...rest,
        strategies: [strategy].flat()
    }))
    .required();

function accountIdOf({ accountId }: SessionCredentials): unknown {
    return accountId;
}

function originsOf(urls: Urls): string[] {
    return [...new Set(CONSENT_PAGES.map((page) => new URL(urls[page]).origin))];
}
