import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { Database } from '../../plugin/store/database';
import { listTokens, TOKEN_STATUSES, type Token, type TokenFilter } from '../../plugin/store/token-list';
import { FRIGG, LOKI, START } from '../support/forum';
import { useDatabase } from '../support/setup';
import { FamilyWriter, type WrittenFamily } from '../support/stored-family';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const HOUR = 3_600_000;

const now = START + 100 * HOUR;

for (const kind of ['server', 'embedded'] as const) {
    describe(`the list of refresh tokens (${kind} database)`, () => {
        const database = useDatabase(lab, kind);
        let families: FamilyWriter;
        let one: string;
        let two: string;
        const ids: Record<string, string[]> = {};

        before(async () => {
            families = new FamilyWriter(database.dataSource);
            [one, two] = (await families.clients('one', 'two')) as [string, string];
            const of = (account: string, client: string, rows: number, more: Partial<WrittenFamily> = {}): string[] =>
                families.add({ account, client, rows, ...more });
            ids.live = of(FRIGG, one, 3);
            ids.revoked = of(FRIGG, one, 2, { ended: now - 1, began: START + 10 });
            ids.expired = of(FRIGG, two, 2, { expired: true, began: START + 20 });
            ids.both = of(FRIGG, two, 1, { expired: true, ended: now, began: START + 30 });
            ids.fresh = of(FRIGG, two, 1, { began: START + 40 });
            ids.other = of(LOKI, one, 2, { began: START + 50 });
            await families.write();
        });

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

        it('shows of the head of an revoked grant when it ended', async () => {
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
                families.add({ account, client: began % 2 ? one : two, rows: 25, began: START + (began % 2), apart: 0 })
            );
            await families.write();
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
