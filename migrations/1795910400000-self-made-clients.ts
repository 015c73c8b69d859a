import { TableColumn, TableIndex } from 'typeorm';
import type { MigrationInterface, QueryRunner, TableColumnOptions } from 'typeorm';
import { locked } from './locked';

const CLIENTS = 'oauth_clients';

const INDEX = { name: 'idx_oauth_clients_source', columnNames: ['source', 'deleted_at', 'created_at', 'id'] };

const time = (name: string): TableColumnOptions => ({ name, type: 'bigint', isNullable: true });

const COLUMNS = [time('used_at'), time('idle_since'), time('metadata_fetched_at')];

const clientId = (length: number): TableColumnOptions => ({
    name: 'client_id',
    type: 'varchar',
    length: String(length)
});

/** Clients register themselves, or are described by a document whose URL is their `client_id`. */
export class SelfMadeClients1795910400000 implements MigrationInterface {
    name = 'SelfMadeClients1795910400000';

    async up(runner: QueryRunner): Promise<void> {
        await locked(runner, async () => {
            for (const column of COLUMNS) {
                if (!(await runner.hasColumn(CLIENTS, column.name))) {
                    await runner.addColumn(CLIENTS, new TableColumn(column));
                }
            }
            await changeLength(runner, 512);
            const table = (await runner.getTable(CLIENTS))!;
            if (!table.indices.some(({ name }) => name === INDEX.name)) {
                await runner.createIndex(CLIENTS, new TableIndex(INDEX));
            }
        });
    }

    async down(runner: QueryRunner): Promise<void> {
        await locked(runner, async () => {
            const table = (await runner.getTable(CLIENTS))!;
            if (table.indices.some(({ name }) => name === INDEX.name)) {
                await runner.dropIndex(CLIENTS, INDEX.name);
            }
            // The version before cannot know such a client, and has no room for its id.
            await runner.query(
                `UPDATE ${CLIENTS} SET deleted_at = COALESCE(deleted_at, updated_at), client_id = CONCAT('was-a-url-', id)
                WHERE client_id LIKE 'https://%'`
            );
            await changeLength(runner, 128);
            for (const { name } of COLUMNS) {
                if (await runner.hasColumn(CLIENTS, name)) {
                    await runner.dropColumn(CLIENTS, name);
                }
            }
        });
    }
}

async function changeLength(runner: QueryRunner, length: number): Promise<void> {
    const column = (await runner.getTable(CLIENTS))!.findColumnByName('client_id')!;
    if (column.length === String(length)) {
        return;
    }
    if (runner.connection.options.type === 'sqljs') {
        await runner.changeColumn(CLIENTS, 'client_id', new TableColumn(clientId(length)));
        return;
    }
    // TypeORM would drop the column and make another one.
    await runner.query(`ALTER TABLE ${CLIENTS} MODIFY client_id varchar(${length}) NOT NULL`);
}
