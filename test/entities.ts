import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { DataSource, type Logger } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata';
import { OAuthClient, OAuthGrant, OAuthRefreshToken } from '../entities';
import { entities, migrations } from '../plugin';
import { createId } from '../plugin/ids';
import { createDatabase, embeddedDatabase, type TestDatabase } from './support/database';
import { basic, CLI, DEVICE_CODE, Forum, FRIGG, LOKI, START } from './support/forum';
import { useDatabase } from './support/setup';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const LATIN = 'a host database in latin1';

for (const host of [LATIN, 'the embedded database']) {
    describe(`what is stored in ${host}`, () => {
        let database: TestDatabase | undefined;
        let dataSource: DataSource;
        let forum: Forum;

        before(async () => {
            database = host === LATIN ? await createDatabase() : undefined;
            dataSource = new DataSource({ ...(database?.options ?? embeddedDatabase()), entities, migrations });
            await dataSource.initialize();
            if (database) {
                await dataSource.query(`ALTER DATABASE ${database.options.database} CHARACTER SET latin1`);
            }
            await dataSource.runMigrations();
            // A cookie holds no such characters as some ids have.
            const accountId = (credentials: Record<string, unknown>): string =>
                decodeURIComponent(String(credentials.accountId));
            forum = await Forum.create(dataSource, { session: { strategy: 'session', accountId } });
        });

        after(async () => {
            await forum.stop();
            await dataSource.destroy();
            await database?.drop();
        });

        it('is found by a client_id of the same bytes only', async () => {
            const { client, client_secret: secret } = await forum.createClient(FRIGG);
            const ask = async (clientId: string): Promise<number> =>
                (await forum.token({ grant_type: 'client_credentials', client_id: clientId, client_secret: secret }))
                    .status;
            const id = client.client_id;
            expect(await ask(id)).to.equal(200);
            const last = id.slice(0, -1);
            for (const other of [
                id.toUpperCase(),
                id.toLowerCase(),
                `${id} `,
                ` ${id}`,
                `${id}\0`,
                `${last}%`,
                `${id}\u0301`
            ]) {
                expect(await ask(other), JSON.stringify(other)).to.equal(401);
            }
            for (const other of [CLI.client_id.toUpperCase(), `${CLI.client_id} `, 'storyd\u00e9n-cli']) {
                const answer = await forum.form('/oauth/device_authorization', { ...CLI, client_id: other });
                expect(answer.body.error, JSON.stringify(other)).to.equal('invalid_client');
            }
        });

        it('is found by a secret, code or token of the same bytes only', async () => {
            const { client, client_secret: secret } = await forum.createClient(FRIGG);
            for (const other of [secret.toUpperCase(), `${secret} `, secret.replace('sdoas', 'SDOAS')]) {
                const answer = await forum.token({ grant_type: 'client_credentials' }, basic(client.client_id, other));
                expect(answer.status).to.equal(401);
            }
            const device = await forum.device();
            await forum.decide(FRIGG, device.user_code);
            const exchange = (code: string): ReturnType<Forum['token']> =>
                forum.token({ grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: code });
            for (const other of [device.device_code.toUpperCase(), `${device.device_code} `]) {
                expect((await exchange(other)).body.error).to.equal('invalid_grant');
            }
            const { refresh_token: token } = (await exchange(device.device_code)).body;
            for (const other of [(token as string).toUpperCase(), `${token} `, `${token}=`]) {
                expect((await forum.refresh(other)).body.error).to.equal('invalid_grant');
            }
            expect((await forum.refresh(token as string)).status).to.equal(200);
        });

        it('keeps accounts apart that differ by case or accent', async () => {
            const ids = ['jose', 'JOSE', 'jos\u00e9', 'jose\u0301'];
            for (const id of ids) {
                forum.accounts.set(id, { id, handle: id, name: id, permissions: ['USE_OAUTH_CLIENTS'] });
                const cookie = { cookie: `session=${encodeURIComponent(id)}` };
                const device = await forum.device();
                const path = '/oauth/device/consent';
                await forum.as(null, 'GET', `${path}?user_code=${device.user_code}`, undefined, cookie);
                const decision = { user_code: device.user_code, decision: 'approve' };
                expect((await forum.as(null, 'POST', path, decision, cookie)).status).to.equal(200);
                const poll = { grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: device.device_code };
                expect((await forum.token(poll)).status).to.equal(200);
            }
            const { tokens } = forum.server.plugins['hapi-forum-oauth'];
            for (const id of ids) {
                const { tokens: rows } = await tokens.list(id);
                expect(
                    rows.map((row) => row.account_id),
                    id
                ).to.equal([id]);
            }
        });

        it('comes back as it was', async () => {
            const name = '\u{1f426}\u200d\u{2b1b} \u8aad\u66f8 caf\u00e9 \\ \' " % _ `';
            const { client } = await forum.createClient(FRIGG, { name });
            const clients = dataSource.getRepository(OAuthClient);
            const row = await clients.findOneByOrFail({ id: client.id });
            expect(row.name).to.equal(name);
            expect([row.createdAt, row.updatedAt, row.deletedAt]).to.equal([START, START, null]);
            expect(Boolean(row.verified)).to.be.false();
        });

        it('has times as exact numbers, however far away', async () => {
            const { client } = await forum.createClient(FRIGG);
            const clients = dataSource.getRepository(OAuthClient);
            for (const updatedAt of [0, START, Number.MAX_SAFE_INTEGER]) {
                await clients.update({ id: client.id }, { updatedAt });
                expect((await clients.findOneByOrFail({ id: client.id })).updatedAt).to.equal(updatedAt);
            }
        });

        it('has one row for each place of a token family, and one token family for each row', async () => {
            const { refresh_token: token } = await forum.signIn(FRIGG);
            const id = token.slice('sdort_'.length, 'sdort_'.length + 20);
            const tokens = dataSource.getRepository(OAuthRefreshToken);
            const row = await tokens.findOneByOrFail({ grantId: id, generation: 0 });
            await expect(tokens.insert({ ...row, id: createId(START) })).to.reject();
            await expect(tokens.insert({ ...row, id: createId(START), grantId: createId(START) })).to.reject();
            expect(await dataSource.getRepository(OAuthGrant).countBy({ id })).to.equal(1);
        });
    });
}

