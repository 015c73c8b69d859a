import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { DataSource } from 'typeorm';
import { entities } from '../../plugin';
import { createApp, obtainCode, redeem } from '../support/authorization';
import { Forum, FRIGG } from '../support/forum';
import { databaseUrl } from '../support/servers';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

/** Sets something up for every connection that is opened from now on. */
function onConnection(dataSource: DataSource, sql: string): void {
    const { pool } = dataSource.driver as unknown as {
        pool: { on(event: 'connection', listener: (connection: { query(sql: string): void }) => void): void };
    };
    pool.on('connection', (connection) => connection.query(sql));
}

describe('the settings of a database server', () => {
    const database = useDatabase(lab);

    const withOptions = async (options: object, sql?: string): Promise<DataSource> => {
        const dataSource = await database.connect({ entities, ...options });
        if (sql !== undefined) {
            onConnection(dataSource, sql);
            // And for the one that it has opened already.
            await dataSource.query(sql);
        }
        return dataSource;
    };

    const refusal = async (options: object, sql?: string): Promise<string> => {
        const dataSource = await withOptions(options, sql);
        try {
            await (await Forum.create(dataSource)).stop();
            return 'none';
        } catch (error) {
            return (error as Error).message;
        } finally {
            await dataSource.destroy();
        }
    };

    it('stop the registration where a value could end its quotes', async () => {
        for (const charset of ['latin1', 'LATIN1_SWEDISH_CI', 'ascii']) {
            expect(await refusal({ charset }), charset).to.match(/character_set_client is (latin1|ascii).*utf8mb4/);
        }
        const mode = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')";
        expect(await refusal({}, mode))
            .to.contain('NO_BACKSLASH_ESCAPES')
            .and.to.contain('remove it');
    });

    it('stop the registration where nothing would be committed', async () => {
        expect(await refusal({}, 'SET autocommit = 0')).to.contain('autocommit');

        // As an administrator may have set it for everybody.
        const administration = await createConnection(databaseUrl());
        const user = `plain_${process.pid}`;
        const [rows] = await administration.query<RowDataPacket[]>('SELECT @@GLOBAL.init_connect AS init');
        try {
            await administration.query(`CREATE USER ${user}@'%' IDENTIFIED BY 'secret'`);
            await administration.query(
                `GRANT ALL ON \`${String(database.dataSource.options.database)}\`.* TO ${user}@'%'`
            );
            await administration.query('SET GLOBAL init_connect = ?', ['SET autocommit=0']);
            expect(await refusal({ username: user, password: 'secret' })).to.contain('init_connect');
        } finally {
            await administration.query('SET GLOBAL init_connect = ?', [rows[0]!.init]);
            await administration.query(`DROP USER IF EXISTS ${user}@'%'`);
            await administration.end();
        }
    });

    it('are told of where they weaken something', async () => {
        const dataSource = await withOptions({ charset: 'UTF8_GENERAL_CI' });
        const forum = await Forum.create(dataSource);
        expect(forum.log.join()).to.contain('character_set_client is utf8');
        await forum.stop();
        await dataSource.destroy();
    });

    const settings: [string, object, string?][] = [
        ['sql_mode ANSI', {}, "SET SESSION sql_mode = 'ANSI,STRICT_ALL_TABLES'"],
        ['sql_mode TRADITIONAL', {}, "SET SESSION sql_mode = 'TRADITIONAL'"],
        ['an empty sql_mode', {}, "SET SESSION sql_mode = ''"],
        [
            'sql_mode of PAD_CHAR_TO_FULL_LENGTH',
            {},
            "SET SESSION sql_mode = 'PAD_CHAR_TO_FULL_LENGTH,ONLY_FULL_GROUP_BY'"
        ],
        ['SERIALIZABLE', {}, 'SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE'],
        ['READ COMMITTED', {}, 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED'],
        ['dates and big numbers as strings', { dateStrings: true, supportBigNumbers: true, bigNumberStrings: true }],
        ['another time zone', { timezone: '-11:00' }],
        ['a pool of one', { extra: { connectionLimit: 1 } }]
    ];
    for (const [name, options, sql] of settings) {
        it(`do not matter otherwise: ${name}`, async () => {
            const dataSource = await withOptions(options, sql);
            const forum = await Forum.create(dataSource);
            const app = await createApp(forum);
            const answers = await Promise.all(
                Array.from({ length: 3 }, async () => {
                    const code = await obtainCode(forum, app, { scope: 'openid offline_access', state: `ħ'"\\` });
                    return redeem(forum, code);
                })
            );
            for (const { status, body, text } of answers) {
                expect(status, text).to.equal(200);
                const refreshed = await forum.refresh(body.refresh_token as string, { client_id: app.client_id });
                expect(refreshed.status, refreshed.text).to.equal(200);
            }
            expect((await forum.signIn()).refresh_token).to.be.a.string();
            const { body } = await forum.as(FRIGG, 'GET', '/auth/oauth/tokens');
            expect(body.tokens[0].createdAt).to.equal(new Date(forum.now).toISOString());
            expect((await forum.as(FRIGG, 'DELETE', `/auth/oauth/clients/${app.id}`)).status).to.equal(204);
            await forum.stop();
            await dataSource.destroy();
        });
    }
});
