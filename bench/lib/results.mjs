// The latest results of each suite: results/results.json, and the tables made from it, results/tables.md.

import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { gridTable, mainTable } from './findings.mjs';

const RESULTS = new URL('../results/results.json', import.meta.url);
const TABLES = new URL('../results/tables.md', import.meta.url);

/**
 * Replaces the results of a suite. Those of other suites stay.
 *
 * @param how the options it ran with
 */
export async function keep(name, findings, how) {
    const earlier = await readSuites();
    const machine = `${cpus().length} × ${cpus()[0].model}, Node.js ${process.version}`;
    const at = `${new Date().toISOString().slice(0, 16)}Z`;
    const suites = { ...earlier, [name]: { at, machine, how, lines: findings.lines, grids: findings.grids } };
    const rounded = (_key, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value);
    // The values of the rounds stand on one line.
    const json = JSON.stringify({ suites }, rounded, 4).replace(/\[[-\d.,e\s]+\]/g, (list) =>
        list.replace(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']')
    );
    await writeFile(RESULTS, `${json}\n`);
}

/**
 * Writes tables.md.
 *
 * @param order the names of all suites
 * @returns its text
 */
export async function writeTables(order) {
    const suites = await readSuites();
    const measured = order.filter((one) => suites[one]);
    const text = [
        '# Tables',
        '`npm run all` writes this file. [What the numbers say](README.md).',
        mainTable(measured.map((one) => suites[one])),
        ...measured.flatMap((one) => suites[one].grids.map(gridTable)),
        measured.map((one) => `-   ${one}: ${suites[one].at}, ${suites[one].machine}; ${suites[one].how}`).join('\n')
    ].join('\n\n');
    await writeFile(TABLES, `${text}\n`);
    return text;
}

async function readSuites() {
    try {
        return JSON.parse(await readFile(RESULTS, 'utf8')).suites;
    } catch (error) {
        if (error.code === 'ENOENT') {
            return {};
        }
        throw error;
    }
}
