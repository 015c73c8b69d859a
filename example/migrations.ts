import { Table, type MigrationInterface, type QueryRunner, type TableColumnOptions } from 'typeorm';

/** Any character in a title, whatever the database's default is. The embedded database ignores it. */
const engine = 'InnoDB DEFAULT CHARSET=utf8mb4';

const id: TableColumnOptions = { name: 'id', type: 'varchar', length: '20', isPrimary: true };
const text = (name: string, length: number): TableColumnOptions => ({ name, type: 'varchar', length: String(length) });

/** The forum's own tables, beside the plugin's. */
export class CreateForumTables1792000000000 implements MigrationInterface {
    name = 'CreateForumTables1792000000000';

    async up(queryRunner: QueryRunner): Promise<void> {
        await queryRunner.createTable(
            new Table({
                name: 'forum_roles',
                engine,
                columns: [id, text('name', 100), { name: 'permissions', type: 'text' }]
            })
        );
        await queryRunner.createTable(
            new Table({
                name: 'forum_accounts',
                engine,
                columns: [
                    id,
                    { ...text('handle', 50), isUnique: true },
                    text('name', 100),
                    text('email', 200),
                    text('password_hash', 200),
                    { name: 'suspended', type: 'boolean', default: false },
                    text('role_id', 20)
                ],
                foreignKeys: [
                    { columnNames: ['role_id'], referencedTableName: 'forum_roles', referencedColumnNames: ['id'] }
                ]
            })
        );
        await queryRunner.createTable(
            new Table({
                name: 'forum_threads',
                engine,
                columns: [
                    id,
                    text('title', 200),
                    { name: 'body', type: 'text' },
                    text('author_id', 20),
                    { name: 'created_at', type: 'bigint' }
                ],
                indices: [{ columnNames: ['created_at', 'id'] }],
                foreignKeys: [
                    { columnNames: ['author_id'], referencedTableName: 'forum_accounts', referencedColumnNames: ['id'] }
                ]
            })
        );
    }

    async down(queryRunner: QueryRunner): Promise<void> {
        for (const table of ['forum_threads', 'forum_accounts', 'forum_roles']) {
            await queryRunner.dropTable(table);
        }
    }
}

export const migrations = [CreateForumTables1792000000000];
