import Joi from 'joi';

/** Private JWKs. What is in each is checked when it is imported. */
export const signingKeys = Joi.array().items(Joi.object().unknown()).min(1).required();

/** `aud` of access tokens. */
export const audience = Joi.string().max(512);
