import { createRequire } from 'node:module';
import type * as Timers from 'node:timers/promises';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { DataSource, QueryRunner } from 'typeorm';
import { OAuthRefreshToken } from '../../entities';
import { Cleanup } from '../../jobs/cleanup/cleanup';
import { expireDeviceCodes, pruneRefreshChains } from '../../plugin';
import { DatabaseUnavailable } from '../../plugin/store/database-errors';
import { Forum, openDatabase, START } from '../support/forum';
import { deleteFamilies, storeFamily } from '../support/stored-family';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, afterEach, before, beforeEach, describe, it } = lab;

const MINUTE = 60 * 1000;
const DAY = 24 * 60 * MINUTE;

/** The module whose timers make the pauses of a cleanup. */
const timers = createRequire(__filename)('node:timers/promises') as { setTimeout: typeof Timers.setTimeout };

/** A database whose connection fails the first time each statement is sent. */
class Flaky {
    /** The ids of every DELETE that was tried. */
    readonly deletes: string[][] = [];
    readonly dataSource: DataSource;
    #refused = new Set<string>();

    constructor(real: DataSource) {
        this.dataSource = Object.create(real) as DataSource;
        this.dataSource.query = (async (sql: string, parameters?: unknown[]) => {
            this.#refuse(sql, parameters);
            return real.query<unknown>(sql, parameters);
        }) as DataSource['query'];
        this.dataSource.createQueryRunner = () => {
            const inner = real.createQueryRunner();
            const runner = Object.create(inner) as QueryRunner;
            runner.query = (async (sql: string, parameters?: unknown[]) => {
                if (sql.startsWith('DELETE')) {
                    this.deletes.push(parameters as string[]);
                }
                this.#refuse(sql, parameters);
                return inner.query(sql, parameters, true);
            }) as QueryRunner['query'];
            return runner;
        };
    }

    #refuse(sql: string, parameters: unknown[] = []): void {
        const statement = JSON.stringify([sql, parameters]);
        if (!this.#refused.has(statement)) {
            this.#refused.add(statement);
            throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
        }
    }
}

describe('a cleanup whose database connection keeps failing', () => {
    const { setTimeout } = timers;
    const database = useDatabase(lab, 'embedded');
    let dataSource: DataSource;
    let forum: Forum;
    let flaky: Flaky;

    before(async () => {
        dataSource = database.dataSource;
        forum = await Forum.create(dataSource);
    });

    after(async () => {
        await forum.stop();
    });

    beforeEach(async () => {
        await deleteFamilies(dataSource);
        forum.now = START;
        flaky = new Flaky(dataSource);
        // The real pauses take two minutes.
        timers.setTimeout = () => Promise.resolve(undefined as never);
    });

    afterEach(() => {
        timers.setTimeout = setTimeout;
    });

    const clock = () => forum.now;

    it('deletes the same ids again, and repeats a search that failed', async () => {
        const { grantId } = await storeFamily(dataSource, Array<{ createdAt: number }>(6).fill({ createdAt: START }));
        const rows = await dataSource.getRepository(OAuthRefreshToken).findBy({ grantId });
        const ids = rows.map(({ id }) => id);
        const asked: number[] = [];
        let from = 0;
        const removed = await new Cleanup(flaky.dataSource).removeFound('oauth_refresh_tokens', async () => {
            asked.push(from);
            if (asked.filter((place) => place === from).length < 3) {
                throw new DatabaseUnavailable('ECONNRESET');
            }
            from += 2;
            return { ids: ids.slice(from - 2, from), more: from < ids.length };
        });
        expect(removed).to.equal(6);
        expect(asked).to.equal([0, 0, 0, 2, 2, 2, 4, 4, 4]);
        const pairs = [ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)];
        expect(flaky.deletes).to.equal(pairs.flatMap((pair) => [pair, pair]));
    });

    it('gives up after some minutes and leaves the rest to the next run', async () => {
        let asked = 0;
        const found = () => {
            asked += 1;
            return Promise.reject(new DatabaseUnavailable('ECONNREFUSED'));
        };
        await expect(new Cleanup(dataSource).removeFound('oauth_refresh_tokens', found)).to.reject(DatabaseUnavailable);
        expect(asked).to.equal(8);
    });

    it('still removes every row that it should', async () => {
        for (let families = 0; families < 3; ++families) {
            // More than a family keeps, though none is old; many old ones; revoked long ago; an encrypted successor to erase.
            await storeFamily(dataSource, rotated(130, MINUTE, 2 * MINUTE));
            await storeFamily(dataSource, rotated(20, DAY, 0));
            await storeFamily(dataSource, rotated(9, DAY, 8 * DAY), { endedAt: START - 8 * DAY });
            await storeFamily(dataSource, [{ createdAt: START }, { createdAt: START, retryUntil: START }]);
            await forum.device();
        }
        forum.now += 2 * 60 * MINUTE;
        const options = { clock, batchSize: 7 };
        const [codes, tokens] = [
            await expireDeviceCodes(dataSource, { ...options, dryRun: true }),
            await pruneRefreshChains(dataSource, { ...options, dryRun: true })
        ];
        expect(codes).to.include({ device_authorizations: 3 });
        expect(tokens).to.include({ grants: 3, seals: 3 });

        expect(await expireDeviceCodes(flaky.dataSource, options)).to.equal(codes);
        expect(await pruneRefreshChains(flaky.dataSource, options)).to.equal(tokens);
        for (const counts of [
            await expireDeviceCodes(dataSource, options),
            await pruneRefreshChains(dataSource, options)
        ]) {
            expect(Object.values(counts).every((count) => count === 0)).to.equal(true);
        }
    });
});

describe('a cleanup', () => {
    it('does not start with options that it cannot use', async () => {
        const database = await openDatabase('embedded');
        for (const batchSize of [0, -1, 1.5, NaN, Infinity, '10', null]) {
            const options = { batchSize: batchSize as number };
            for (const run of [expireDeviceCodes, pruneRefreshChains]) {
                await expect(run(database.dataSource, options)).to.reject(RangeError, /^"batchSize" .* 1, but got /);
            }
        }
        for (const retention of [-1, NaN, Infinity, '7d', '0', null]) {
            const options = { retention: retention as number };
            await expect(pruneRefreshChains(database.dataSource, options)).to.reject(
                RangeError,
                /^"retention" .* got /
            );
        }
        await database.done();
    });
});

/** Tokens rotated `step` apart, the last of them `age` old at `START`. */
function rotated(count: number, step: number, age: number): { createdAt: number }[] {
    return Array.from({ length: count }, (_, generation) => ({
        createdAt: START - age - (count - 1 - generation) * step
    }));
}
