import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { findGrantsOverCap } from '../../plugin/store/grants';
import { listTokens, TOKEN_STATUSES, type TokenFilter } from '../../plugin/store/token-list';
import { START } from '../support/forum';
import { useDatabase } from '../support/setup';
import { MeasuredQueries } from '../support/statements';
import { FamilyWriter } from '../support/stored-family';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const now = START + 100 * 3_600_000;

describe('the list of refresh tokens among many', () => {
    const CROWD = 300;
    const CLIENTS = 600;
    const HEAVY_GRANTS = 60;
    const database = useDatabase(lab);
    let client: string;
    let measured: MeasuredQueries;

    const list = async (filter: Partial<TokenFilter>): ReturnType<typeof listTokens> => {
        measured.reset();
        const page = await listTokens(measured.queries, { page: 1, ...filter }, now);
        expect(
            measured.diskTables.every((count) => count === 0),
            'temporary tables on disk'
        ).to.be.true();
        return page;
    };

    before(async () => {
        const families = new FamilyWriter(database.dataSource);
        const clients = await families.clients(...Array.from({ length: CLIENTS }, (_, at) => `client${at}`));
        client = clients[0]!;
        const kinds = [{}, { expired: true }, { ended: now }];
        for (let account = 0; account < CROWD; ++account) {
            for (let family = 0; family < 6; ++family) {
                families.add({
                    account: `crowd${account}`,
                    // Most of what there is belongs to one application, as with a built-in one.
                    client: family < 4 ? client : clients[(account * 6 + family) % CLIENTS]!,
                    rows: 8,
                    began: START + account,
                    ...kinds[family % 3]
                });
            }
        }
        for (let family = 0; family < HEAVY_GRANTS; ++family) {
            const rows = family < 5 ? 2100 : 10;
            const other = clients[family % 10]!;
            families.add({
                account: 'heavy',
                client: family < 5 ? client : other,
                rows,
                apart: 1,
                ...kinds[family % 3]
            });
        }
        await families.write();
        await database.dataSource.query('ANALYZE TABLE oauth_clients, oauth_grants, oauth_refresh_tokens');
        measured = new MeasuredQueries(database.dataSource);
    });

    after(() => measured.release());

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
                expect(measured.plans.length).to.be.above(5);
                for (const { table, type, key } of measured.plans) {
                    expect(['ref', 'eq_ref', 'const', 'range'], `${account} ${table} ${key}`).to.include(type!);
                    expect(key, `${account} ${table}`).to.be.a.string();
                }
            }
        });

        it(`reads in proportion to the account\u2019s own rows, whatever others have: ${what}`, async () => {
            const { results } = await list(query('crowd7'));
            expect(results).to.be.above(0);
            // 6 token families of 8 rows: each row, its successor, grant, client, and a sorted copy.
            expect(
                measured.reads.every((count) => count <= 48 * 6),
                String(measured.reads)
            ).to.be.true();
        });
    }

    for (const status of ['active', 'revoked', 'expired'] as const) {
        it(`reads one row of each token family for its head, however long the token family is: ${status}`, async () => {
            const { results } = await list({ accountId: 'heavy', status });
            expect(results).to.equal(HEAVY_GRANTS / 3);
            expect(
                measured.reads.every((count) => count <= HEAVY_GRANTS * 8),
                String(measured.reads)
            ).to.be.true();
        });
    }

    it('reads one page of a long list', async () => {
        const page = await list({ accountId: 'heavy', page: 3 });
        expect(page.results).to.equal(50);
        expect(measured.reads[1]! <= 150 + 50 * 5, String(measured.reads)).to.be.true();
    });

    it('counts up to 10,000 rows', async () => {
        const first = await list({ accountId: 'heavy' });
        expect(measured.reads[0]! <= 10_001, String(measured.reads)).to.be.true();
        expect(first).to.include({ results: 50, total_pages: 200, next_page: 2 });
        const last = await list({ accountId: 'heavy', page: 200 });
        expect(last.results).to.equal(50);
        expect(last).not.to.include('next_page');
        const ofClient = await list({ accountId: 'heavy', oauthClientId: client });
        expect(ofClient).to.include({ results: 50, total_pages: 200, next_page: 2 });
        const superseded = await list({ accountId: 'heavy', status: 'superseded' });
        expect(superseded).to.include({ results: 50, total_pages: 200, next_page: 2 });
    });

    it('counts the grants of one client without reading anybody else\u2019s', async () => {
        measured.reset();
        const pair = { accountId: 'heavy', oauthClientId: client };
        expect(await findGrantsOverCap(measured.queries, pair, 100)).to.equal([]);
        expect(measured.plans.map(({ type, key }) => [type, key])).to.equal([['ref', 'idx_oauth_grants_account']]);
        expect(measured.reads[0]! <= HEAVY_GRANTS + 1, String(measured.reads)).to.be.true();
    });
});
