import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const run = promisify(execFile);
const root = join(__dirname, '..');

/** What the layer check of `npm run lint` prints for a tree of these files. */
async function check(files: Record<string, string>): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'layers-'));
    try {
        for (const [path, text] of Object.entries(files)) {
            await mkdir(dirname(join(folder, path)), { recursive: true });
            await writeFile(join(folder, path), text);
        }
        await writeFile(join(folder, 'tsconfig.json'), '{ "compilerOptions": { "module": "node20" } }');
        await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
        const config = join(root, '.dependency-cruiser.cjs');
        const cruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
        const { stdout } = await run(process.execPath, [cruise, '--config', config, 'plugin'], { cwd: folder });
        return stdout;
    } catch (error) {
        return (error as { stdout: string }).stdout;
    } finally {
        await rm(folder, { recursive: true });
    }
}

describe('the layer check', () => {
    it('passes imports of lower layers', async () => {
        const printed = await check({
            'plugin/flows/consent.ts': "import { rows } from '../store/rows';\nexport const consent = rows;\n",
            'plugin/store/rows.ts': 'export const rows = 1;\n'
        });
        expect(printed).to.contain('no dependency violations found');
    });

    it('fails on an import of a higher layer, also where only a type is imported', async () => {
        const printed = await check({
            'plugin/flows/consent.ts': 'export interface Consent {\n    id: string;\n}\n',
            'plugin/store/rows.ts':
                "import type { Consent } from '../flows/consent';\nexport const rows: Consent[] = [];\n"
        });
        expect(printed).to.contain('store and tokens: no import from a higher layer: plugin/store/rows.ts');
    });

    it('fails on an import between two folders of one layer', async () => {
        const printed = await check({
            'plugin/flows/consent.ts': "export { code } from '../grant-types/code';\n",
            'plugin/grant-types/code.ts': 'export const code = 1;\n'
        });
        expect(printed).to.contain('flows and grant types: no import between folders of one layer');
    });

    it('fails on files that import each other, also where only types are imported', async () => {
        const printed = await check({
            'plugin/scopes/one.ts': "import type { Two } from './two';\nexport type One = Two | 1;\n",
            'plugin/scopes/two.ts': "import type { One } from './one';\nexport type Two = One | 2;\n"
        });
        expect(printed).to.contain('no cycles');
    });

    it('fails on a file that belongs to no layer', async () => {
        const printed = await check({
            'plugin/helpers.ts': "export { rows } from './store/rows';\n",
            'plugin/store/rows.ts': 'export const rows = 1;\n'
        });
        expect(printed).to.contain('every file belongs to a layer: plugin/helpers.ts');
    });

    it('fails where a lower layer looks at requests, or a higher one at the database', async () => {
        const printed = await check({
            'plugin/flows/consent.ts':
                "import type { Request } from '@hapi/hapi';\nexport const consent = (request: Request) => request;\n",
            'plugin/pages/list.ts':
                "import type { DataSource } from 'typeorm';\nexport const list = (source: DataSource) => source;\n"
        });
        expect(printed).to.contain('only http and what is above it knows requests of hapi: plugin/flows/consent.ts');
        expect(printed).to.contain('only the store speaks to the database: plugin/pages/list.ts');
    });
});
