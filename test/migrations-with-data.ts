import { createHash, randomBytes } from 'node:crypto';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { entities, migrations } from '../plugin';
import { createId } from '../plugin/ids';
import { createFamilyKey, createRefreshToken } from '../plugin/tokens/refresh-token';
import { hashSecret } from '../plugin/tokens/secret';
import { pkce, redeem, REDIRECT_URI } from './support/authorization';
import { createDatabase, embeddedDatabase, type TestDatabase } from './support/database';
import { CLI, DEVICE_CODE, Forum, FRIGG, START } from './support/forum';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const MINUTE = 60_000;
const SCOPE = 'openid offline_access CREATE_POST';

type Row = Record<string, string | number | null>;

/** What the first version leaves in its tables. */
function rowsOfFirstVersion() {
    const { verifier, challenge } = pkce();
    const familyKey = createFamilyKey();
    const [client, builtIn, bot, grant] = [createId(START), createId(START), createId(START), createId(START)];
    const refreshToken = createRefreshToken(familyKey, { grantId: grant, generation: 0 });
    const secrets = Array.from({ length: 7 }, () => randomBytes(32).toString('base64url'));
    const [code, usedCode, oddCode, approved, used, claimed, botSecret] = secrets as [
        string,
        string,
        string,
        string,
        string,
        string,
        string
    ];
    const clientRow = (fields: Row): Row => ({
        account_id: null,
        type: 'public',
        scope_policy: 'explicit',
        first_party: 0,
        redirect_uris: JSON.stringify([REDIRECT_URI]),
        allowed_scopes: SCOPE,
        allowed_grants: `authorization_code ${DEVICE_CODE} refresh_token`,
        secret_hash: null,
        created_at: START,
        updated_at: START,
        ...fields
    });
    const codeRow = (text: string, fields: Row): Row => ({
        id: createId(START),
        code_hash: hashSecret(text),
        oauth_client_id: client,
        account_id: FRIGG,
        redirect_uri: REDIRECT_URI,
        scope: SCOPE,
        approved_scope: 'openid offline_access',
        code_challenge: challenge,
        auth_time: 1000,
        consumed_at: null,
        grant_id: null,
        created_at: START,
        expires_at: START + 10 * MINUTE,
        ...fields
    });
    const deviceRow = (text: string, userCode: string, fields: Row): Row => ({
        id: createId(START),
        oauth_client_id: builtIn,
        device_code_hash: hashSecret(text),
        user_code: userCode,
        scope: CLI.scope,
        poll_interval: 5,
        claimed_by_account_id: FRIGG,
        approved_by_account_id: null,
        approved_scope: null,
        approved_at: null,
        consumed_at: null,
        created_at: START,
        expires_at: START + 10 * MINUTE,
        ...fields
    });
    const approval = { approved_by_account_id: FRIGG, approved_scope: CLI.scope, approved_at: START };
    const rows: [string, Row[]][] = [
        [
            'oauth_clients',
            [
                clientRow({ id: client, account_id: FRIGG, client_id: 'members', name: 'Member’s' }),
                clientRow({
                    id: builtIn,
                    client_id: CLI.client_id,
                    name: 'Storyden',
                    first_party: 1,
                    allowed_scopes: CLI.scope,
                    scope_policy: 'inherit'
                }),
                clientRow({
                    id: bot,
                    client_id: 'bot',
                    name: 'Forum’s',
                    type: 'confidential',
                    secret_hash: createHash('sha256').update(botSecret).digest('hex')
                })
            ]
        ],
        [
            'oauth_grants',
            [
                {
                    id: grant,
                    oauth_client_id: client,
                    account_id: FRIGG,
                    scope: SCOPE,
                    chain_key: familyKey,
                    created_at: START
                }
            ]
        ],
        [
            'oauth_refresh_tokens',
            [
                {
                    id: createId(START),
                    grant_id: grant,
                    generation: 0,
                    account_id: FRIGG,
                    oauth_client_id: client,
                    token_hash: hashSecret(refreshToken),
                    scope: SCOPE,
                    retry_until: 0,
                    handed_out_late: 0,
                    created_at: START,
                    expires_at: START + 30 * 24 * 60 * MINUTE
                }
            ]
        ],
        [
            'oauth_authorization_requests',
            [
                {
                    id: createId(START),
                    oauth_client_id: client,
                    account_id: FRIGG,
                    redirect_uri: REDIRECT_URI,
                    scope: SCOPE,
                    code_challenge: challenge,
                    created_at: START,
                    expires_at: START + 10 * MINUTE
                }
            ]
        ],
        [
            'oauth_authorization_codes',
            [
                codeRow(code, {}),
                codeRow(usedCode, { consumed_at: START, grant_id: grant }),
                // Used, without a refresh token.
                codeRow(oddCode, { consumed_at: START })
            ]
        ],
        [
            'oauth_device_authorizations',
            [
                deviceRow(approved, 'AAAAAAAA', approval),
                deviceRow(used, 'BBBBBBBB', { ...approval, consumed_at: START }),
                deviceRow(claimed, 'CCCCCCCC', {})
            ]
        ]
    ];
    const requestId = String(rows[3]![1][0]!.id);
    return { rows, verifier, refreshToken, code, usedCode, oddCode, approved, used, claimed, botSecret, requestId };
}

