import type { Request } from '@hapi/hapi';
import Joi from 'joi';
import type { JWK } from 'jose' with { 'resolution-mode': 'import' };
import type { DataSource, EntityMetadata } from 'typeorm';
import { entities } from '../../entities/index';
import { isLoopback } from '../loopback';
import { FORUM_PERMISSIONS } from './forum-permissions';
import { STANDARD_SCOPES } from '../scopes/registry';

/** A member of the forum, as the host knows him now. */
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

/** Lifetimes, in seconds. */
export interface Lifetimes {
    /** Of access and ID tokens. Default 900. */
    accessToken: number;
    /** Of each refresh token, anew at each rotation. Default 2592000, 30 days. */
    refreshToken: number;
    /** Of a whole chain of refresh tokens, from the grant on. Default: no cap. */
    refreshChain?: number;
    /** Default 600. */
    authorizationCode: number;
    /** Default 600. */
    deviceCode: number;
    /** How long a device waits between polls. Default 5. */
    devicePollInterval: number;
    /**
     * For how long a client that lost the answer to a refresh may repeat it. 0 turns it off; `'until-used'` allows it
     * until the successor has been used. Default 60.
     */
    refreshRetryWindow: number | 'until-used';
}

/** A client that comes with the forum: public, inherits its user's permissions, device code and refresh token. */
export interface FirstPartyClient {
    clientId: string;
    name: string;
}

/** So many points in so many seconds, from the first of them on. */
export interface Limit {
    points: number;
    /** At most 86400, a day. */
    seconds: number;
}

/**
 * An ioredis client or cluster. Said in so few words because a host without Redis, which has not got ioredis, reads
 * these types too.
 */
export interface LimitsRedis {
    readonly status: string;
    defineCommand(name: string, definition: { lua: string; numberOfKeys?: number }): void;
}

/** How often something may be done from one address. What a limit leaves out has its default; `false` turns it off. */
export interface LimitsOptions {
    /** Counts for all processes on this Redis. Without it, and while it is away, each process counts for itself. */
    redis?: LimitsRedis;
    /** Where a request comes from. Default: `request.info.remoteAddress`. A forum behind a proxy gives its own. */
    address?: (request: Request) => string | undefined;
    /** Device authorization requests, by client and address. Default: 6000 in 60 seconds. */
    deviceAuthorization?: Partial<Limit> | false;
    /** Refreshes, by client and address. Default: 30000 in 60 seconds. */
    refresh?: Partial<Limit> | false;
    /** Failed authentications of clients, by client and address. Default: 300 in 60 seconds. */
    clientAuthentication?: Partial<Limit> | false;
    /** Wrong user codes, by address, whatever the accounts. Default: 100 in 600 seconds. */
    userCode?: Partial<Limit> | false;
}

/** The session credentials that the host's strategy yields. */
export type SessionCredentials = Record<string, unknown>;

/** The options of the plugin. */
export interface Options {
    /** `https`, or `http` on a loopback host; published exactly as given. No trailing slash, query or fragment. */
    issuer: string;
    /** Initialised, with this package's `entities` in it. */
    dataSource: DataSource;
    accounts: Accounts;
    session: {
        /** The host's strategy, or strategies, for a signed-in browser. */
        strategy: string | string[];
        /** The account's id in the session's credentials. Default: their `accountId`. */
        accountId?: (credentials: SessionCredentials) => string;
        /** When the person signed in, epoch seconds. Without it `max_age` and `prompt=login` cannot be honoured. */
        authTime?: (credentials: SessionCredentials) => number;
        /** The origins whose pages may use the session endpoints. Default: those of `urls`. */
        origins?: string[];
    };
    permissions?: {
        /** Every permission name that the forum knows. */
        all?: string[];
        /** The permission that stands for all. Default `ADMINISTRATOR`. */
        administrator?: string;
        /** What an account needs in order to approve an application. Default `USE_OAUTH_CLIENTS`. */
        authorizeClients?: string;
        /** What an account needs in order to create and edit applications of its own. Default: nothing. */
        manageClients?: string;
    };
    /** Private JWKs, each with `alg`. The first signs, all are published. */
    signingKeys: JWK[];
    /** `aud` of access tokens. Default: the issuer. */
    audience?: string;
    lifetimes?: Partial<Lifetimes>;
    /** Pages of the host's frontend. */
    urls?: { login?: string; authorizationConsent?: string; deviceConsent?: string };
    /** Default: `storyden-cli`, named `Storyden`. */
    firstPartyClients?: FirstPartyClient[];
    bearer?: {
        /** Whether a token's permissions stand until it expires (`token`, default) or are checked at each request. */
        permissions?: 'token' | 'current';
    };
    /** Limits by address; `false` turns all of them off, for a forum that has its own. */
    limits?: LimitsOptions | false;
    /** Sweep expired rows in this process, for a forum that runs in one process without Redis. */
    jobs?: 'in-process';
    /** The current time in epoch milliseconds, for tests. Default: `Date.now`. */
    clock?: () => number;
}

