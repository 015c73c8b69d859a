import { requireIoredis, type RedisConnection } from '../worker/redis';
import { UsageError } from './usage-error';

/** A Redis server, a Redis that Sentinels know by a name, or a Redis Cluster. */
export interface RedisSettings {
    kind: 'server' | 'sentinel' | 'cluster';
    hosts: { host: string; port: number }[];
    /** The name that Sentinels know the primary by. */
    name?: string;
    database?: number;
    username?: string;
    password?: string;
    tls: boolean;
}

const FORMS = [
    'redis://host:port/database',
    'redis+sentinel://sentinel:port,sentinel:port/name/database',
    'redis+cluster://host:port,host:port'
];

const URL_PATTERN =
    /^(?<scheme>rediss?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<login>[^@/]*)@)?(?<hosts>[^@/?#]+)(?<path>\/[^@?#]*)?$/;

const HOST_PATTERN = /^(?:\[(?<address>[0-9a-fA-F:.]+)\]|(?<host>[^:[\]]+))(?::(?<port>\d{1,5}))?$/;

const PORTS = { server: 6379, sentinel: 26_379, cluster: 6379 };

/**
 * Reads a Redis URL. What it cannot do, it refuses, so that nothing in the URL is silently ignored.
 *
 * @throws UsageError
 */
export function readRedisUrl(text: string | undefined): RedisSettings {
    const { scheme, kind = 'server', login, hosts, path = '' } = URL_PATTERN.exec(text ?? '')?.groups ?? {};
    if (hosts === undefined) {
        throw refused();
    }
    const known = kind as RedisSettings['kind'];
    return {
        kind: known,
        hosts: hosts.split(',').map((host) => readHost(host, PORTS[known])),
        ...readPath(known, path.split('/').slice(1)),
        ...readLogin(login),
        tls: scheme === 'rediss'
    };
}

function readHost(text: string, usual: number): { host: string; port: number } {
    const { address, host, port } = HOST_PATTERN.exec(text)?.groups ?? {};
    if (address === undefined && host === undefined) {
        throw refused();
    }
    return { host: (address ?? host)!, port: port === undefined ? usual : Number(port) };
}

function readPath(kind: RedisSettings['kind'], parts: string[]): Pick<RedisSettings, 'name' | 'database'> {
    const rest = [...parts];
    const name = kind === 'sentinel' ? rest.shift() : undefined;
    const database = rest.shift() ?? '';
    if ((kind === 'sentinel' && !name) || !/^\d{0,4}$/.test(database) || rest.length > 0) {
        throw refused();
    }
    if (kind === 'cluster' && database !== '') {
        throw new UsageError('A Redis Cluster has no databases: leave the number out of the URL');
    }
    return { ...(name && { name: decode(name) }), ...(database !== '' && { database: Number(database) }) };
}

function readLogin(login: string | undefined): Pick<RedisSettings, 'username' | 'password'> {
    if (login === undefined) {
        return {};
    }
    const [username = '', ...password] = login.split(':');
    return {
        ...(username !== '' && { username: decode(username) }),
        ...(password.length > 0 && { password: decode(password.join(':')) })
    };
}

function decode(text: string): string {
    try {
        return decodeURIComponent(text);
    } catch {
        throw new UsageError(
            'A name or password in the Redis URL has a % that is not followed by two hex digits: write %25'
        );
    }
}

function refused(): UsageError {
    return new UsageError(
        `Set a Redis with --redis-url or REDIS_URL, as ${FORMS.join(', ')}, each with rediss for TLS, or use --once`
    );
}

/** What `startWorker` takes for these settings. */
export function connectionOf({ kind, hosts, name, database, username, password, tls }: RedisSettings): RedisConnection {
    const login = { ...(username && { username }), ...(password && { password }), ...(tls && { tls: {} }) };
    if (kind === 'cluster') {
        const { Cluster } = requireIoredis();
        return new Cluster(hosts, { lazyConnect: true, redisOptions: login });
    }
    const options = { ...login, ...(database !== undefined && { db: database }) };
    return kind === 'sentinel'
        ? {
              ...options,
              name,
              sentinels: hosts,
              ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
              // Sentinels without a password of their own take none.
              ...(password && { sentinelPassword: password })
          }
        : { ...options, ...hosts[0] };
}
