/** The value that a share of `values` does not exceed, interpolated. */
function quantile(values, share) {
    const sorted = values.toSorted((one, other) => one - other);
    const at = (sorted.length - 1) * share;
    return sorted[Math.floor(at)] + (sorted[Math.ceil(at)] - sorted[Math.floor(at)]) * (at - Math.floor(at));
}

export const median = (values) => quantile(values, 0.5);

/** Divides `ones` by `others`, round by round. */
export const ratios = (ones, others) => ones.map((one, round) => one / others[round]);

function number(value) {
    const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
    return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A table cell: the median, and the range of the middle half of the rounds. */
function cell(values) {
    if (values.every((value) => value === values[0])) {
        return Number.isInteger(values[0]) ? values[0].toLocaleString('en') : number(values[0]);
    }
    return `${number(median(values))} (${number(quantile(values, 0.25))} – ${number(quantile(values, 0.75))})`;
}

/** The results of one suite. Each is printed as it comes in. */
export class Findings {
    lines = [];
    grids = [];

    /**
     * Adds a line to the main table.
     *
     * @param target `P1` and so on; empty without a target
     * @param values one for each round
     * @param wanted the target, such as `≥ 1.0`
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
     * Adds a table.
     *
     * @param rows objects by column; a cell is a text, or an array of one value for each round
     */
    grid(title, rows) {
        this.grids.push({ title, rows });
        console.log(`\n${gridTable({ title, rows })}\n`);
    }
}

/** A table in Markdown. */
export function gridTable({ title, rows }) {
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

/** The main table of several suites in Markdown. */
export function mainTable(suites) {
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
