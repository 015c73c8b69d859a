import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** The connections between the web process and the database, which can be cut and can fall silent. */
export class Line {
    cuts = 0;
    #listener;
    #pairs = new Set();
    #chance = 0;
    #silent = false;

    static async open(url) {
        const line = new Line();
        const target = new URL(url);
        const { hostname: host, port } = target;
        line.#listener = createServer((client) => line.#pair(client, connect({ host, port: Number(port) })));
        line.#listener.listen(0, '127.0.0.1');
        await once(line.#listener, 'listening');
        target.port = line.#listener.address().port;
        line.url = target.href;
        return line;
    }

    /** @param chance that a connection is cut within the next piece of data, in either direction */
    cut(chance) {
        this.#chance = chance;
    }

    /** Stops or resumes all data. Connections stay open. */
    silence(silent) {
        this.#silent = silent;
        for (const socket of [...this.#pairs].flat()) {
            if (silent) {
                socket.pause();
            } else {
                socket.resume();
            }
        }
    }

    close() {
        this.#listener.close();
        [...this.#pairs].flat().forEach((socket) => socket.destroy());
    }

    #pair(client, server) {
        const pair = [client, server];
        const destroy = () => {
            this.#pairs.delete(pair);
            pair.forEach((socket) => socket.destroy());
        };
        this.#pairs.add(pair);
        for (const [from, to] of [pair, [server, client]]) {
            from.setNoDelay();
            from.on('error', destroy).on('close', destroy);
            from.on('data', (data) => {
                if (Math.random() < this.#chance) {
                    this.cuts += 1;
                    to.write(data.subarray(0, Math.floor(Math.random() * (data.length + 1))), destroy);
                } else {
                    to.write(data);
                }
            });
            if (this.#silent) {
                from.pause();
            }
        }
    }
}
