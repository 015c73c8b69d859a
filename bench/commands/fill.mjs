// Fills a database with token families, to try things on.
//
// npm run fill -- <database url> <refresh tokens> [share of dead tokens, 0.7]
// The database must be empty; the plugin's migrations run first.

import { connect } from '../lib/database.mjs';
import { fill } from '../lib/fill.mjs';

const [url, count, dead = '0.7'] = process.argv.slice(2);
if (!url || !(Number(count) > 0)) {
    console.error('Usage: npm run fill -- <database url> <refresh tokens> [share of dead tokens, 0.7]');
    process.exit(2);
}
const dataSource = await connect(url);
await dataSource.runMigrations();
await dataSource.destroy();
const { usable: _usable, ...counts } = await fill(url, Number(count), { dead: Number(dead) });
console.log(counts);