/** The names of the limits, with their defaults. */
export const DEFAULT_LIMITS = {
    deviceAuthorization: { points: 6000, seconds: 60 },
    refresh: { points: 30_000, seconds: 60 },
    clientAuthentication: { points: 300, seconds: 60 },
    userCode: { points: 100, seconds: 600 }
};

export type LimitName = keyof typeof DEFAULT_LIMITS;

export type LimitsSettings = Record<LimitName, Limit | false> & Pick<LimitsOptions, 'redis' | 'address'>;

/** The options with every default filled in. */
export interface Settings {
    issuer: string;
    origin: string;
    dataSource: DataSource;
    accounts: Accounts;
    session: {
        strategies: string[];
        accountId: (credentials: SessionCredentials) => unknown;
        authTime: ((credentials: SessionCredentials) => number) | undefined;
        origins: string[];
    };
    permissions: {
        all: readonly string[];
        administrator: string;
        authorizeClients: string;
        manageClients: string | undefined;
    };
    signingKeys: JWK[];
    audience: string;
    lifetimes: Lifetimes;
    urls: { login: string; authorizationConsent: string; deviceConsent: string };
    firstPartyClients: FirstPartyClient[];
    bearer: { permissions: 'token' | 'current' };
    limits: LimitsSettings;
    jobs: 'in-process' | undefined;
    clock: () => number;
}

/** A hundred years: longer ones are mistakes, and would leave the range of exact times. */
const MAX_SECONDS = 100 * 365 * 24 * 60 * 60;

const seconds = Joi.number().strict().integer().min(1).max(MAX_SECONDS);

/** A scope token (RFC 6749 §3.3) that is not one of OpenID Connect's. */
const permission = Joi.string()
    .max(128)
    .pattern(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'a name without spaces, quotes and backslashes')
    .invalid(...STANDARD_SCOPES);

const webUrl = (text: string): URL | null => {
    const url = URL.canParse(text) ? new URL(text) : null;
    return url && (url.protocol === 'https:' || url.protocol === 'http:') && !url.username && !url.password
        ? url
        : null;
};

const issuer = Joi.string()
    .max(512)
    .custom((value: string) => {
        const url = webUrl(value);
        const secure = url && (url.protocol === 'https:' || isLoopback(url.hostname));
        if (!secure || value !== url.origin + (url.pathname === '/' ? '' : url.pathname) || value.endsWith('/')) {
            throw new Error('not an issuer');
        }
        return value;
    })
    .messages({
        'any.custom':
            '{{#label}} must be an https URL (or http on a loopback host) in its plain form, without trailing slash, query or fragment'
    });

const page = Joi.string()
    .max(2048)
    .custom((value: string) => {
        if (!webUrl(value) || value.includes('#')) {
            throw new Error('not a page');
        }
        return value;
    })
    .messages({ 'any.custom': '{{#label}} must be an absolute http or https URL without fragment' });

const origin = Joi.string()
    .custom((value: string) => {
        // hapi would take an asterisk for a wildcard; no browser sends one.
        if (webUrl(value)?.origin !== value || value.includes('*')) {
            throw new Error('not an origin');
        }
        return value;
    })
    .messages({ 'any.custom': '{{#label}} must be an origin such as https://forum.example' });

