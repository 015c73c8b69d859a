import { Table } from 'typeorm';
import type { MigrationInterface, QueryRunner, TableColumnOptions } from 'typeorm';
import { locked } from './locked';

const text = (name: string, length: number): TableColumnOptions => ({ name, type: 'varchar', length: String(length) });
const time = (name: string): TableColumnOptions => ({ name, type: 'bigint' });
const optional = (column: TableColumnOptions): TableColumnOptions => ({ ...column, isNullable: true });

const accessKeys = new Table({
    name: 'oauth_access_keys',
    engine: 'InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin',
    columns: [
        { ...text('id', 20), isPrimary: true },
        text('account_id', 128),
        { name: 'place', type: 'integer' },
        text('name', 200),
        text('key_hash', 43),
        optional({ name: 'scopes', type: 'text' }),
        time('created_at'),
        time('updated_at'),
        optional(time('expires_at')),
        optional(time('last_used_at'))
    ],
    indices: [
        { name: 'idx_oauth_access_keys_key', columnNames: ['key_hash'], isUnique: true },
        { name: 'idx_oauth_access_keys_account', columnNames: ['account_id', 'place'], isUnique: true },
        { name: 'idx_oauth_access_keys_created', columnNames: ['created_at', 'id'] },
        { name: 'idx_oauth_access_keys_expires', columnNames: ['expires_at', 'id'] }
    ]
});

/** Members make keys for scripts that need no OAuth. */
export class AccessKeys1796200000000 implements MigrationInterface {
    name = 'AccessKeys1796200000000';

    async up(runner: QueryRunner): Promise<void> {
        await locked(runner, () => runner.createTable(accessKeys, true));
    }

    async down(runner: QueryRunner): Promise<void> {
        await locked(runner, () => runner.dropTable(accessKeys.name, true));
    }
}
