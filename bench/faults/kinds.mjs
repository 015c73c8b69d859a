import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';

export const KINDS = ['web', 'mariadb', 'redis', 'cuts', 'silence', 'pool', 'lock', 'slow', 'clock'];

/**
 * The faults, by kind.
 *
 * @param server throwaway servers
 * @param url of the database
 * @param line the connection between the web process and MariaDB
 * @param web the supervisor of the web process
 * @param duration of a fault that lasts, milliseconds
 */
export function createFaults({ server, url, line, web, duration }) {
    let clock = 0;
    const restart = async (name) => {
        await server.act(name, 'kill');
        await sleep(500 + Math.random() * 1500);
        await server.act(name, 'start');
    };
    return {
        web: () => web.kill(),
        mariadb: () => restart('durable-mariadb'),
        redis: () => restart('redis'),
        cuts: async () => {
            line.cut(0.02);
            await sleep(duration);
            line.cut(0);
        },
        silence: async () => {
            line.silence(true);
            await sleep(duration);
            line.silence(false);
        },
        pool: async () => {
            web.tell({ hold: duration });
            await sleep(duration);
        },
        lock: async () => {
            const connection = await mysql.createConnection(url);
            await connection.query('LOCK TABLES oauth_refresh_tokens WRITE');
            await sleep(duration);
            await connection.end();
        },
        slow: async () => {
            web.tell({ slow: { share: 0.3, ms: 6000 } });
            await sleep(duration);
            web.tell({ slow: { share: 0, ms: 0 } });
        },
        clock: () => {
            clock -= 60_000;
            web.setClock(clock);
        }
    };
}
