import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { createConnection, type Connection } from 'mysql2/promise';
import { DataSource } from 'typeorm';
import * as OAuth from '../../plugin/index';
import { Database } from '../../plugin/store/database';
import { DatabaseError, DatabaseUnavailable, DuplicateKey, isUnavailable } from '../../plugin/store/database-errors';
import { createDatabase, embeddedDatabase, type TestDatabase } from '../support/database';
import { basic, CLI, DEVICE_CODE, Forum, FRIGG, type Answer, type CreatedClient, type Tokens } from '../support/forum';
import { throwawayServer } from '../support/servers';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

/** Undefined where the tests use someone's server, which is not theirs to kill. */
const mariadb = throwawayServer('mariadb');
const killing = { skip: mariadb === undefined };

const isUnavailableAnswer = (answer: Answer, shape: 'protocol' | 'management'): void => {
    expect(answer.status, answer.text).to.equal(503);
    expect(Number(answer.headers['retry-after'])).to.be.at.least(1);
    expect(answer.headers['cache-control']).to.equal('no-store');
    expect(Object.keys(answer.body as object)).to.equal(
        shape === 'protocol'
            ? ['error', 'error_description']
            : ['error', 'message', 'error_description', 'suggested', 'metadata']
    );
    expect(answer.body.error).to.equal(shape === 'protocol' ? 'temporarily_unavailable' : 'unavailable');
    expect(answer.text).to.not.match(/ECONN|ER_|PROTOCOL|POOL|queue|mysql|mariadb|127\.0\.0\.1|SELECT|oauth_/i);
};

async function connect(database: TestDatabase, extra: Record<string, unknown> = {}): Promise<DataSource> {
    const dataSource = new DataSource({
        ...database.options,
        entities: OAuth.entities,
        migrations: OAuth.migrations,
        extra
    });
    await dataSource.initialize();
    await dataSource.runMigrations();
    return dataSource;
}