describe('every statement of a request', () => {
    const ROWS = 1000;
    const database = useDatabase(lab);
    let forum: Forum;
    const statements = new Map<string, unknown[]>();

    /** What the column of a stranger's row holds, in SQL over the row's number. */
    const valueOf = (column: ColumnMetadata): string => {
        if (column.isPrimary || column.referencedColumn) {
            return "CONCAT('x', LPAD(i, 19, '0'))";
        }
        if (['bigint', 'integer', 'boolean'].includes(String(column.type))) {
            return column.type === 'bigint' ? `${START} + i` : '0';
        }
        // Each row has texts of its own, as some have to be unique.
        return column.databaseName === 'redirect_uris' ? "'[]'" : "CONCAT('a', i)";
    };

    before(async () => {
        const { dataSource } = database;
        // Rows of strangers, so that reading all of a table would be a choice.
        for (const { tableName, columns } of dataSource.entityMetadatas) {
            const filled = columns.filter((column) => !column.isNullable || column.databaseName === 'account_id');
            await dataSource.query(
                `INSERT INTO ${tableName} (${filled.map((column) => column.databaseName).join(', ')})
                WITH RECURSIVE numbers AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM numbers WHERE i < ${ROWS})
                SELECT ${filled.map(valueOf).join(', ')} FROM numbers`
            );
            await dataSource.query(`ANALYZE TABLE ${tableName}`);
        }

        forum = await Forum.create(dataSource);
        const silent = (): void => undefined;
        const logger: Logger = {
            logQuery: (query, parameters) => statements.set(query, (parameters as unknown[] | undefined) ?? []),
            logQueryError: silent,
            logQuerySlow: silent,
            logSchemaBuild: silent,
            logMigration: silent,
            log: silent
        };
        dataSource.logger = logger;
    });

    after(async () => {
        await forum.stop();
    });

    /** Everything that a member, their applications and the built-in one do. */
    const live = async (): Promise<void> => {
        const first = await forum.signIn();
        await forum.device().then(({ user_code: code }) => forum.decide(FRIGG, code, 'deny'));
        const device = await forum.device();
        await forum.token({ grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: device.device_code });
        await forum.as(FRIGG, 'GET', '/oauth/device/consent?user_code=AAAA-AAAA');
        const second = (await forum.refresh(first.refresh_token)).body.refresh_token as string;
        await forum.refresh(first.refresh_token);
        await forum.refresh(second);
        forum.pass(120);
        await forum.refresh(first.refresh_token);
        await forum.signIn();

        const { client } = await forum.createClient(FRIGG);
        const path = `/auth/oauth/clients/${client.id}`;
        await forum.as(FRIGG, 'GET', '/auth/oauth/clients');
        await forum.as(FRIGG, 'PATCH', path, { name: 'Renamed' });
        await forum.as(FRIGG, 'POST', `${path}/secret`, { overlap_seconds: 60 });
        await forum.as(FRIGG, 'DELETE', path);
        const list = await forum.as(FRIGG, 'GET', '/auth/oauth/tokens');
        const [token] = list.body.tokens as { id: string; oauth_client_id: string }[];
        for (const status of ['', 'active', 'superseded', 'revoked', 'expired']) {
            const query = status === '' ? '?' : `?status=${status}&`;
            await forum.as(FRIGG, 'GET', `/auth/oauth/tokens${query}page=1`);
            await forum.as(FRIGG, 'GET', `/auth/oauth/tokens${query}oauth_client_id=${token!.oauth_client_id}`);
        }
        await forum.as(FRIGG, 'DELETE', `/auth/oauth/tokens/${token!.id}`);
        await forum.as(FRIGG, 'DELETE', `/auth/oauth/tokens?oauth_client_id=${token!.oauth_client_id}`);
        await forum.as(LOKI, 'GET', path);
    };

    it('is served by an index', async () => {
        await live();
        const { dataSource } = database;
        const ran = [...statements].filter(([sql]) => /^\s*(SELECT|UPDATE|DELETE|INSERT[^]*SELECT)/i.test(sql));
        statements.clear();
        expect(ran.length).to.be.above(25);
        for (const [sql, parameters] of ran) {
            const plan = await dataSource.query<Record<'table' | 'type' | 'key' | 'select_type', string | null>[]>(
                `EXPLAIN ${sql}`,
                parameters
            );
            for (const step of plan) {
                const derived = step.table === null || step.table.startsWith('<');
                if (!derived) {
                    const what = `${sql}\n${JSON.stringify(step)}`;
                    expect(['system', 'const', 'eq_ref', 'ref', 'range', 'ref_or_null'], what).to.include(step.type!);
                    expect(step.key, what).to.be.a.string();
                }
            }
        }
    });
});