/** Migrations and hot paths name the tables as the entities do. */
const isNamedAsGiven = ({ givenTableName, tableName }: EntityMetadata): boolean => tableName === givenTableName;

const dataSource = Joi.any()
    .required()
    .custom((value: DataSource | null) => {
        if (typeof value?.getRepository !== 'function' || typeof value.hasMetadata !== 'function') {
            throw new Error('not a DataSource');
        }
        if (!value.isInitialized) {
            throw new Error('not initialised: await dataSource.initialize() first');
        }
        if (!entities.every((entity) => value.hasMetadata(entity))) {
            throw new Error("without this plugin's entities: add OAuth.entities to its entities");
        }
        if (!entities.every((entity) => isNamedAsGiven(value.getMetadata(entity)))) {
            throw new Error(
                "renaming this plugin's tables: leave entityPrefix out, and a naming strategy that does so"
            );
        }
        return value;
    })
    .messages({
        'any.custom':
            '{{#label}} must be an initialised TypeORM DataSource with OAuth.entities; it is {{#error.message}}'
    });

const accounts = Joi.any()
    .required()
    .custom((value: Accounts | null) => {
        if (typeof value?.find !== 'function') {
            throw new Error('without find');
        }
        return value;
    })
    .messages({ 'any.custom': '{{#label}} must be an object with a function find(accountId)' });

const limit = Joi.object({
    points: Joi.number().strict().integer().min(1).max(1e9),
    // A timer ends each count in memory, and none takes longer than some weeks.
    seconds: seconds.max(24 * 60 * 60)
})
    .allow(false)
    .messages({ 'object.base': '{{#label}} must be false or an object of points and seconds' });

const redis = Joi.any()
    .custom((value: Partial<LimitsRedis> | null) => {
        if (typeof value?.status !== 'string' || typeof value.defineCommand !== 'function') {
            throw new Error('no client');
        }
        return value;
    })
    .messages({ 'any.custom': '{{#label}} must be an ioredis client' });

const schema = Joi.object({
    issuer: issuer.required(),
    dataSource,
    accounts,
    session: Joi.object({
        strategy: Joi.alternatives(Joi.string(), Joi.array().items(Joi.string()).min(1).unique()).required(),
        accountId: Joi.function(),
        authTime: Joi.function(),
        origins: Joi.array().items(origin).unique()
    }).required(),
    permissions: Joi.object({
        all: Joi.array().items(permission).min(1).unique(),
        administrator: permission,
        authorizeClients: permission,
        manageClients: permission
    }),
    signingKeys: Joi.array().items(Joi.object().unknown()).min(1).required(),
    audience: Joi.string().max(512),
    lifetimes: Joi.object({
        accessToken: seconds,
        refreshToken: seconds,
        refreshChain: seconds,
        authorizationCode: seconds,
        deviceCode: seconds,
        devicePollInterval: seconds.min(0),
        refreshRetryWindow: Joi.alternatives(seconds.min(0), Joi.valid('until-used'))
    }),
    urls: Joi.object({ login: page, authorizationConsent: page, deviceConsent: page }),
    firstPartyClients: Joi.array()
        .items(
            Joi.object({
                clientId: Joi.string()
                    .max(128)
                    .pattern(/^[A-Za-z0-9._~-]+$/, 'letters, digits and ._~-')
                    .required(),
                name: Joi.string().max(200).required()
            })
        )
        .unique('clientId'),
    bearer: Joi.object({ permissions: Joi.valid('token', 'current') }),
    limits: Joi.object({
        redis,
        address: Joi.function().messages({ 'object.base': '{{#label}} must be of type function' }),
        deviceAuthorization: limit,
        refresh: limit,
        clientAuthentication: limit,
        userCode: limit
    })
        .allow(false)
        .messages({ 'object.base': '{{#label}} must be false or an object' }),
    jobs: Joi.valid('in-process'),
    clock: Joi.function()
})
    .required()
    .label('options')
    .prefs({ convert: false, abortEarly: true });

/**
 * Checks the options and fills in the defaults.
 *
 * @throws Error that names the option, what was expected and what came
 */
