import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { DataSource, QueryRunner } from 'typeorm';
import { OAuthClient, OAuthGrant, OAuthRefreshToken } from '../../entities/index';
import { Database, type Queries } from '../../plugin/store/database';
import { findLiveGrants } from '../../plugin/store/grants';
import { createId } from '../../plugin/ids';
import { listTokens, TOKEN_STATUSES, type Token, type TokenFilter } from '../../plugin/store/token-list';
import { FRIGG, LOKI, openDatabase, START, type OpenDatabase } from '../support/forum';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const HOUR = 3_600_000;

/** A chain of refresh tokens to put into the tables, its rows an hour apart unless they are said to be of one moment. */
interface Chain {
    account: string;
    client: string;
    rows: number;
    /** Of the first row, epoch milliseconds. */
    began?: number;
    apart?: number;
    ended?: number;
    expired?: boolean;
}

class Tables {
    private readonly grants: OAuthGrant[] = [];
    private readonly tokens: OAuthRefreshToken[] = [];

    constructor(private readonly dataSource: DataSource) {}

    async clients(...names: string[]): Promise<string[]> {
        const rows = names.map((name): OAuthClient => ({
            id: createId(START),
            accountId: null,
            clientId: name,
            name: `The ${name}`,
            type: 'public',
            scopePolicy: 'explicit',
            firstParty: false,
            redirectUris: '[]',
            allowedScopes: '',
            allowedGrants: '',
            secretHash: null,
            previousSecretHash: null,
            previousSecretExpiresAt: null,
            createdAt: START,
            updatedAt: START,
            deletedAt: null
        }));
        await this.insert(OAuthClient, rows);
        return rows.map(({ id }) => id);
    }

    /** Notes a chain, and returns the ids of its rows, oldest first. */
    chain({ account, client, rows, began = START, apart = HOUR, ended, expired = false }: Chain): string[] {
        const grantId = createId(began);
        this.grants.push({
            id: grantId,
            oauthClientId: client,
            accountId: account,
            scope: 'openid offline_access',
            chainKey: 'k',
            authTime: null,
            createdAt: began,
            endedAt: ended ?? null,
            endReason: ended === undefined ? null : 'revoked_by_account'
        });
        const tokens = Array.from({ length: rows }, (_, generation): OAuthRefreshToken => ({
            id: createId(began),
            grantId,
            generation,
            accountId: account,
            oauthClientId: client,
            tokenHash: 'h',
            scope: `openid offline_access ${generation}`,
            sealedToken: null,
            retryUntil: 0,
            handedOutLate: false,
            createdAt: began + generation * apart,
            expiresAt: expired ? START : START + 1_000_000 * HOUR
        }));
        this.tokens.push(...tokens);
        return tokens.map(({ id }) => id);
    }

    async write(): Promise<void> {
        await this.insert(OAuthGrant, this.grants.splice(0));
        await this.insert(OAuthRefreshToken, this.tokens.splice(0));
    }

    private async insert<Row extends object>(entity: new () => Row, rows: Row[]): Promise<void> {
        const { tableName, columns } = this.dataSource.getMetadata(entity);
        const names = columns.map(({ databaseName }) => databaseName).join(', ');
        const size = this.dataSource.options.type === 'sqljs' ? 50 : 2000;
        for (let at = 0; at < rows.length; at += size) {
            const part = rows.slice(at, at + size);
            const places = part.map(() => `(${columns.map(() => '?').join(', ')})`).join(', ');
            const values = part.flatMap((row) => columns.map((column) => column.getEntityValue(row) as unknown));
            const plain = values.map((value) => (typeof value === 'boolean' ? Number(value) : value));
            await this.dataSource.query(`INSERT INTO ${tableName} (${names}) VALUES ${places}`, plain);
        }
    }
}

const now = START + 100 * HOUR;

