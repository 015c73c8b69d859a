// The latest saved results of each suite: results/results.json, and the tables made from it, results/tables.md.

import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { gridTable, mainTable } from './findings.mjs';

const RESULTS = new URL('../results/results.json', import.meta.url);
const TABLES = new URL('../results/tables.md', import.meta.url);

/**
 * The results of a suite, with when and where it ran.
 *
 * @param how the options it ran with
 */
export function resultsOf({ lines, grids }, how) {
    const at = `${new Date().toISOString().slice(0, 16)}Z`;
    const machine = `${cpus().length} × ${cpus()[0].model}, Node.js ${process.version}`;
    return { at, machine, how, lines, grids };
}

/**
 * Replaces the saved results of the suites given, and keeps those of other suites. Writes both files.
 *
 * @param suites results by suite
 * @param order the names of all suites
 */
export async function save(suites, order) {
    const saved = { ...JSON.parse(await readFile(RESULTS, 'utf8')).suites, ...suites };
    const rounded = (_key, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value);
    // The values of the rounds stand on one line.
    const json = JSON.stringify({ suites: saved }, rounded, 4).replace(/\[[-\d.,e\s]+\]/g, (list) =>
        list.replace(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']')
    );
    await writeFile(RESULTS, `${json}\n`);
    const introduction =
        '# Tables\n\n`npm run all -- --save` writes this file. [What the numbers mean](README.md) says more.';
    await writeFile(TABLES, `${introduction}\n\n${tables(saved, order)}\n`);
}

/** The tables of the suites given in Markdown, in this order. */
export function tables(suites, order) {
    const measured = order.filter((one) => suites[one]);
    return [
        mainTable(measured.map((one) => suites[one])),
        ...measured.flatMap((one) => suites[one].grids.map(gridTable)),
        measured.map((one) => `-   ${one}: ${suites[one].at}, ${suites[one].machine}; ${suites[one].how}`).join('\n')
    ].join('\n\n');
}
