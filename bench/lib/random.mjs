import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startServers } from '../../scripts/servers/index.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Reads a whole number from `--name value` of the command line. */
export function argument(name, fallback) {
    const place = process.argv.indexOf(`--${name}`);
    const given = place === -1 ? fallback : Number(process.argv[place + 1]);
    if (!Number.isSafeInteger(given) || given < 0) {
        throw new Error(`--${name} must be a whole number`);
    }
    return given;
}

/**
 * Runs a random test of the test suite in several processes, all on one throwaway MariaDB and Redis.
 *
 * @param args the path of the test, and arguments for lab
 * @param environments the variables of each process
 * @param onLine takes each line of output, with the number of its process
 * @returns whether all passed
 */
export async function runTests(args, environments, onLine) {
    const servers = startServers(['mariadb', 'redis']);
    const { urls } = await servers.ready;
    const exits = environments.map(
        (environment, number) =>
            new Promise((resolve, reject) => {
                const child = spawn(process.execPath, ['scripts/test.mjs', ...args], {
                    cwd: ROOT,
                    stdio: ['ignore', 'pipe', 'inherit'],
                    env: {
                        ...process.env,
                        TEST_DATABASE_URL: urls.mariadb,
                        TEST_REDIS_URL: urls.redis,
                        ...environment
                    }
                });
                createInterface(child.stdout).on('line', (line) => onLine(line, number));
                child.once('error', reject);
                child.once('close', resolve);
            })
    );
    const codes = await Promise.all(exits);
    await servers.stop();
    return codes.every((code) => code === 0);
}
