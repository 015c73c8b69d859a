// node scripts/copy-pages.mjs <folder>
//
// Puts the templates, styles and script of the pages beside their compiled code.

import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../plugin/pages/', import.meta.url));
for (const folder of ['templates', 'static']) {
    cpSync(join(source, folder), join(process.argv[2], folder), { recursive: true });
}
