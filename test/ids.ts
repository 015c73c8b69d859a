import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { createId, encodeId, ID_PATTERN } from '../plugin/ids';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const NOW = Date.parse('2026-11-21T12:00:00Z');

describe('an id', () => {
    it('is an xid: base32hex of twelve bytes', () => {
        const bytes = Buffer.from('4d88e15b60f486e428412dc9', 'hex');
        expect(encodeId(bytes)).to.equal('9m4e2mr0ui3e8a215n4g');
        expect(encodeId(Buffer.alloc(12))).to.equal('0'.repeat(20));
        expect(encodeId(Buffer.alloc(12, 0xff))).to.equal('v'.repeat(19) + 'g');
    });

    it('has twenty characters of its alphabet, and is known by them', () => {
        for (let count = 0; count < 1000; ++count) {
            expect(createId(NOW)).to.match(/^[0-9a-v]{20}$/);
            expect(createId(NOW)).to.match(ID_PATTERN);
        }
        const id = createId(NOW);
        expect(ID_PATTERN.test('cc5lnd2s1s4652adtu50')).to.be.true();
        for (const other of [
            '',
            id.slice(1),
            `${id}0`,
            `${id} `,
            ` ${id}`,
            `${id}\n`,
            id.toUpperCase(),
            `w${id.slice(1)}`,
            `${id.slice(0, 19)}1`,
            `${id.slice(0, 19)}v`
        ]) {
            expect(ID_PATTERN.test(other), JSON.stringify(other)).to.be.false();
        }
    });

    it('is unlike every other', () => {
        const ids = new Set<string>();
        for (let count = 0; count < 100_000; ++count) {
            ids.add(createId(NOW));
        }
        expect(ids.size).to.equal(100_000);
    });

    it('is unlike those of another process at the same moment', () => {
        const path = require.resolve('../plugin/ids');
        const loaded = require.cache[path];
        delete require.cache[path];
        // eslint-disable-next-line @typescript-eslint/no-require-imports
        const elsewhere = require(path) as { createId: typeof createId };
        require.cache[path] = loaded;
        expect(elsewhere.createId).not.to.shallow.equal(createId);
        expect(elsewhere.createId(NOW).slice(7, 15)).not.to.equal(createId(NOW).slice(7, 15));
        expect(elsewhere.createId(NOW).slice(0, 6)).to.equal(createId(NOW).slice(0, 6));
    });

    it('sorts by the second in which it was made, however it is compared', () => {
        const times = [0, 999_000, NOW, NOW + 1000, NOW + 2000, NOW + 86_400_000, 0xffffffff * 1000];
        const ids = times.map((time) => createId(time));
        expect([...ids].reverse().sort()).to.equal(ids);
        expect(createId(NOW + 999).slice(0, 6)).to.equal(createId(NOW).slice(0, 6));
    });

    it('sorts by the order in which one process made it, within a second', () => {
        const ids = Array.from({ length: 100 }, () => createId(NOW));
        // The counter begins anywhere, so that it may start again in between, once.
        const falls = ids.filter((id, at) => at > 0 && id <= ids[at - 1]!);
        expect(falls.length).to.be.at.most(1);
    });
});
