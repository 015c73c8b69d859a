import { createConnection, type Connection } from 'mysql2/promise';
import type { DataSource } from 'typeorm';
import type { OpenDatabase } from './database';

/** A database behind a proxy that sends plain SELECTs to a replica, which is as far as it was when it last caught up. */
export class StaleReplica {
    #snapshot!: Connection;

    private constructor(
        readonly dataSource: DataSource,
        private readonly url: string
    ) {}

    static async of(database: OpenDatabase): Promise<StaleReplica> {
        // Nothing is prepared where the host has a cast, so that every statement passes here.
        const cast = { typeCast: (_field: unknown, next: () => unknown) => next() };
        const replica = new StaleReplica(await database.connect({ extra: cast }), database.url);
        await replica.catchUp();
        database.stopFirst(replica);
        const { dataSource } = replica;
        const query = dataSource.query.bind(dataSource) as (sql: string, ...rest: unknown[]) => Promise<unknown>;
        const read = async (sql: string, parameters: unknown[] = [], ...rest: unknown[]): Promise<unknown> => {
            if (!/^\s*SELECT\b(?![\s\S]*FOR UPDATE$)/.test(sql)) {
                return query(sql, parameters, ...rest);
            }
            const [rows] = await replica.#snapshot.query(sql, parameters);
            return rows;
        };
        dataSource.query = read as typeof dataSource.query;
        return replica;
    }

    /** From now on, reads see what is there at this moment. */
    async catchUp(): Promise<void> {
        await this.#snapshot?.end();
        this.#snapshot = await createConnection(this.url);
        await this.#snapshot.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    }

    async stop(): Promise<void> {
        await this.#snapshot.end();
        await this.dataSource.destroy();
    }
}
