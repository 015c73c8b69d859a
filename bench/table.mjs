import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';

const RESULTS = new URL('results.json', import.meta.url);
const TABLE = new URL('results.md', import.meta.url);
const README = new URL('README.md', import.meta.url);
const BEGIN = '<!-- results of all.mjs: --readme writes them here -->';
const END = '<!-- end of results -->';

/** The value below which `share` of them lie. */
function quantile(values, share) {
    const sorted = values.toSorted((one, other) => one - other);
    const at = (sorted.length - 1) * share;
    return sorted[Math.floor(at)] + (sorted[Math.ceil(at)] - sorted[Math.floor(at)]) * (at - Math.floor(at));
}

export const median = (values) => quantile(values, 0.5);

/** `ones` by `others`, round by round. */
export const ratios = (ones, others) => ones.map((one, round) => one / others[round]);

function number(value) {
    const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
    return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A cell: the median, and between what the middle half of the rounds lies. */
export function cell(values) {
    const spread = `${number(quantile(values, 0.25))} – ${number(quantile(values, 0.75))}`;
    return values.length > 1 ? `${number(median(values))} (${spread})` : number(values[0]);
}

/** What one suite has found. */
export class Findings {
    lines = [];
    grids = [];

    /**
     * One line of the table.
     *
     * @param target `P1` and so on; empty for what has none
     * @param values one for each round
     * @param wanted such as `≥ 1.0`
     */
    line(target, what, values, unit = '×', wanted) {
        const value = median(values);
        const met = wanted && (wanted.startsWith('≥') ? value >= +wanted.slice(2) : value <= +wanted.slice(2));
        const range = { low: quantile(values, 0.25), high: quantile(values, 0.75) };
        this.lines.push({ target, what, median: value, ...range, values, unit, wanted, met });
        const verdict = wanted ? `, target ${wanted}: ${met ? 'met' : 'not met'}` : '';
        console.log(`${target.padEnd(3)} ${what}: ${cell(values)} ${unit}${verdict}`);
    }

    /**
     * A table of its own.
     *
     * @param rows objects of the columns: texts, or values of the rounds
     */
    grid(title, rows) {
        this.grids.push({ title, rows });
        console.log(`\n${gridTable({ title, rows })}\n`);
    }
}

function gridTable({ title, rows }) {
    const columns = Object.keys(rows[0]);
    const line = (cells) => `| ${cells.join(' | ')} |`;
    return [
        `**${title}**`,
        '',
        line(columns),
        line(columns.map(() => '---')),
        ...rows.map((row) =>
            line(columns.map((column) => (Array.isArray(row[column]) ? cell(row[column]) : row[column])))
        )
    ].join('\n');
}

function mainTable(suites) {
    const lines = suites.flatMap((suite) => suite.lines);
    return [
        '| | measure | median | middle half | target |',
        '| --- | --- | --- | --- | --- |',
        ...lines.map(({ target, what, median: value, low, high, values, unit, wanted, met }) => {
            const spread = values.length > 1 ? `${number(low)} – ${number(high)}` : '';
            const verdict = wanted ? `${wanted} ${met ? 'met' : '**not met**'}` : '';
            return `| ${target} | ${what} | ${number(value)} ${unit} | ${spread} | ${verdict} |`;
        })
    ].join('\n');
}

/**
 * Writes what a suite has found to results.json. What other suites have found before stays.
 *
 * @param how with which options it was measured
 */
export async function keep(name, findings, how) {
    const earlier = await readSuites();
    const machine = `${cpus().length} × ${cpus()[0].model}, Node.js ${process.version}`;
    const at = `${new Date().toISOString().slice(0, 16)}Z`;
    const suites = { ...earlier, [name]: { at, machine, how, lines: findings.lines, grids: findings.grids } };
    await writeFile(RESULTS, `${JSON.stringify({ suites }, null, 4)}\n`);
}

/**
 * Writes results.md from results.json.
 *
 * @param order the names of all suites
 * @returns its text
 */
export async function writeTables(order) {
    const suites = await readSuites();
    const measured = order.filter((one) => suites[one]);
    const text = [
        mainTable(measured.map((one) => suites[one])),
        ...measured.flatMap((one) => suites[one].grids.map(gridTable)),
        measured.map((one) => `-   ${one}: ${suites[one].at}, ${suites[one].machine}; ${suites[one].how}`).join('\n')
    ].join('\n\n');
    await writeFile(TABLE, `${text}\n`);
    return text;
}

/** Puts a text between the marks of README.md. */
export async function publish(text) {
    const readme = await readFile(README, 'utf8');
    const [before, rest] = readme.split(`${BEGIN}\n`);
    const after = rest.slice(rest.indexOf(END));
    await writeFile(README, `${before}${BEGIN}\n\n${text}\n\n${after}`);
}

const readSuites = () =>
    readFile(RESULTS, 'utf8').then(
        (json) => JSON.parse(json).suites ?? {},
        () => ({})
    );
