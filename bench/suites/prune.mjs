import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../prune.mjs', import.meta.url));

/** P4: prune.mjs, whose lines are a name and a JSON value. */
export async function prune(_server, options, findings) {
    const child = spawn(process.execPath, [SCRIPT, options['prune-rows']], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (data) => (text += data));
    await once(child, 'close');
    const valueOf = (name) => {
        const line = text.split('\n').find((candidate) => candidate.startsWith(name.padEnd(30)));
        if (!line) {
            throw new Error(`prune.mjs has no "${name}"`);
        }
        return Number(line.slice(30));
    };
    findings.line('P4', 'pruning against one bare DELETE, rows per second', [valueOf('ratio of rates')], '×', '≥ 0.5');
    findings.line('P4', 'p99 of refreshes while pruning against without', [valueOf('ratio of p99')], '×', '≤ 2.0');
    return `${options['prune-rows'].toLocaleString('en')} rows`;
}
