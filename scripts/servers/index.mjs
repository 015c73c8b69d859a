import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export { galeraLibrary } from './galera.mjs';

const HOST = fileURLToPath(new URL('host.mjs', import.meta.url));

/**
 * Starts throwaway servers (the names are in host.mjs) on free ports of the loopback interface. They and all they wrote are gone after `stop()`, and also when this process ends without calling it, even by SIGKILL.
 *
 * `ready` resolves to `{ urls: { [name]: url }, control }`, or rejects when they cannot start; why is then on standard
 * error.
 */
export function startServers(names) {
    // Detached, or a Ctrl-C at the terminal would take the servers away from tests that still run.
    const host = spawn(process.execPath, [HOST, ...names], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
    const exit = once(host, 'exit');
    host.stdin.on('error', () => {});

    const ready = new Promise((resolve, reject) => {
        let line = '';
        host.stdout.setEncoding('utf8').on('data', (text) => {
            line += text;
            if (line.endsWith('\n')) {
                resolve(JSON.parse(line));
            }
        });
        exit.then(() => reject(new Error('The servers did not start.')), reject);
    });

    return {
        ready,
        async stop() {
            host.stdin.end();
            await exit;
        }
    };
}
