import { TableColumn } from 'typeorm';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { locked } from './locked';

const TABLES = ['oauth_grants', 'oauth_authorization_requests', 'oauth_device_authorizations'];

/** Requests, device codes and grants are for one protected resource; those from before are for the default one. */
export class Resources1795824000000 implements MigrationInterface {
    name = 'Resources1795824000000';

    async up(runner: QueryRunner): Promise<void> {
        await locked(runner, async () => {
            for (const table of TABLES) {
                if (!(await runner.hasColumn(table, 'resource'))) {
                    const column = { name: 'resource', type: 'varchar', length: '512', isNullable: true };
                    await runner.addColumn(table, new TableColumn(column));
                }
            }
        });
    }

    async down(runner: QueryRunner): Promise<void> {
        await locked(runner, async () => {
            for (const table of TABLES) {
                if (await runner.hasColumn(table, 'resource')) {
                    await runner.dropColumn(table, 'resource');
                }
            }
        });
    }
}