describe('a forum whose database fails', () => {
    let database: TestDatabase;
    let dataSource: DataSource;
    let forum: Forum;
    let bot: CreatedClient;

    before(async () => {
        database = await createDatabase();
        dataSource = await connect(database);
        forum = await Forum.create(dataSource);
        bot = await forum.createClient(FRIGG);
    });

    after(async () => {
        await forum.stop();
        await dataSource.destroy();
        await database.drop();
    });

    const everyEndpoint = async (
        on: Forum,
        { tokens, device }: { tokens: Tokens; device: { device_code: string; user_code: string } }
    ): Promise<void> => {
        const protocol = [
            await on.form('/oauth/device_authorization', CLI),
            await on.token({ grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: device.device_code }),
            await on.refresh(tokens.refresh_token),
            await on.refresh('nonsense'),
            await on.token({ grant_type: 'client_credentials' }, basic(bot.client.client_id, bot.client_secret)),
            await on.as(FRIGG, 'GET', `/oauth/device/consent?user_code=${device.user_code}`),
            await on.as(FRIGG, 'POST', '/oauth/device/consent', { user_code: device.user_code, decision: 'deny' })
        ];
        for (const answer of protocol) {
            isUnavailableAnswer(answer, 'protocol');
        }
        const path = `/auth/oauth/clients/${bot.client.id}`;
        const management = [
            await on.as(FRIGG, 'GET', '/auth/oauth/clients'),
            await on.as(FRIGG, 'POST', '/auth/oauth/clients', {
                name: 'Another',
                type: 'confidential',
                allowed_grants: ['client_credentials'],
                allowed_scopes: []
            }),
            await on.as(FRIGG, 'GET', path),
            await on.as(FRIGG, 'PATCH', path, { name: 'Renamed' }),
            await on.as(FRIGG, 'DELETE', path),
            await on.as(FRIGG, 'POST', `${path}/secret`, {}),
            await on.as(FRIGG, 'GET', '/auth/oauth/tokens'),
            await on.as(FRIGG, 'DELETE', `/auth/oauth/tokens/${bot.client.id}`),
            await on.as(FRIGG, 'DELETE', `/auth/oauth/tokens?oauth_client_id=${bot.client.id}`)
        ];
        for (const answer of management) {
            isUnavailableAnswer(answer, 'management');
        }
    };

    it('says so at every endpoint while the server is down, and goes on when it is back', killing, async () => {
        const tokens = await forum.signIn();
        const device = await forum.device();
        await forum.decide(FRIGG, device.user_code);
        await mariadb!.kill();
        try {
            await everyEndpoint(forum, { tokens, device });
            // What needs no database is not disturbed.
            expect((await forum.as(null, 'GET', '/oauth/jwks')).status).to.equal(200);
            expect((await forum.as(null, 'GET', '/.well-known/openid-configuration')).status).to.equal(200);
        } finally {
            await mariadb!.start();
        }
        // The failed requests have spent nothing.
        const refreshed = await forum.refresh(tokens.refresh_token);
        expect(refreshed.status, refreshed.text).to.equal(200);
        const exchanged = await forum.token({
            grant_type: DEVICE_CODE,
            client_id: CLI.client_id,
            device_code: device.device_code
        });
        expect(exchanged.status, exchanged.text).to.equal(200);
        const { status, body } = await forum.as(FRIGG, 'GET', `/auth/oauth/clients/${bot.client.id}`);
        expect(status).to.equal(200);
        expect(body.name).to.equal('A bot');
    });

    it(
        'answers each request with one of the two when the server dies under load, and no grant is half written',
        killing,
        async () => {
            const devices = [];
            for (let count = 0; count < 20; ++count) {
                const device = await forum.device();
                await forum.decide(FRIGG, device.user_code);
                devices.push(device.device_code);
            }
            const exchange = (deviceCode: string): Promise<Answer> =>
                forum.token({ grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: deviceCode });
            const [answers] = await Promise.all([Promise.all(devices.map(exchange)), mariadb!.kill()]);
            await mariadb!.start();
            for (const [place, answer] of answers.entries()) {
                if (answer.status === 200) {
                    expect((await forum.refresh(answer.body.refresh_token as string)).status).to.equal(200);
                    continue;
                }
                isUnavailableAnswer(answer, 'protocol');
                // Either it was committed just before, or the code still works: never is it lost in between.
                const again = await exchange(devices[place]!);
                expect([200, 400]).to.include(again.status);
            }
            const [orphans] = await dataSource.query(
                `SELECT COUNT(*) AS n FROM oauth_grants g LEFT JOIN oauth_refresh_tokens t ON t.grant_id = g.id
                WHERE t.id IS NULL AND g.exchanged_at IS NOT NULL`
            );
            expect(Number(orphans.n)).to.equal(0);
            const [unexchanged] = await dataSource.query(
                `SELECT COUNT(*) AS n FROM oauth_grants g JOIN oauth_refresh_tokens t ON t.grant_id = g.id
                WHERE g.exchanged_at IS NULL`
            );
            expect(Number(unexchanged.n)).to.equal(0);
        }
    );

    it('says so at every endpoint while its pool is exhausted, and goes on afterwards', async () => {
        const small = await connect(database, { connectionLimit: 1, queueLimit: 1 });
        const busy = await Forum.create(small);
        const tokens = await busy.signIn();
        const device = await busy.device();
        const held = small.createQueryRunner();
        await held.connect();
        // One more may wait; the next is turned away.
        const waiting = busy.refresh(tokens.refresh_token);
        await new Promise((resolve) => setImmediate(resolve));
        const fields = { grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: device.device_code };
        isUnavailableAnswer(await busy.token(fields), 'protocol');
        await everyEndpoint(busy, { tokens, device });
        await held.release();
        expect((await waiting).status).to.equal(200);
        expect((await busy.token(fields)).body.error).to.equal('authorization_pending');

        // A load of requests is answered, each in full or with 503, and none of them breaks the pool.
        const answers = await Promise.all(
            Array.from({ length: 50 }, () => busy.form('/oauth/device_authorization', CLI))
        );
        const refused = answers.filter(({ status }) => status !== 200);
        expect(refused.length).to.be.within(1, 49);
        for (const answer of refused) {
            isUnavailableAnswer(answer, 'protocol');
        }
        expect((await busy.signIn()).scope).to.include('openid');
        await busy.stop();
        await small.destroy();
    });

    it('says so when the database of the accounts is out of reach', async () => {
        const reasons = [
            Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:3306'), { code: 'ECONNREFUSED' }),
            Object.assign(new Error('Connection lost'), { code: 'PROTOCOL_CONNECTION_LOST', fatal: true }),
            Object.assign(new Error('Too many connections'), { code: 'ER_CON_COUNT_ERROR', errno: 1040 }),
            new Error('Queue limit reached.')
        ];
        for (const reason of reasons) {
            const lost = await Forum.create(dataSource, { accounts: { find: () => Promise.reject(reason) } });
            const answer = await lost.token(
                { grant_type: 'client_credentials' },
                basic(bot.client.client_id, bot.client_secret)
            );
            isUnavailableAnswer(answer, 'protocol');
            isUnavailableAnswer(await lost.as(FRIGG, 'GET', '/auth/oauth/clients'), 'management');
            await lost.stop();
        }
    });

    it('says so when someone holds a lock for too long, and has changed nothing then', async () => {
        const impatient = await connect(database, { connectionLimit: 1 });
        await impatient.query('SET SESSION innodb_lock_wait_timeout = 0');
        const other = await createConnection(database.url);
        const waits = await Forum.create(impatient);
        const tokens = await waits.signIn();
        const device = await waits.device();
        await waits.decide(FRIGG, device.user_code);
        const fields = { grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: device.device_code };

        await other.query('START TRANSACTION');
        await other.query('SELECT * FROM oauth_device_authorizations FOR UPDATE');
        await other.query('SELECT * FROM oauth_grants FOR UPDATE');
        isUnavailableAnswer(await waits.token(fields), 'protocol');
        const list = await waits.as(FRIGG, 'GET', '/auth/oauth/tokens');
        const id = list.body.tokens[0].id as string;
        isUnavailableAnswer(await waits.as(FRIGG, 'DELETE', `/auth/oauth/tokens/${id}`), 'management');
        isUnavailableAnswer(await waits.refresh(tokens.refresh_token), 'protocol');
        await other.query('ROLLBACK');

        expect((await waits.token(fields)).status).to.equal(200);
        expect((await waits.refresh(tokens.refresh_token)).status).to.equal(200);
        await other.end();
        await waits.stop();
        await impatient.destroy();
    });

    /** Rotates, retries and reuses. */
    const refreshes = async (on: Forum): Promise<void> => {
        const { refresh_token: first } = await on.signIn();
        const { status, body: second } = await on.refresh(first);
        expect(status).to.equal(200);
        expect((await on.refresh(first)).body.refresh_token).to.equal(second.refresh_token);
        const third = await on.refresh(second.refresh_token as string);
        expect(third.status, third.text).to.equal(200);
        expect((await on.refresh(first)).body.error).to.equal('invalid_grant');
        expect((await on.refresh(third.body.refresh_token as string)).status).to.equal(200);
    };

    it('refreshes where the host reads numbers in a way of its own', async () => {
        interface Field {
            type: string;
            string(): string | null;
        }
        type Next = () => unknown;
        const casts = [
            (field: Field, next: Next) => (field.type === 'LONGLONG' ? field.string() : next()),
            (field: Field, next: Next) => (field.type === 'LONG' ? field.string() : next())
        ];
        for (const typeCast of casts) {
            const own = await connect(database, { typeCast, connectionLimit: 1 });
            const casting = await Forum.create(own);
            await refreshes(casting);
            await casting.stop();
            await own.destroy();
        }
    });

    it('refreshes while the server prepares no statements', killing, async () => {
        const [{ most }] = await dataSource.query('SELECT @@GLOBAL.max_prepared_stmt_count AS most');
        const fresh = await connect(database, { connectionLimit: 1 });
        const unprepared = await Forum.create(fresh);
        await dataSource.query('SET GLOBAL max_prepared_stmt_count = 0');
        try {
            await refreshes(unprepared);
        } finally {
            await dataSource.query(`SET GLOBAL max_prepared_stmt_count = ${most}`);
        }
        await refreshes(unprepared);
        await unprepared.stop();
        await fresh.destroy();
    });

    it('tells TypeORM’s logger why a refresh failed', async () => {
        const failed: string[] = [];
        const ignore = (): void => undefined;
        const logged = new DataSource({
            ...dataSource.options,
            logging: ['error'],
            logger: {
                logQuery: ignore,
                logQueryError: (error) => failed.push(String((error as { code?: string }).code)),
                logQuerySlow: ignore,
                logSchemaBuild: ignore,
                logMigration: ignore,
                log: ignore
            }
        });
        await logged.initialize();
        const wrapped = new Database(logged);
        await expect(wrapped.queryPrepared('SELECT * FROM nothing', [])).to.reject(DatabaseError);
        await expect(wrapped.executePrepared('DELETE FROM nothing', [])).to.reject(DatabaseError);
        expect(failed).to.equal(['ER_NO_SUCH_TABLE', 'ER_NO_SUCH_TABLE']);
        await logged.destroy();
    });
});

