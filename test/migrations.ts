import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { entities, migrations } from '../plugin';
import { createDatabase, embeddedDatabase, type TestDatabase } from './support/database';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const TABLES = [
    'oauth_access_keys',
    'oauth_authorization_codes',
    'oauth_authorization_requests',
    'oauth_clients',
    'oauth_device_authorizations',
    'oauth_grants',
    'oauth_login_detours',
    'oauth_refresh_tokens',
    'oauth_user_code_failures'
];

/** What TypeORM would do to the tables to make them what the entities say. */
async function drift(dataSource: DataSource): Promise<string[]> {
    const { upQueries, downQueries } = await dataSource.driver.createSchemaBuilder().log();
    return [...upQueries, ...downQueries].map(({ query }) => query);
}

async function tableNames(dataSource: DataSource): Promise<string[]> {
    const embedded = dataSource.options.type === 'sqljs';
    const rows = await dataSource.query<{ name: string }[]>(
        embedded
            ? "SELECT name FROM sqlite_master WHERE type = 'table'"
            : 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()'
    );
    return rows
        .map(({ name }) => name)
        .filter((name) => name.startsWith('oauth_'))
        .sort();
}

/** Whatever the host's database was made with, and the embedded one. */
const hosts: Record<string, string | null> = {
    'a host database in utf8mb4 that folds accents': 'utf8mb4 COLLATE utf8mb4_unicode_ci',
    'a host database in latin1': 'latin1 COLLATE latin1_swedish_ci',
    'the embedded database': null
};

for (const [host, charset] of Object.entries(hosts)) {
    describe(`the migrations on ${host}`, () => {
        let database: TestDatabase | undefined;
        let dataSource: DataSource;

        before(async () => {
            database = charset === null ? undefined : await createDatabase();
            const options: DataSourceOptions = database?.options ?? embeddedDatabase();
            dataSource = new DataSource({ ...options, entities, migrations });
            await dataSource.initialize();
            if (database) {
                await dataSource.query(`ALTER DATABASE ${database.options.database} CHARACTER SET ${charset}`);
            }
        });

        after(async () => {
            await dataSource.destroy();
            await database?.drop();
        });

        it('make every table of the entities, and nothing that they do not describe', async () => {
            expect(await tableNames(dataSource)).to.equal([]);
            expect(await drift(dataSource)).not.to.equal([]);
            const ran = await dataSource.runMigrations();
            expect(ran).to.have.length(migrations.length);
            expect(await tableNames(dataSource)).to.equal(TABLES);
            expect(await drift(dataSource)).to.equal([]);
        });

        it('run once', async () => {
            expect(await dataSource.runMigrations()).to.equal([]);
        });

        if (charset !== null) {
            it('make tables that compare byte by byte and hold any character', async () => {
                const tables = await dataSource.query<{ engine: string; collation: string }[]>(
                    `SELECT DISTINCT engine AS engine, table_collation AS collation FROM information_schema.tables
                WHERE table_schema = DATABASE() AND table_name LIKE 'oauth%'`
                );
                expect(tables).to.equal([{ engine: 'InnoDB', collation: 'utf8mb4_bin' }]);
                const columns = await dataSource.query<{ collation: string }[]>(
                    `SELECT DISTINCT collation_name AS collation FROM information_schema.columns
                WHERE table_schema = DATABASE() AND table_name LIKE 'oauth%' AND collation_name IS NOT NULL`
                );
                expect(columns).to.equal([{ collation: 'utf8mb4_bin' }]);
            });
        }

        it('keep the grants of a client, and the tokens of a grant, from losing what they name', async () => {
            await dataSource.query(
                `INSERT INTO oauth_clients (id, client_id, name, type, scope_policy, source, verified, status, redirect_uris,
                    allowed_scopes, allowed_grants, created_at, updated_at)
                VALUES ('c', 'c', 'c', 'public', 'explicit', 'member', 0, 'active', '[]', '', '', 1, 1)`
            );
            const grant = `INSERT INTO oauth_grants (id, oauth_client_id, account_id, scope, chain_key, created_at)
                VALUES ('g', ?, 'a', '', 'k', 1)`;
            await expect(dataSource.query(grant, ['absent'])).to.reject();
            await dataSource.query(grant, ['c']);
            await expect(dataSource.query("DELETE FROM oauth_clients WHERE id = 'c'")).to.reject();
        });

        it('go back to nothing, with rows in the tables, and forward again', async () => {
            for (let left = migrations.length; left > 0; --left) {
                await dataSource.undoLastMigration();
            }
            expect(await tableNames(dataSource)).to.equal([]);
            expect(await dataSource.runMigrations()).to.have.length(migrations.length);
            expect(await tableNames(dataSource)).to.equal(TABLES);
            expect(await drift(dataSource)).to.equal([]);
        });
    });
}

describe('the migrations beside a host\u2019s own', () => {
    it('leave its tables alone', async () => {
        const database = await createDatabase();
        const dataSource = new DataSource({ ...database.options, entities, migrations });
        await dataSource.initialize();
        await dataSource.query('CREATE TABLE accounts (id VARCHAR(20) PRIMARY KEY)');
        await dataSource.query("INSERT INTO accounts VALUES ('odin')");
        await dataSource.runMigrations();
        for (let left = migrations.length; left > 0; --left) {
            await dataSource.undoLastMigration();
        }
        expect(await dataSource.query('SELECT id FROM accounts')).to.equal([{ id: 'odin' }]);
        await dataSource.destroy();
        await database.drop();
    });
});
