// Prunes refresh chains while it is let: "go" and "stop" on standard input. Prints {"removed"} at each stop and
// {"counts"} at the end.
//
// node sweeper.mjs <database url>

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import OAuth from './dist/plugin/index.js';
import { connect } from './database.mjs';

const dataSource = await connect(process.argv[2]);
const commands = createInterface(process.stdin);
let mayGo = false;
let removed = 0;
commands.on('line', (line) => (mayGo = line === 'go'));
await once(commands, 'line');

const counts = await OAuth.pruneRefreshChains(dataSource, {
    onProgress: async (total) => {
        removed = total;
        if (!mayGo) {
            console.log(JSON.stringify({ removed }));
            await once(commands, 'line');
        }
    }
});
console.log(JSON.stringify({ removed: counts.refresh_tokens + counts.grants, counts }));
commands.close();
await dataSource.destroy();
