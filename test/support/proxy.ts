import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * When a connection is cut: before the server has the statement, without waiting for whether it had it, or after the
 * server has answered and before the client knows.
 */
export type Moment = 'before' | 'during' | 'after';
export const MOMENTS: Moment[] = ['before', 'during', 'after'];

const HEADER_BYTES = 4;
const COM_QUERY = 3;
const COM_STMT_PREPARE = 0x16;
const COM_STMT_EXECUTE = 0x17;

/** A way to a MySQL or MariaDB server that can be cut at any statement on the plugin's tables. */
export class DatabaseProxy {
    /** The statements that have come by since the last `cut` or `heal`. */
    readonly statements: string[] = [];
    readonly #listener: Server;
    readonly #sockets = new Set<Socket>();
    #cutAt: (statement: number) => Moment | undefined = () => undefined;

    private constructor(target: { host: string; port: number }) {
        this.#listener = createServer((client) => {
            const server = connect(target.port, target.host);
            this.#pair(client, server);
        });
    }

    static async open(target: { host: string; port: number }): Promise<DatabaseProxy> {
        const proxy = new DatabaseProxy(target);
        proxy.#listener.listen(0, '127.0.0.1');
        await once(proxy.#listener, 'listening');
        return proxy;
    }

    get port(): number {
        return (this.#listener.address() as AddressInfo).port;
    }

    /**
     * Counts statements from here on.
     *
     * @param cutAt when to cut the connection that brings the n-th statement, counted from 1
     */
    cut(cutAt: (statement: number) => Moment | undefined): void {
        this.statements.length = 0;
        this.#cutAt = cutAt;
    }

    heal(): void {
        this.cut(() => undefined);
    }

    async close(): Promise<void> {
        this.#sockets.forEach((socket) => socket.destroy());
        this.#listener.close();
        await once(this.#listener, 'close');
    }

    #pair(client: Socket, server: Socket): void {
        let pending: Moment | undefined;
        const statements = new Statements();
        const destroy = (): void => {
            client.destroy();
            server.destroy();
        };
        for (const socket of [client, server]) {
            this.#sockets.add(socket);
            socket.on('error', destroy);
            socket.on('close', () => {
                this.#sockets.delete(socket);
                destroy();
            });
        }
        client.on('data', (data) => {
            const statement = statements.sent(data);
            if (statement !== undefined) {
                this.statements.push(statement);
                pending = this.#cutAt(this.statements.length);
            }
            if (pending === 'before') {
                destroy();
            } else if (pending === 'during') {
                server.write(data, () => destroy());
            } else {
                server.write(data);
            }
        });
        server.on('data', (data) => {
            statements.answered(data);
            if (pending === 'after') {
                destroy();
            } else {
                client.write(data);
            }
        });
    }
}

/** The statements of one connection, the prepared ones as they are executed. */
class Statements {
    readonly #prepared = new Map<number, string>();
    #preparing: string | undefined;

    /** The statement in what a driver writes at once, where it concerns a table of the plugin. */
    sent(data: Buffer): string | undefined {
        if (data.length <= HEADER_BYTES || data[HEADER_BYTES - 1] !== 0) {
            return undefined;
        }
        const command = data[HEADER_BYTES];
        const text = (): string => data.toString('utf8', HEADER_BYTES + 1).trim();
        if (command === COM_STMT_PREPARE) {
            this.#preparing = text();
            return undefined;
        }
        const statement =
            command === COM_QUERY
                ? text()
                : command === COM_STMT_EXECUTE
                  ? this.#prepared.get(data.readUInt32LE(HEADER_BYTES + 1))
                  : undefined;
        return statement?.includes('oauth_') ? statement : undefined;
    }

    /** Learns from an answer by which number a statement will be executed. */
    answered(data: Buffer): void {
        if (this.#preparing !== undefined && data[HEADER_BYTES] === 0) {
            this.#prepared.set(data.readUInt32LE(HEADER_BYTES + 1), this.#preparing);
        }
        this.#preparing = undefined;
    }
}