for (const kind of ['server', 'embedded'] as const) {
    describe(`the list of refresh tokens (${kind} database)`, () => {
        let database: OpenDatabase;
        let tables: Tables;
        let one: string;
        let two: string;
        const ids: Record<string, string[]> = {};

        before(async () => {
            database = await openDatabase(kind);
            tables = new Tables(database.dataSource);
            [one, two] = (await tables.clients('one', 'two')) as [string, string];
            const of = (account: string, client: string, rows: number, more: Partial<Chain> = {}): string[] =>
                tables.chain({ account, client, rows, ...more });
            ids.live = of(FRIGG, one, 3);
            ids.revoked = of(FRIGG, one, 2, { ended: now - 1, began: START + 10 });
            ids.expired = of(FRIGG, two, 2, { expired: true, began: START + 20 });
            ids.both = of(FRIGG, two, 1, { expired: true, ended: now, began: START + 30 });
            ids.fresh = of(FRIGG, two, 1, { began: START + 40 });
            ids.other = of(LOKI, one, 2, { began: START + 50 });
            await tables.write();
        });

        after(() => database.done());

        const list = (filter: Partial<TokenFilter> = {}): ReturnType<typeof listTokens> =>
            listTokens(new Database(database.dataSource), { accountId: FRIGG, page: 1, ...filter }, now);

        const idsOf = async (filter: Partial<TokenFilter> = {}): Promise<string[]> =>
            (await list(filter)).tokens.map(({ id }) => id);

        const at = (milliseconds: number): string => new Date(milliseconds).toISOString();

        it('has every row of the account, newest first, and nobody else\u2019s', async () => {
            expect(await idsOf()).to.equal([
                ids.live![2],
                ids.expired![1],
                ids.revoked![1],
                ids.live![1],
                ids.fresh![0],
                ids.both![0],
                ids.expired![0],
                ids.revoked![0],
                ids.live![0]
            ]);
            expect(await idsOf({ accountId: LOKI })).to.equal([...ids.other!].reverse());
            expect(await idsOf({ accountId: 'nobody' })).to.equal([]);
        });

        it('compares the account byte by byte', async () => {
            for (const accountId of [FRIGG.toUpperCase(), FRIGG.replace('i', '\u00ed')]) {
                expect(await idsOf({ accountId }), accountId).to.equal([]);
                for (const status of TOKEN_STATUSES) {
                    expect(await idsOf({ accountId, status }), `${accountId} ${status}`).to.equal([]);
                }
            }
        });

        it('shows a live head', async () => {
            const [token] = (await list({ status: 'active', oauthClientId: one })).tokens;
            expect(token).to.equal({
                id: ids.live![2]!,
                createdAt: at(START + 2 * HOUR),
                oauth_client_id: one,
                client_id: 'one',
                client_name: 'The one',
                account_id: FRIGG,
                scope: 'openid offline_access 2',
                expires_at: at(START + 1_000_000 * HOUR),
                grant_id: token!.grant_id,
                granted_at: at(START)
            });
            expect(token!.grant_id).to.match(/^[0-9a-v]{20}$/);
        });

        it('shows of a row that was rotated away when, and what replaced it', async () => {
            const rows = (await list({ status: 'superseded', oauthClientId: one })).tokens;
            const row = rows.find(({ id }) => id === ids.live![0])!;
            expect([row.revoked_at, row.last_used_at, row.replaced_by_token_id]).to.equal([
                at(START + HOUR),
                at(START + HOUR),
                ids.live![1]
            ]);
            const ofEnded = rows.find(({ id }) => id === ids.revoked![0])!;
            expect([ofEnded.revoked_at, ofEnded.last_used_at, ofEnded.replaced_by_token_id]).to.equal([
                at(START + 10 + HOUR),
                at(START + 10 + HOUR),
                ids.revoked![1]
            ]);
        });

        it('shows of the head of an ended grant when it ended', async () => {
            const rows = (await list({ status: 'revoked' })).tokens;
            expect(rows.map(({ id, revoked_at: revoked }) => [id, revoked])).to.equal([
                [ids.revoked![1], at(now - 1)],
                [ids.both![0], at(now)]
            ]);
            for (const row of rows) {
                expect(row).not.to.include(['replaced_by_token_id', 'last_used_at']);
            }
        });

        it('shows nothing more of an expired head', async () => {
            const rows = (await list({ status: 'expired' })).tokens;
            expect(rows.map(({ id }) => id)).to.equal([ids.expired![1]]);
            expect(rows[0]).not.to.include(['revoked_at', 'replaced_by_token_id', 'last_used_at']);
        });

        it('counts a token as expired from the millisecond that it names', async () => {
            const statusAt = async (time: number): Promise<string[]> => {
                const filter = { accountId: FRIGG, page: 1, oauthClientId: two, status: 'expired' } as const;
                return (await listTokens(new Database(database.dataSource), filter, time)).tokens.map(({ id }) => id);
            };
            expect(await statusAt(START - 1)).to.equal([]);
            expect(await statusAt(START)).to.equal([ids.expired![1]]);
        });

        it('is parted by the statuses: each row has one', async () => {
            for (const filter of [{}, { oauthClientId: one }, { oauthClientId: two }, { accountId: LOKI }]) {
                const all = await idsOf(filter);
                const parts = await Promise.all(TOKEN_STATUSES.map((status) => idsOf({ ...filter, status })));
                expect(parts.flat().sort()).to.equal([...all].sort());
                for (const part of parts) {
                    expect(part).to.equal(all.filter((id) => part.includes(id)));
                }
            }
        });

        it('is filtered by the client\u2019s id, to the character', async () => {
            expect((await list({ oauthClientId: two })).tokens.every((row) => row.client_id === 'two')).to.be.true();
            expect(await idsOf({ oauthClientId: two })).to.have.length(4);
            expect(await idsOf({ oauthClientId: one, accountId: LOKI })).to.have.length(2);
            for (const oauthClientId of ['two', `${two} `, two.toUpperCase(), 'cc5lnd2s1s4652adtu50', '%', '']) {
                const page = await list({ oauthClientId });
                expect([page.results, page.total_pages, page.tokens], oauthClientId).to.equal([0, 0, []]);
            }
        });

        it('has fifty rows on a page in one total order, though all are of one moment', async () => {
            const account = 'many';
            const written = [1, 2, 3, 4, 5].flatMap((began) =>
                tables.chain({ account, client: began % 2 ? one : two, rows: 25, began: START + (began % 2), apart: 0 })
            );
            await tables.write();
            const pages = [];
            for (const page of [1, 2, 3, 4]) {
                pages.push(await list({ accountId: account, page }));
            }
            expect(pages.map(({ tokens: _, ...frame }) => frame)).to.equal([
                { page_size: 50, results: 50, total_pages: 3, current_page: 1, next_page: 2 },
                { page_size: 50, results: 50, total_pages: 3, current_page: 2, next_page: 3 },
                { page_size: 50, results: 25, total_pages: 3, current_page: 3 },
                { page_size: 50, results: 0, total_pages: 3, current_page: 4 }
            ]);
            const seen = pages.flatMap(({ tokens }) => tokens);
            const key = ({ createdAt, id }: Token): string => createdAt + id;
            expect(seen.map(({ id }) => id).sort()).to.equal([...written].sort());
            expect(seen.map(key)).to.equal(seen.map(key).sort().reverse());
            const superseded = await list({ accountId: account, status: 'superseded', page: 3 });
            expect([superseded.results, superseded.total_pages]).to.equal([20, 3]);
            const exactly = await list({ accountId: account, oauthClientId: two });
            expect(exactly).to.include({ results: 50, total_pages: 1 });
            expect(exactly).not.to.include('next_page');
        });
    });
}