/** Creates the tables of the first version, fills them and brings them up to date. */
async function migrate(dataSource: DataSource, rows: [string, Row[]][]): Promise<void> {
    const runner = dataSource.createQueryRunner();
    const [first, ...later] = migrations.map((Migration) => new Migration());
    await first!.up(runner);
    for (const [table, list] of rows) {
        for (const row of list) {
            const names = Object.keys(row);
            const sql = `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
            await dataSource.query(sql, Object.values(row));
        }
    }
    // As TypeORM does around migrations.
    await runner.beforeMigration();
    for (const migration of later) {
        await migration.up(runner);
    }
    await runner.afterMigration();
    await runner.release();
}

const hosts = { 'on the server database': true, 'on the embedded database': false };

for (const [host, isServer] of Object.entries(hosts)) {
    describe(`what the first version left, ${host},`, () => {
        let database: TestDatabase | undefined;
        let dataSource: DataSource;
        let forum: Forum;
        const old = rowsOfFirstVersion();

        before(async () => {
            database = isServer ? await createDatabase() : undefined;
            const options: DataSourceOptions = database?.options ?? embeddedDatabase();
            dataSource = new DataSource({ ...options, entities, migrations });
            await dataSource.initialize();
            await migrate(dataSource, old.rows);
            forum = await Forum.create(dataSource);
        });

        after(async () => {
            await forum.stop();
            await dataSource.destroy();
            await database?.drop();
        });

        it('has a source and a status', async () => {
            const clients = await dataSource.query<Row[]>(
                'SELECT client_id, source, verified, status FROM oauth_clients ORDER BY client_id'
            );
            expect(clients.map((row): Row => ({ ...row, verified: Number(row.verified) }))).to.equal([
                { client_id: 'bot', source: 'administrator', verified: 1, status: 'active' },
                { client_id: 'members', source: 'member', verified: 0, status: 'active' },
                { client_id: CLI.client_id, source: 'first_party', verified: 1, status: 'active' }
            ]);
        });

        it('goes on: refresh tokens, codes, device codes and requests', async () => {
            const refreshed = await forum.refresh(old.refreshToken, { client_id: 'members' });
            expect([refreshed.status, refreshed.body.scope]).to.equal([200, SCOPE]);

            const app = { id: '', client_id: 'members', redirectUri: REDIRECT_URI };
            const exchange = (code: string) =>
                redeem(forum, { app, code, redirectUri: REDIRECT_URI, verifier: old.verifier });
            const exchanged = await exchange(old.code);
            expect([exchanged.status, exchanged.body.scope]).to.equal([200, 'openid offline_access']);
            expect((await exchange(old.oddCode)).body.error).to.equal('invalid_grant');
            expect((await exchange(old.usedCode)).body.error).to.equal('invalid_grant');
            // Its replay has revoked its grant.
            const again = await forum.refresh(refreshed.body.refresh_token, { client_id: 'members' });
            expect(again.body.error).to.equal('invalid_grant');

            const poll = (code: string) =>
                forum.token({ grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: code });
            expect((await poll(old.approved)).status).to.equal(200);
            expect((await poll(old.used)).body.error).to.equal('invalid_grant');
            expect((await poll(old.claimed)).body.error).to.equal('authorization_pending');
            const decision = { user_code: 'CCCC-CCCC', decision: 'approve' };
            expect((await forum.as(FRIGG, 'POST', '/oauth/device/consent', decision)).status).to.equal(200);
            forum.pass(5);
            expect((await poll(old.claimed)).status).to.equal(200);

            const path = '/oauth/authorize/consent';
            const shown = await forum.as(FRIGG, 'GET', `${path}?request_id=${old.requestId}`);
            expect(shown.body.granted_scopes).to.equal(SCOPE.split(' '));
            const approved = { request_id: old.requestId, decision: 'approve' };
            expect((await forum.as(FRIGG, 'POST', path, approved)).status).to.equal(200);
        });

        it('is what the first version knows after the way back, and goes on again', async () => {
            const { refresh_token: lasting } = await forum.signIn(FRIGG);
            const runner = dataSource.createQueryRunner();
            const change = new migrations[1]!();
            const count = async (from: string): Promise<number> =>
                Number((await dataSource.query<{ n: number }[]>(`SELECT COUNT(*) AS n FROM ${from}`))[0]!.n);
            await runner.beforeMigration();
            await change.down(runner);
            await runner.afterMigration();
            expect(await count('oauth_clients WHERE first_party = 1')).to.equal(1);
            // A grant was what has refresh tokens, and a code without one was used or is gone.
            expect(await count('oauth_grants')).to.equal(await count('oauth_refresh_tokens WHERE generation = 0'));
            expect(await count('oauth_authorization_codes WHERE consumed_at IS NULL')).to.equal(1);
            expect(await count('oauth_authorization_codes WHERE consumed_at IS NULL AND grant_id IS NULL')).to.equal(1);
            await runner.beforeMigration();
            await change.up(runner);
            await runner.afterMigration();
            await runner.release();
            expect((await forum.refresh(lasting)).status).to.equal(200);
        });
    });
}
