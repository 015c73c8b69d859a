// Runs `prune-refresh-token families`, and pauses and resumes it: reads "go" and "stop" from standard input. Prints {"removed"} at
// each stop and {"counts"} at the end.
//
// node processes/cleanup.mjs <database url>

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { connect } from '../lib/database.mjs';
import { OAuth } from '../lib/plugin.mjs';

const dataSource = await connect(process.argv[2]);
const commands = createInterface(process.stdin);
let mayRun = false;
let removed = 0;
commands.on('line', (line) => (mayRun = line === 'go'));
await once(commands, 'line');

const counts = await OAuth.pruneRefreshChains(dataSource, {
    onProgress: async (total) => {
        removed = total;
        if (!mayRun) {
            console.log(JSON.stringify({ removed }));
            await once(commands, 'line');
        }
    }
});
console.log(JSON.stringify({ removed: counts.refresh_tokens + counts.grants, counts }));
commands.close();
await dataSource.destroy();