describe('the list of refresh tokens among many', () => {
    const CROWD = 300;
    const CLIENTS = 600;
    const HEAVY_GRANTS = 60;
    let database: OpenDatabase;
    let runner: QueryRunner;
    let client: string;
    /** What each query of the last call read from tables and indexes, and how it was planned. */
    let reads: number[] = [];
    let plans: { table: string; type: string; key: string | null }[] = [];

    const measured = {
        query: async (sql: string, parameters: unknown[]): Promise<unknown> => {
            const explained = (await runner.query(`EXPLAIN ${sql}`, [...parameters])) as typeof plans;
            plans.push(...explained.filter(({ table }) => /^[a-z]$/.test(table ?? '')));
            await runner.query('FLUSH STATUS');
            const rows = (await runner.query(sql, [...parameters])) as unknown;
            const counters = (await runner.query("SHOW SESSION STATUS LIKE 'Handler_read%'")) as {
                Variable_name: string;
                Value: string;
            }[];
            // Handler_read_rnd and _rnd_next are those of sorted and temporary results, as no table is scanned.
            const [{ Value: onDisk }] = (await runner.query("SHOW SESSION STATUS LIKE 'Created_tmp_disk_tables'")) as [
                { Value: string }
            ];
            expect(Number(onDisk), 'temporary tables on disk').to.equal(0);
            const counted = counters.filter(({ Variable_name: name }) => !name.includes('_rnd'));
            reads.push(counted.reduce((sum, { Value: value }) => sum + Number(value), 0));
            return rows;
        }
    } as unknown as Queries;

    const list = (filter: Partial<TokenFilter>): ReturnType<typeof listTokens> => {
        reads = [];
        plans = [];
        return listTokens(measured, { page: 1, ...filter }, now);
    };

    before(async () => {
        database = await openDatabase();
        const tables = new Tables(database.dataSource);
        const clients = await tables.clients(...Array.from({ length: CLIENTS }, (_, at) => `client${at}`));
        client = clients[0]!;
        const kinds = [{}, { expired: true }, { ended: now }];
        for (let account = 0; account < CROWD; ++account) {
            for (let chain = 0; chain < 6; ++chain) {
                tables.chain({
                    account: `crowd${account}`,
                    // Most of what there is belongs to one application, as with a built-in one.
                    client: chain < 4 ? client : clients[(account * 6 + chain) % CLIENTS]!,
                    rows: 8,
                    began: START + account,
                    ...kinds[chain % 3]
                });
            }
        }
        for (let chain = 0; chain < HEAVY_GRANTS; ++chain) {
            const rows = chain < 5 ? 2100 : 10;
            const other = clients[chain % 10]!;
            tables.chain({ account: 'heavy', client: chain < 5 ? client : other, rows, apart: 1, ...kinds[chain % 3] });
        }
        await tables.write();
        await database.dataSource.query('ANALYZE TABLE oauth_clients, oauth_grants, oauth_refresh_tokens');
        runner = database.dataSource.createQueryRunner();
    });

    after(async () => {
        await runner.release();
        await database.done();
    });

    const filters = [undefined, ...TOKEN_STATUSES].flatMap((status) => [
        { status },
        { status, oauthClientId: true as const }
    ]);

    for (const filter of filters) {
        const what = `${filter.status ?? 'of any status'}${filter.oauthClientId ? ' of one client' : ''}`;
        const query = (accountId: string): Partial<TokenFilter> => ({
            accountId,
            status: filter.status,
            ...(filter.oauthClientId && { oauthClientId: client })
        });

        it(`is read from indexes alone: ${what}`, async () => {
            for (const account of ['crowd7', 'heavy']) {
                await list(query(account));
                expect(plans.length).to.be.above(5);
                for (const { table, type, key } of plans) {
                    expect(['ref', 'eq_ref', 'const', 'range'], `${account} ${table} ${key}`).to.include(type);
                    expect(key, `${account} ${table}`).to.be.a.string();
                }
            }
        });

        it(`reads in proportion to the account\u2019s own rows, whatever others have: ${what}`, async () => {
            const { results } = await list(query('crowd7'));
            expect(results).to.be.above(0);
            // 6 chains of 8 rows: each row, its successor, grant, client, and a sorted copy.
            expect(
                reads.every((count) => count <= 48 * 6),
                String(reads)
            ).to.be.true();
        });
    }

    for (const status of ['active', 'revoked', 'expired'] as const) {
        it(`reads one row of each chain for its head, however long the chain is: ${status}`, async () => {
            const { results } = await list({ accountId: 'heavy', status });
            expect(results).to.equal(HEAVY_GRANTS / 3);
            expect(
                reads.every((count) => count <= HEAVY_GRANTS * 8),
                String(reads)
            ).to.be.true();
        });
    }

    it('reads one page of a long list', async () => {
        const page = await list({ accountId: 'heavy', page: 3 });
        expect(page.results).to.equal(50);
        expect(reads[1]! <= 150 + 50 * 5, String(reads)).to.be.true();
    });

    it('counts up to 10,000 rows', async () => {
        const first = await list({ accountId: 'heavy' });
        expect(reads[0]! <= 10_001, String(reads)).to.be.true();
        expect(first).to.include({ results: 50, total_pages: 200, next_page: 2 });
        const last = await list({ accountId: 'heavy', page: 200 });
        expect(last.results).to.equal(50);
        expect(last).not.to.include('next_page');
        const ofClient = await list({ accountId: 'heavy', oauthClientId: client });
        expect(ofClient).to.include({ results: 50, total_pages: 200, next_page: 2 });
        const superseded = await list({ accountId: 'heavy', status: 'superseded' });
        expect(superseded).to.include({ results: 50, total_pages: 200, next_page: 2 });
    });

    it('finds the live grants of one client without reading anybody else\u2019s', async () => {
        reads = [];
        plans = [];
        const grants = await findLiveGrants(measured, 'heavy', client);
        expect(grants.length).to.be.above(5);
        expect(plans.map(({ type, key }) => [type, key])).to.equal([['ref', 'idx_oauth_grants_account']]);
        expect(reads[0]! <= HEAVY_GRANTS + 1, String(reads)).to.be.true();
    });
});
