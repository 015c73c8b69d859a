import Joi from 'joi';

/** How the `oauth` strategy treats access tokens. */
export interface BearerSettings {
    /** Whether a token's permissions stand until it expires (`token`, default) or are checked at each request. */
    permissions: 'token' | 'current';
}

export const bearer = Joi.object<BearerSettings>({
    permissions: Joi.valid('token', 'current').default('token')
}).default();
