import { mariadb } from './mariadb.mjs';
import { startServers } from './index.mjs';
import { locate } from './programs.mjs';
import { redis } from './redis.mjs';

const DEFINITIONS = { mariadb, redis };
const VARIABLES = { mariadb: 'TEST_DATABASE_URL', redis: 'TEST_REDIS_URL' };

/** What each of several processes shares with no other on a Redis server that they have in common. */
function redisDatabase(index) {
    const url = new URL(process.env.TEST_REDIS_URL);
    url.pathname = String(Number(url.pathname.slice(1)) + index);
    return { TEST_REDIS_URL: url.href };
}

/**
 * Starts throwaway servers for so many processes, a MariaDB and a Redis for each, except where TEST_DATABASE_URL or
 * TEST_REDIS_URL name one. `ready` resolves to the environment of each process.
 */
export function startTestServers(count) {
    const missing = Object.keys(VARIABLES).filter((name) => !process.env[VARIABLES[name]]);
    // At once, or all would install what is not there.
    locate(missing.map((name) => DEFINITIONS[name]));
    const hosts = Array.from({ length: count }, () => missing.length > 0 && startServers(missing));

    const environment = async (host, index) => {
        const shared = process.env.TEST_REDIS_URL && index > 0 ? redisDatabase(index) : {};
        if (!host) {
            return shared;
        }

        const { urls, control } = await host.ready;
        return {
            ...shared,
            ...Object.fromEntries(missing.map((name) => [VARIABLES[name], urls[name]])),
            TEST_SERVERS: JSON.stringify({ control, names: missing })
        };
    };

    return {
        ready: Promise.all(hosts.map(environment)),
        stop: () => Promise.all(hosts.map((host) => host && host.stop()))
    };
}
