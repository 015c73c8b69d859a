import type { SweepReport } from '../jobs';

/** Where the command writes: sentences on a terminal, JSON lines elsewhere. */
export type Output = Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;

export const CLEAR_LINE = '\r\u001b[K';

/** Writes what one run did. */
export function writeReport(output: Output, report: SweepReport): void {
    const { job, duration_ms: duration, counts } = report;
    const removed = Object.entries(counts).map(([kind, count]) => `${count} ${kind.replaceAll('_', ' ')}`);
    const sentence = `${CLEAR_LINE}${job}: ${removed.join(', ')} in ${(duration / 1000).toFixed(1)} s`;
    output.write(`${output.isTTY ? sentence : JSON.stringify(report)}\n`);
}
