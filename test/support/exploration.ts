import * as fc from 'fast-check';
import type { DataSource } from 'typeorm';

/** How much is tried of what fast-check makes up, and from which seed. */
export interface Exploration {
    name: string;
    /** Of the first part; each further part counts one on. */
    seed: number;
    /** The environment variables that make the part of a seed again, first of all. */
    again(this: void, seed: number): string;
    /** How many runs one part has: these are always made, however slow the machine. */
    part: number;
    /** Part after part until so many runs have been made, */
    runs?: number | undefined;
    /** or for so long, where `runs` is not given. */
    seconds: number;
}

/** The seed that a variable of the environment names, or a new one. */
export function seedOf(variable: string): number {
    return process.env[variable] === undefined ? Math.floor(Math.random() * 2 ** 31) : numberOf(variable)!;
}

/** A number from the environment; undefined where there is none. */
export function numberOf(variable: string): number | undefined {
    const text = process.env[variable];
    if (text === undefined) {
        return undefined;
    }
    const number = Number(text);
    if (!Number.isSafeInteger(number) || number < 0) {
        throw new Error(`${variable} must be a whole number, but is ${text}`);
    }
    return number;
}

/**
 * Tries a property in parts, each from a seed and a setting of its own, so that a difference is found again at once by
 * the seed of its part.
 *
 * @param begin makes the setting of one part
 * @returns how many runs were made
 */
export async function explore<Input>(
    { name, again, part, runs, seconds, seed }: Exploration,
    begin: () => Promise<fc.IAsyncProperty<Input>>
): Promise<number> {
    if (process.env.CI !== undefined || runs !== undefined) {
        console.log(`\n${name}: ${again(seed)}`);
    }
    const deadline = performance.now() + seconds * 1000;
    let made = 0;
    for (let place = 0; ; ++place) {
        const partSeed = (seed + place) % 2 ** 31;
        const numRuns = runs === undefined ? part : Math.min(part, runs - made);
        const details = await fc.check(await begin(), { seed: partSeed, numRuns });
        if (details.failed) {
            const error = details.errorInstance;
            throw new Error(
                `${name}: again with ${again(partSeed)}\n${fc.defaultReportMessage(details)}\n${
                    error instanceof Error ? error.stack : String(error)
                }`
            );
        }
        made += numRuns;
        if (runs === undefined ? performance.now() >= deadline : made >= runs) {
            return made;
        }
    }
}

/** Removes every row: what is tried for hours would otherwise be slowed down by what was made up hours ago. */
export async function emptyTables(dataSource: DataSource): Promise<void> {
    for (const table of [
        'oauth_refresh_tokens',
        'oauth_grants',
        'oauth_authorization_codes',
        'oauth_authorization_requests',
        'oauth_device_authorizations',
        'oauth_user_code_failures',
        'oauth_clients'
    ]) {
        await dataSource.query(`DELETE FROM ${table}`);
    }
}
