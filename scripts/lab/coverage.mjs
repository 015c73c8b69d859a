import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Adds what one process counted in one file. */
function add(total, { lines, statements }) {
    for (const [line, count] of Object.entries(lines)) {
        total.lines[line] += count;
    }

    for (const [line, byId] of Object.entries(statements)) {
        for (const [id, { hit }] of Object.entries(byId)) {
            Object.assign(total.statements[line][id].hit, hit);
        }
    }
}

function missedLines({ source }) {
    const missed = Object.values(source).filter(({ miss }) => miss);
    return [...new Set(missed.map(({ originalLine }) => originalLine))].sort((a, b) => a - b);
}

/** Prints the coverage of several processes taken together, as lab would have counted it in one. Returns the percentage. */
export async function reportCoverage(processes) {
    const { coverage } = require('@hapi/lab');
    const settings = require('./settings.cjs');

    await coverage.instrument(settings);
    // Lays out an empty count for each file.
    await coverage.analyze(settings);
    for (const files of processes) {
        for (const [name, counts] of Object.entries(files)) {
            add(global.__$$labCov.files[name], counts);
        }
    }

    const { percent, sloc, hits, files } = await coverage.analyze(settings);
    console.log(`Coverage: ${percent.toFixed(2)}% (${sloc - hits}/${sloc})`);
    for (const file of files.filter(({ misses }) => misses > 0)) {
        console.log(`${file.filename} missing coverage on line(s): ${missedLines(file).join(', ')}`);
    }

    return percent;
}
