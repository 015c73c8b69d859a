import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { entities, migrations } from '../plugin';
import { createDatabase, type TestDatabase } from './support/database';

const lab = Lab.script();
export { lab };
const { afterEach, beforeEach, describe, it } = lab;

const WRITES = /^\s*(CREATE|ALTER|DROP|UPDATE|INSERT|DELETE)/i;

class HostMigration1600000000000 implements MigrationInterface {
    async up(runner: QueryRunner): Promise<void> {
        await runner.query('CREATE TABLE accounts (id VARCHAR(20) PRIMARY KEY)');
    }

    async down(runner: QueryRunner): Promise<void> {
        await runner.query('DROP TABLE accounts');
    }
}

describe('the migrations', { timeout: 120_000 }, () => {
    let database: TestDatabase;
    let sources: DataSource[] = [];

    beforeEach(async () => {
        database = await createDatabase();
    });

    afterEach(async () => {
        await Promise.all(sources.map((source) => source.destroy()));
        sources = [];
        await database.drop();
    });

    async function connect(): Promise<DataSource> {
        const source = new DataSource({ ...database.options, entities, migrations });
        await source.initialize();
        sources.push(source);
        return source;
    }

    async function expectNoDrift(source: DataSource): Promise<void> {
        const { upQueries } = await source.driver.createSchemaBuilder().log();
        expect(upQueries.map(({ query }) => query)).to.equal([]);
    }

    it('can be run by several processes at once, where TypeORM has its own table', async () => {
        // A host that has migrated before. TypeORM itself does not create its table for two processes at once.
        const host = new DataSource({ ...database.options, migrations: [HostMigration1600000000000] });
        await host.initialize();
        sources.push(host);
        await host.runMigrations();
        const processes = [await connect(), await connect(), await connect()];
        await Promise.all(processes.map((source) => source.runMigrations()));
        await expectNoDrift(processes[0]!);
        expect(await processes[1]!.runMigrations()).to.equal([]);
    });

    it('go on wherever they were interrupted, forwards and back', async () => {
        const source = await connect();
        /** Runs a migration up to so many writes. @returns whether it came to its end */
        const interrupt = async (at: number, direction: 'up' | 'down', place: number): Promise<boolean> => {
            const runner = source.createQueryRunner();
            const query = runner.query.bind(runner) as (...parameters: unknown[]) => Promise<unknown>;
            let writes = 0;
            const interrupted: QueryRunner['query'] = ((sql: string, ...rest: unknown[]) => {
                writes += WRITES.test(sql) ? 1 : 0;
                return writes > at ? Promise.reject(new Error('interrupted')) : query(sql, ...rest);
            }) as QueryRunner['query'];
            runner.query = interrupted;
            try {
                await new migrations[place]!()[direction](runner);
                return true;
            } catch (error) {
                expect((error as Error).message).to.contain('interrupted');
                return false;
            } finally {
                runner.query = query as QueryRunner['query'];
                await runner.release();
            }
        };
        /** Interrupts a migration again and again, a little later each time. */
        const struggle = async (direction: 'up' | 'down', place: number): Promise<number> => {
            let times = 0;
            // What is done is not done again, so from some place on even one more write is enough.
            for (let at = 0; !(await interrupt(at, direction, place)); at += 2) {
                times += 1;
            }
            return times;
        };
        const all = migrations.map((_migration, place) => place);
        /** How often each can be interrupted at least. */
        const least = [2, 5, 0, 1, 0];
        for (const place of all) {
            expect(await struggle('up', place)).to.be.above(least[place]!);
        }
        await expectNoDrift(source);
        for (const place of all.slice(1).reverse()) {
            expect(await struggle('down', place)).to.be.above(least[place]!);
        }
        for (const place of all.slice(1)) {
            expect(await struggle('up', place)).to.be.above(least[place]!);
        }
        await expectNoDrift(source);
        for (const place of all.reverse()) {
            expect(await struggle('down', place)).to.be.above(least[place]!);
        }
        const [{ tables } = { tables: 1 }] = await source.query<{ tables: number }[]>(
            "SELECT COUNT(*) AS tables FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE 'oauth%'"
        );
        expect(Number(tables)).to.equal(0);
    });
});
