import type { Request } from '@hapi/hapi';
import Joi from 'joi';
import { seconds } from './lifetimes';

/** So many points in so many seconds, from the first of them on. */
export interface Limit {
    points: number;
    /** At most 86400, a day. */
    seconds: number;
}

/**
 * The part of an ioredis client or cluster that the plugin uses. It is spelled out here because hosts without Redis,
 * and so without ioredis, compile these types too.
 */
export interface LimitsRedis {
    readonly status: string;
    defineCommand(name: string, definition: { lua: string; numberOfKeys?: number }): void;
}

/** How often something may be done by one client, account or client address. Omitted members have defaults; `false` turns a limit off. */
export interface LimitsOptions {
    /** Counts for all processes on this Redis. Without it, and while it is away, each process counts for itself. */
    redis?: LimitsRedis;
    /** The client address of a request. Default: `request.info.remoteAddress`. A forum behind a proxy gives its own. */
    address?: (request: Request) => string | undefined;
    /** Device authorization requests, by client and address. Default: 6000 in 60 seconds. */
    deviceAuthorization?: Partial<Limit> | false;
    /** Refreshes, by client and address. Default: 30000 in 60 seconds. */
    refresh?: Partial<Limit> | false;
    /** Failed authentications of clients, by client and address. Default: 300 in 60 seconds. */
    clientAuthentication?: Partial<Limit> | false;
    /** Tokens of client credentials, by client. Default: 600 in 60 seconds. */
    clientCredentials?: Partial<Limit> | false;
    /** Authorization requests, by account. Default: 120 in 60 seconds. */
    authorize?: Partial<Limit> | false;
    /** Registrations of clients, by address. Default: 600 in 60 seconds. */
    registration?: Partial<Limit> | false;
    /** Wrong user codes, by address, whatever the accounts. Default: 100 in 600 seconds. */
    userCode?: Partial<Limit> | false;
}

export const LIMIT_NAMES = [
    'deviceAuthorization',
    'refresh',
    'clientAuthentication',
    'clientCredentials',
    'authorize',
    'registration',
    'userCode'
] as const;

export type LimitName = (typeof LIMIT_NAMES)[number];

export type LimitsSettings = Record<LimitName, Limit | false> & Pick<LimitsOptions, 'redis' | 'address'>;

/** `Joi.any()`, because `Joi.object()` with keys would clone it, and a clone lacks the private members of its class. */
const redis = Joi.any()
    .custom((value: Partial<LimitsRedis> | null) => {
        if (typeof value?.status !== 'string' || typeof value.defineCommand !== 'function') {
            throw new Error('not a client');
        }
        return value;
    })
    .messages({ 'any.custom': '{{#label}} must be an ioredis client' });

const points = Joi.number().strict().integer().min(1).max(1e9);

/** In memory each count has a timer, and Node's timers are limited to 24 days. */
const window = seconds.max(24 * 60 * 60);

const limit = (defaultPoints: number, defaultSeconds: number): Joi.ObjectSchema =>
    Joi.object({ points: points.default(defaultPoints), seconds: window.default(defaultSeconds) })
        .allow(false)
        .messages({ 'object.base': '{{#label}} must be false or an object of points and seconds' })
        .default();

export const limits = Joi.object({
    redis,
    address: Joi.function().messages({ 'object.base': '{{#label}} must be of type function' }),
    deviceAuthorization: limit(6000, 60),
    refresh: limit(30_000, 60),
    clientAuthentication: limit(300, 60),
    clientCredentials: limit(600, 60),
    authorize: limit(120, 60),
    registration: limit(600, 60),
    userCode: limit(100, 600)
})
    .allow(false)
    .messages({ 'object.base': '{{#label}} must be false or an object' })
    .default();

/** `limits: false` turns every limit off. */
export function limitsSettings(given: LimitsSettings | false): LimitsSettings {
    const none = Object.fromEntries(LIMIT_NAMES.map((name) => [name, false as const]));
    return given || (none as Record<LimitName, false>);
}
