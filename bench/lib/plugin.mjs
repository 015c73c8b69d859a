// The compiled plugin that is measured, with the hapi and TypeORM that it uses. BENCH_PLUGIN is the path of another build
// (`compare`).

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const path = process.env.BENCH_PLUGIN ?? fileURLToPath(new URL('../dist/plugin/index.js', import.meta.url));
const require = createRequire(path);

export const OAuth = require(path);
export const Hapi = require('@hapi/hapi');
export const { DataSource } = require('typeorm');
