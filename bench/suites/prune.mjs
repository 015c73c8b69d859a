import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../commands/prune.mjs', import.meta.url));

/** P4: runs `commands/prune.mjs`, which prints lines of a name and a JSON value. */
export async function prune(_server, options, findings) {
    const rows = options['prune-rows'];
    const args = ['--rows', rows, '--rounds', options['prune-rounds'], '--seconds', options['prune-seconds']];
    const child = spawn(process.execPath, [SCRIPT, ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (data) => {
        process.stdout.write(data);
        text += data;
    });
    await once(child, 'close');
    const found = new Map(text.split('\n').map((line) => /^(.*?)\s{2,}(.*)$/.exec(line)?.slice(1) ?? [line, '']));
    const valueOf = (name) => {
        if (!found.get(name)) {
            throw new Error(`prune.mjs has no "${name}"`);
        }
        return JSON.parse(found.get(name));
    };
    const bare = 'pruning against one bare DELETE, rows per second';
    findings.line('P4', bare, valueOf('ratio of rates by round').rounds, '×', '≥ 0.5');
    const p99 = 'p99 of refreshes while pruning, against without';
    findings.line('P4', p99, valueOf('ratio of p99 by round').rounds, '×', '≤ 2.0');
    findings.line('P4', `${p99}, of all rounds together`, [valueOf('ratio of p99')]);
    return `${rows.toLocaleString('en')} rows, ${options['prune-rounds']} rounds of ${options['prune-seconds']} s`;
}
