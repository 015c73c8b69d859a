// A worker process that runs both jobs every second. Prints {"started": true}, and a report of each run.
//
// node processes/worker.mjs <database url> <redis url>

import { startWorker } from '../dist/jobs/index.js';
import { connect } from '../lib/database.mjs';

const [database, redis] = process.argv.slice(2);
const dataSource = await connect(database);
const worker = startWorker({
    dataSource,
    connection: redis,
    every: { 'expire-device-codes': 1, 'prune-refresh-chains': 1 },
    onSweep: (report) => console.log(JSON.stringify(report)),
    onError: (error) => console.error(error.message)
});
console.log(JSON.stringify({ started: true }));
process.once('SIGTERM', async () => {
    await worker.close();
    await dataSource.destroy();
});