describe('the database', () => {
    let database: TestDatabase;
    let dataSource: DataSource;
    let other: Connection;

    before(async () => {
        database = await createDatabase();
        dataSource = await connect(database);
        other = await createConnection(database.url);
        await dataSource.query('CREATE TABLE pairs (id INT PRIMARY KEY, n INT NOT NULL) ENGINE=InnoDB');
        await dataSource.query('INSERT INTO pairs VALUES (1, 0), (2, 0)');
    });

    after(async () => {
        await other.end();
        await dataSource.destroy();
        await database.drop();
    });

    const sums = async (): Promise<number[]> => {
        const rows: { n: number }[] = await dataSource.query('SELECT n FROM pairs ORDER BY id');
        return rows.map(({ n }) => n);
    };

    it('runs a transaction that met a deadlock again from its start', async () => {
        const wrapped = new Database(dataSource);
        let runs = 0;
        let both: () => void;
        const met = new Promise<void>((resolve) => (both = resolve));
        let arrived = 0;
        const meet = async (): Promise<void> => {
            // Only the first time does everybody wait for the other: then each holds what the other wants.
            if (++arrived === 2) {
                both();
            }
            await met;
        };
        const add = (first: number, second: number): Promise<void> =>
            wrapped.transaction(async (queries) => {
                runs += 1;
                await queries.execute('UPDATE pairs SET n = n + 1 WHERE id = ?', [first]);
                await meet();
                await queries.execute('UPDATE pairs SET n = n + 1 WHERE id = ?', [second]);
            });
        await Promise.all([add(1, 2), add(2, 1)]);
        expect(runs).to.equal(3);
        expect(await sums()).to.equal([2, 2]);
    });

    it('runs a statement that waited too long for a lock again, a few times', async () => {
        const impatient = await connect(database, { connectionLimit: 1 });
        await impatient.query('SET SESSION innodb_lock_wait_timeout = 0');
        const wrapped = new Database(impatient);
        const before = await sums();
        await other.query('START TRANSACTION');
        await other.query('SELECT * FROM pairs FOR UPDATE');
        await expect(wrapped.execute('UPDATE pairs SET n = n + 1')).to.reject(DatabaseUnavailable);

        let runs = 0;
        await wrapped.transaction(async (queries) => {
            if (++runs === 3) {
                await other.query('COMMIT');
            }
            await queries.execute('UPDATE pairs SET n = n + 1');
        });
        expect(runs).to.equal(3);
        expect(await sums()).to.equal(before.map((n) => n + 1));
        await impatient.destroy();
    });

    it('leaves nothing of a transaction that fails, and passes on what its work throws', async () => {
        const wrapped = new Database(dataSource);
        const before = await sums();
        const refusal = new TypeError('no');
        const failed = wrapped.transaction(async (queries) => {
            await queries.execute('UPDATE pairs SET n = n + 1');
            throw refusal;
        });
        expect(await expect(failed).to.reject()).to.shallow.equal(refusal);
        expect(await sums()).to.equal(before);
    });

    it('says of an error its code and nothing of the statement', async () => {
        const wrapped = new Database(dataSource);
        const error = await expect(wrapped.query('SELECT * FROM secret_table WHERE id = ?', ['hidden'])).to.reject(
            DatabaseError
        );
        expect(error).to.not.be.instanceof(DatabaseUnavailable);
        expect(error.code).to.equal('ER_NO_SUCH_TABLE');
        expect(JSON.stringify({ ...error, message: error.message, stack: error.stack })).to.not.match(/hidden|secret_/);
        expect(error.cause).to.be.undefined();
    });

    it('tells a duplicate key from other errors, on both databases', async () => {
        await expect(new Database(dataSource).execute('INSERT INTO pairs VALUES (1, 0)')).to.reject(DuplicateKey);
        const embedded = new DataSource({ ...embeddedDatabase() });
        await embedded.initialize();
        await embedded.query('CREATE TABLE pairs (id INT PRIMARY KEY)');
        const small = new Database(embedded);
        await small.execute('INSERT INTO pairs VALUES (1)');
        await expect(small.execute('INSERT INTO pairs VALUES (1)')).to.reject(DuplicateKey);
        const error = await expect(small.query('SELECT * FROM nothing')).to.reject(DatabaseError);
        expect(error).to.not.be.instanceof(DuplicateKey);
        await embedded.destroy();
    });

    it('does one thing after the other on the embedded database', async () => {
        const embedded = new DataSource({ ...embeddedDatabase() });
        await embedded.initialize();
        await embedded.query('CREATE TABLE pairs (id INT PRIMARY KEY)');
        const [first, second] = [new Database(embedded), new Database(embedded)];
        const failing = first.transaction(async (queries) => {
            await queries.execute('INSERT INTO pairs VALUES (1)');
            await new Promise((resolve) => setImmediate(resolve));
            throw new RangeError('no');
        });
        const others = [
            second.execute('INSERT INTO pairs VALUES (2)'),
            first.transaction((queries) => queries.execute('INSERT INTO pairs VALUES (3)')),
            second.transaction((queries) => queries.execute('INSERT INTO pairs VALUES (4)'))
        ];
        await expect(failing).to.reject(RangeError);
        await Promise.all(others);
        expect(await second.query('SELECT id FROM pairs ORDER BY id')).to.equal([{ id: 2 }, { id: 3 }, { id: 4 }]);
        await embedded.destroy();
    });

    it('knows which errors pass', () => {
        const passing = [
            { code: 'ECONNREFUSED' },
            { code: 'ETIMEDOUT' },
            { code: 'PROTOCOL_CONNECTION_LOST' },
            { code: 'POOL_CLOSED' },
            { errno: 1040 },
            { errno: 1053 },
            { errno: 1205 },
            { errno: 1213 },
            { errno: 1927 },
            { driverError: { errno: 1213 } },
            { driverError: { code: 'ECONNRESET' } },
            { fatal: true }
        ];
        for (const each of passing) {
            expect(isUnavailable(Object.assign(new Error('x'), each)), JSON.stringify(each)).to.be.true();
        }
        for (const each of [{}, { errno: 1064 }, { errno: 1146 }, { errno: 1062 }, { code: 'ER_DUP_ENTRY' }]) {
            expect(isUnavailable(Object.assign(new Error('x'), each)), JSON.stringify(each)).to.be.false();
        }
        for (const thrown of [null, undefined, 'ECONNREFUSED', { code: 'ECONNREFUSED' }]) {
            expect(isUnavailable(thrown)).to.be.false();
        }
    });
});
