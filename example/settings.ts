import type { JWK } from 'jose';
import type { Lifetimes } from '../plugin';

/** Where the embedded database and what was generated once are kept, below the working directory. */
export const DATA_DIRECTORY = '.data';

export interface Settings {
    port: number;
    issuer: string;
    /** `mysql://…` or `mariadb://…`, `:memory:`, or undefined for the embedded database in a file. */
    databaseUrl: string | undefined;
    redisUrl: string | undefined;
    /** Undefined: generated and kept. */
    signingKeys: JWK[] | undefined;
    lifetimes: Partial<Lifetimes>;
}

type Environment = Record<string, string | undefined>;

/**
 * Reads the settings from the environment. An empty variable counts as unset.
 *
 * @throws Error that names the variable
 */
export function readSettings(env: Environment): Settings {
    const port = number(env, 'PORT') ?? 3000;
    if (port < 1 || port > 65_535) {
        throw new Error(`PORT must be a number from 1 to 65535, but got ${port}`);
    }
    const databaseUrl = env.DATABASE_URL || undefined;
    if (databaseUrl !== undefined && !/^(mysql:\/\/|mariadb:\/\/|:memory:$)/.test(databaseUrl)) {
        throw new Error('DATABASE_URL must begin with mysql:// or mariadb://, or be :memory:');
    }
    return {
        port,
        issuer: env.ISSUER || `http://localhost:${port}`,
        databaseUrl,
        redisUrl: env.REDIS_URL || undefined,
        signingKeys: signingKeys(env.SIGNING_KEY || undefined),
        lifetimes: lifetimes(env)
    };
}

/** What the environment says of lifetimes; the rest is left to the plugin's defaults. */
function lifetimes(env: Environment): Partial<Lifetimes> {
    const given = {
        accessToken: number(env, 'ACCESS_TOKEN_TTL'),
        refreshToken: number(env, 'REFRESH_TOKEN_TTL'),
        deviceCode: number(env, 'DEVICE_CODE_TTL'),
        devicePollInterval: number(env, 'DEVICE_POLL_INTERVAL'),
        refreshRetryWindow:
            env.REFRESH_RETRY_WINDOW === 'until-used' ? 'until-used' : number(env, 'REFRESH_RETRY_WINDOW')
    };
    return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function number(env: Environment, name: string): number | undefined {
    const text = env[name];
    if (text === undefined || text === '') {
        return undefined;
    }
    if (!/^\d{1,12}$/.test(text)) {
        throw new Error(`${name} must be a whole number, but got ${JSON.stringify(text)}`);
    }
    return Number(text);
}

function signingKeys(text: string | undefined): JWK[] | undefined {
    if (text === undefined) {
        return undefined;
    }
    try {
        const given = JSON.parse(text) as JWK | JWK[];
        return Array.isArray(given) ? given : [given];
    } catch {
        // The parser's own message would quote the key.
        throw new Error('SIGNING_KEY must be a private JWK or a list of them, as JSON');
    }
}
