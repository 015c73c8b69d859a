import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthAccessKey, OAuthClient, OAuthGrant } from '../../entities';
import { removeUnused } from '../../plugin';
import { accessKeyRow, clientRow, grantRow } from '../support/rows';
import { START } from '../support/forum';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { beforeEach, describe, it } = lab;

const DAY = 24 * 60 * 60 * 1000;

for (const kind of ['server', 'embedded'] as const) {
    describe(`remove-unused on the ${kind} database`, () => {
        const database = useDatabase(lab, kind);

        beforeEach(async () => {
            await database.dataSource.getRepository(OAuthGrant).createQueryBuilder().delete().execute();
            await database.dataSource.getRepository(OAuthClient).createQueryBuilder().delete().execute();
        });

        const add = async (fields: Partial<OAuthClient>): Promise<OAuthClient> => {
            const row = clientRow({ source: 'self_registered', verified: false, accountId: null, ...fields });
            await database.dataSource.getRepository(OAuthClient).insert(row);
            return row;
        };

        const left = async (): Promise<string[]> => {
            const rows = await database.dataSource.getRepository(OAuthClient).find();
            return rows
                .filter(({ deletedAt }) => deletedAt === null)
                .map(({ name }) => name)
                .sort();
        };

        const run = (days: number, options = {}) =>
            removeUnused(database.dataSource, { clock: () => START + days * DAY, ...options });

        it('removes registered clients that nobody has used for a week, and no others', async () => {
            await add({ name: 'unused', createdAt: START });
            await add({ name: 'young', createdAt: START + 3 * DAY });
            await add({ name: 'verified', createdAt: START, verified: true });
            await add({ name: 'suspended', createdAt: START, status: 'suspended' });
            await add({ name: 'of a document', createdAt: START, source: 'metadata_document' });
            await add({ name: 'of a member', createdAt: START, source: 'member' });
            const used = await add({ name: 'used', createdAt: START, usedAt: START });
            await database.dataSource.getRepository(OAuthGrant).insert(grantRow({ oauthClientId: used.id }));
            expect(await run(7, { dryRun: true })).to.equal({ registered_clients: 1, access_keys: 0 });
            expect(await run(6.9)).to.equal({ registered_clients: 0, access_keys: 0 });
            expect(await run(7)).to.equal({ registered_clients: 1, access_keys: 0 });
            expect(await left()).to.equal(['of a document', 'of a member', 'suspended', 'used', 'verified', 'young']);
            expect(await run(8, { unusedFor: 4 * 24 * 3600 })).to.equal({ registered_clients: 1, access_keys: 0 });
        });

        it('removes registered clients ninety days after their last grant has gone', async () => {
            const app = await add({ name: 'used', createdAt: START, usedAt: START });
            const grants = database.dataSource.getRepository(OAuthGrant);
            await grants.insert(grantRow({ oauthClientId: app.id }));
            await run(300);
            await grants.delete({ oauthClientId: app.id });
            expect(await run(301)).to.equal({ registered_clients: 0, access_keys: 0 });
            expect(await run(390)).to.equal({ registered_clients: 0, access_keys: 0 });
            expect(await run(391)).to.equal({ registered_clients: 1, access_keys: 0 });
            expect(await left()).to.equal([]);
        });

        it('removes access keys a week after they expired, and no others', async () => {
            const keys = database.dataSource.getRepository(OAuthAccessKey);
            for (const [place, expiresAt] of [null, START, START + DAY].entries()) {
                await keys.insert(accessKeyRow({ place, expiresAt, createdAt: START - DAY }));
            }
            expect(await run(7)).to.equal({ registered_clients: 0, access_keys: 0 });
            expect(await run(7.1, { dryRun: true })).to.equal({ registered_clients: 0, access_keys: 1 });
            expect(await run(7.1)).to.equal({ registered_clients: 0, access_keys: 1 });
            expect((await keys.find()).map(({ place }) => place).sort()).to.equal([0, 2]);
        });

        it('removes many in batches', async () => {
            for (let made = 0; made < 230; ++made) {
                await add({ name: `App ${made}`, createdAt: START });
            }
            expect(await run(8)).to.equal({ registered_clients: 230, access_keys: 0 });
            expect(await left()).to.equal([]);
        });

        it('refuses to remove what is being set up', async () => {
            await expect(run(8, { unusedFor: 60 })).to.reject(RangeError, /unusedFor/);
        });
    });
}
