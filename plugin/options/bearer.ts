import Joi from 'joi';

/** How the `oauth` strategy treats access tokens. */
export interface BearerSettings {
    /** Whether a token's permissions stand until it expires (`token`, default) or are checked at each request. */
    permissions: 'token' | 'current';
    /** The scopes that the challenge of a request without a token names. */
    challengeScope: string[];
}

export const bearer = Joi.object<BearerSettings>({
    permissions: Joi.valid('token', 'current').default('token'),
    challengeScope: Joi.array().items(Joi.string()).default([])
}).default();
