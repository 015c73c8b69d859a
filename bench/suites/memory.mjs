import { fillWith } from '../lib/fill.mjs';
import { CONNECTIONS, load, memoryOf } from '../lib/measure.mjs';
import { OAuth } from '../lib/plugin.mjs';
import { Process } from '../lib/process.mjs';

const BASE = 10_000;
const MARKS = [10_000, 20_000, 50_000, 100_000, 250_000, 500_000, 1_000_000];

/** P5: memory of the web process after many refreshes against after ten thousand. */
export async function memory(server, { refreshes, algorithm }, findings) {
    const { url, usable } = await fillWith(server, BASE, CONNECTIONS);
    // The algorithm changes the time of a refresh, not its memory: signatures are not stored.
    const key = JSON.stringify(await OAuth.generateSigningKey(algorithm));
    const forum = new Process('processes/forum.mjs', [url], { SIGNING_KEY: key });
    const { origin } = await forum.line();
    let tokens = usable;
    let done = 0;
    let seconds = 0;
    const seen = [];
    for (const mark of [...MARKS.filter((one) => one < refreshes), refreshes]) {
        const result = await load({
            kind: 'refresh',
            url: `${origin}/api/oauth/token`,
            tokens,
            count: mark - done
        });
        tokens = result.tokens;
        done += result.done;
        seconds += result.seconds;
        seen.push({ done, ...(await memoryOf(forum)) });
        console.log(`${done} refreshes, ${Math.round(done / seconds)} per s:`, JSON.stringify(seen.at(-1)));
    }
    await forum.stop('SIGKILL');
    const first = seen[0];
    const last = seen.at(-1);
    const against = `after ${last.done.toLocaleString('en')} refreshes against after ${first.done.toLocaleString('en')}`;
    findings.line('P5', `memory of the process (RSS) ${against}`, [last.rss / first.rss], '×', '≤ 1.1');
    findings.line(
        'P5',
        `memory in use after a garbage collection ${against}`,
        [last.heapUsed / first.heapUsed],
        '×',
        '≤ 1.1'
    );
    findings.line(
        'P5',
        'growth of the memory in use per 1,000 refreshes',
        [((last.heapUsed - first.heapUsed) * 1024) / ((last.done - first.done) / 1000)],
        'KB'
    );
    findings.grid(
        'Memory after a garbage collection, MB',
        seen.map(({ done: count, rss, heapUsed, external }) => ({
            refreshes: count.toLocaleString('en'),
            'in use': [heapUsed],
            'outside the heap': [external],
            'of the process (RSS)': [rss]
        }))
    );
    return `${algorithm}, ${Math.round(done / seconds)} refreshes per second`;
}
