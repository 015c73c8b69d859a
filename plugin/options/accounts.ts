import Joi from 'joi';

/** An account of the forum, as it is now. */
export interface Account {
    /** At most 128 characters; `sub` of every token. */
    id: string;
    handle: string;
    name: string;
    /** What the account may do now. Names that `permissions.all` does not list are ignored. */
    permissions: string[];
    email?: { address: string; verified: boolean };
}

/** The host's accounts. */
export interface Accounts {
    /** The account, or null where there is none or it may not act now (suspended, deleted). */
    find(accountId: string): Promise<Account | null>;
}

/** `Joi.any()`, because `Joi.object()` with keys would clone it, and a clone lacks the private members of its class. */
export const accounts = Joi.any()
    .required()
    .custom((value: Partial<Accounts> | null) => {
        if (typeof value?.find !== 'function') {
            throw new Error('find is missing');
        }
        return value;
    })
    .messages({ 'any.custom': '{{#label}} must be an object with a function find(accountId)' });