export function readOptions(options: unknown): Settings {
    const result = schema.validate(options) as Joi.ValidationResult<Options>;
    if (result.error) {
        const [detail] = result.error.details;
        const { message, context } = detail!;
        throw new Error(`hapi-forum-oauth: ${message}, but got ${came(context?.value, mayShow(detail!))}`);
    }
    const given = result.value;
    const forumOrigin = new URL(given.issuer).origin;
    const permissions = given.permissions ?? {};
    const administrator = permissions.administrator ?? 'ADMINISTRATOR';
    const urls = {
        login: given.urls?.login ?? `${forumOrigin}/login`,
        authorizationConsent: given.urls?.authorizationConsent ?? `${forumOrigin}/oauth/authorize/consent`,
        deviceConsent: given.urls?.deviceConsent ?? `${forumOrigin}/oauth/consent`
    };
    const { strategy } = given.session;
    return {
        issuer: given.issuer,
        origin: forumOrigin,
        dataSource: given.dataSource,
        accounts: given.accounts,
        session: {
            strategies: typeof strategy === 'string' ? [strategy] : strategy,
            accountId: given.session.accountId ?? ((credentials) => credentials.accountId),
            authTime: given.session.authTime,
            origins: given.session.origins ?? [...new Set(Object.values(urls).map((url) => new URL(url).origin))]
        },
        permissions: {
            all: [...new Set([...(permissions.all ?? FORUM_PERMISSIONS), administrator])],
            administrator,
            authorizeClients: permissions.authorizeClients ?? 'USE_OAUTH_CLIENTS',
            manageClients: permissions.manageClients
        },
        signingKeys: given.signingKeys,
        audience: given.audience ?? given.issuer,
        lifetimes: {
            accessToken: 900,
            refreshToken: 2_592_000,
            authorizationCode: 600,
            deviceCode: 600,
            devicePollInterval: 5,
            refreshRetryWindow: 60,
            ...definedMembers(given.lifetimes)
        },
        urls,
        firstPartyClients: given.firstPartyClients ?? [{ clientId: 'storyden-cli', name: 'Storyden' }],
        bearer: { permissions: given.bearer?.permissions ?? 'token' },
        limits: readLimits(given.limits),
        jobs: given.jobs,
        clock: given.clock ?? (() => Date.now())
    };
}

function readLimits(given: LimitsOptions | false = {}): LimitsSettings {
    const limitOf = (name: LimitName): Limit | false => {
        const limit = given && given[name];
        return limit !== false && { ...DEFAULT_LIMITS[name], ...definedMembers(limit) };
    };
    return {
        ...(given && { redis: given.redis, address: given.address }),
        deviceAuthorization: limitOf('deviceAuthorization'),
        refresh: limitOf('refresh'),
        clientAuthentication: limitOf('clientAuthentication'),
        userCode: limitOf('userCode')
    };
}

/** Options whose value may hold a key or a password, and so may a value under a name that is unknown. */
const SECRET = new Set<string | number | undefined>(['signingKeys', 'dataSource', 'accounts']);

/** The same of `limits`, whose numbers may be shown. */
const SECRET_LIMITS = new Set<string | number | undefined>([undefined, 'redis']);

function mayShow({ path: [first, second], type }: Joi.ValidationErrorItem): boolean {
    return (
        type !== 'object.unknown' &&
        first !== undefined &&
        !SECRET.has(first) &&
        !(first === 'limits' && SECRET_LIMITS.has(second))
    );
}

/** What came, in words. */
function came(value: unknown, show: boolean): string {
    if (value === undefined) {
        return 'nothing';
    }
    if (value === null) {
        return 'null';
    }
    const kind = Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
    if (show && typeof value === 'string') {
        return `${kind} (${JSON.stringify(value.slice(0, 200))})`;
    }
    return show && (typeof value === 'number' || typeof value === 'boolean') ? `${kind} (${value})` : kind;
}

/** The members that are given: an undefined one is as good as none. */
function definedMembers<Value extends object>(value: Value | undefined): Partial<Value> {
    return Object.fromEntries(
        Object.entries(value ?? {}).filter(([, member]) => member !== undefined)
    ) as Partial<Value>;
}
