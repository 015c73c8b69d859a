import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const ROOT = join(__dirname, '..', '..');
const read = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8');

describe('The map in docs/architecture.md', () => {
    let rows: { file: string; word: string }[];

    before(async () => {
        const text = await read('docs/architecture.md');
        rows = [...text.matchAll(/^\|[^|]+\| `([^`]+\.ts)` \| `([^`]+)` \|$/gm)].map(([, file, word]) => ({
            file: file!,
            word: word!
        }));
    });

    it('names files that exist and contain what to look for', async () => {
        expect(rows.length).to.be.above(20);
        for (const { file, word } of rows) {
            expect((await read(file)).toLowerCase(), file).to.contain(word.toLowerCase());
        }
    });

    it('names the layers that the lint rules know', async () => {
        const rules = await read('.dependency-cruiser.cjs');
        const text = await read('docs/architecture.md');
        for (const [, folder] of text.matchAll(/`([a-z-]+)\/`/g)) {
            expect(rules + 'migrations templates', folder).to.contain(folder!);
        }
    });
});
