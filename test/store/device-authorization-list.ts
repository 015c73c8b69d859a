import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthDeviceAuthorization } from '../../entities/index';
import { CLI, DEVICE_CODE, FRIGG, ODIN, START } from '../support/forum';
import { deviceAuthorizationRow } from '../support/rows';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

for (const kind of ['server', 'embedded'] as const) {
    describe(`the list of device authorizations (${kind} database)`, () => {
        const forum = useForum(lab, { database: kind });

        const list = (page?: number) =>
            forum.server.plugins['hapi-forum-oauth'].admin.listDeviceAuthorizations(ODIN, page);

        it('is empty at first', async () => {
            expect(await list()).to.equal({
                page_size: 50,
                results: 0,
                total_pages: 0,
                current_page: 1,
                device_authorisations: []
            });
        });

        it('shows each authorization from its request to its end, and never the code that the device holds', async () => {
            const device = await forum.device();
            const first = async (): Promise<Record<string, unknown>> => ({
                ...(await list()).device_authorisations[0]!
            });
            const asked = await first();
            const { clients } = await forum.server.plugins['hapi-forum-oauth'].admin.listClients(ODIN, {
                search: CLI.client_id
            });
            expect(asked).to.equal({
                id: asked.id,
                createdAt: new Date(forum.now).toISOString(),
                client_id: clients[0]!.id,
                user_code: device.user_code,
                scope: CLI.scope,
                expires_at: new Date(forum.now + 600_000).toISOString(),
                poll_interval_seconds: 5
            });
            const poll = { grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: device.device_code };
            await forum.token(poll);
            const polledAt = new Date(forum.now).toISOString();
            expect(await first()).to.equal({ ...asked, last_polled_at: polledAt });
            forum.pass(1);
            await forum.token(poll);
            expect((await first()).poll_interval_seconds).to.equal(10);
            await forum.decide(FRIGG, device.user_code);
            const approvedAt = new Date(forum.now).toISOString();
            expect(await first()).to.include({ approved_by_account_id: FRIGG, approved_at: approvedAt });
            forum.pass(30);
            await forum.token(poll);
            const ended = await first();
            expect(ended).to.include({ consumed_at: new Date(forum.now).toISOString() });
            expect(JSON.stringify(ended)).not.to.contain(device.device_code);
            expect(ended).not.to.include('denied_at');

            const refused = await forum.device();
            await forum.decide(FRIGG, refused.user_code, 'deny');
            const denied = await first();
            expect(denied).to.include({ user_code: refused.user_code, denied_at: new Date(forum.now).toISOString() });
            expect(denied).not.to.include(['approved_at', 'approved_by_account_id', 'consumed_at']);
        });

        it('is newest first, each once, whatever the page', async () => {
            const { dataSource } = forum;
            const { clients } = await forum.server.plugins['hapi-forum-oauth'].admin.listClients(ODIN, {
                search: CLI.client_id
            });
            const before = (await list()).device_authorisations.length;
            // All of one moment: the order is total nevertheless.
            const rows = Array.from({ length: 110 }, (_, at) =>
                deviceAuthorizationRow({
                    oauthClientId: clients[0]!.id,
                    userCode: `AAAA${String(at).padStart(4, '0')}`,
                    createdAt: START + 3_600_000
                })
            );
            await dataSource.getRepository(OAuthDeviceAuthorization).insert(rows);
            const pages = await Promise.all([1, 2, 3, 4].map((page) => list(page)));
            expect(pages.map(({ results }) => results)).to.equal([50, 50, 10 + before, 0]);
            expect(pages[1]).to.include({ total_pages: 3, current_page: 2, next_page: 3 });
            const seen = pages.flatMap((page) => page.device_authorisations.map(({ id }) => id));
            expect(seen.slice(0, 110)).to.equal(
                rows
                    .map(({ id }) => id)
                    .sort()
                    .reverse()
            );
        });

        if (kind === 'server') {
            it('is read from the end of an index', async () => {
                const { dataSource } = forum;
                await dataSource.query(
                    `INSERT INTO oauth_device_authorizations (id, oauth_client_id, device_code_hash, user_code, scope,
                        poll_interval, created_at, expires_at)
                    SELECT CONCAT(LPAD(seq, 19, '0'), 'g'), (SELECT id FROM oauth_clients LIMIT 1), CONCAT('many', seq),
                        LPAD(seq, 8, 'Z'), '', 5, ${START} + seq, ${START} FROM seq_1_to_5000`
                );
                await dataSource.query('ANALYZE TABLE oauth_device_authorizations');
                const statements: string[] = [];
                const silent = (): void => undefined;
                dataSource.logger = {
                    logQuery: (query) => void statements.push(query),
                    logQueryError: silent,
                    logQuerySlow: silent,
                    logSchemaBuild: silent,
                    logMigration: silent,
                    log: silent
                };
                await list();
                const page = statements.find((sql) => sql.includes('ORDER BY'))!;
                const [step] = await dataSource.query<Record<string, string>[]>(`EXPLAIN ${page}`);
                expect([step!.key, String(step!.rows)]).to.equal(['idx_oauth_device_authorizations_created', '50']);
                expect(step!.Extra ?? '').not.to.contain('filesort');
            });
        }
    });
}
