import Joi from 'joi';
import { seconds } from './lifetimes';

/** Personal access keys, with which members' scripts act for them without OAuth. */
export interface AccessKeysOptions {
    /** For how long a key works at most, seconds. Default: for ever. */
    maxLifetime?: number;
}

export const accessKeys = Joi.object<AccessKeysOptions>({ maxLifetime: seconds })
    .allow(false)
    .default(false)
    .messages({ 'object.base': '{{#label}} must be false or an object' });
