// Measures two builds of the plugin: refreshes, the bearer route, and whole sign-ins. It uses both over HTTP only, so that
// they may differ in schema and internals.

import mysql from 'mysql2/promise';
import { createEmptyDatabase } from '../lib/database.mjs';
import { median, ratios } from '../lib/findings.mjs';
import { CONNECTIONS, databaseProcess, hammer, inTurns, load, withCpu } from '../lib/measure.mjs';
import { inBatches, mintAccessTokens } from '../lib/mint.mjs';
import { Process } from '../lib/process.mjs';
import {
    Application,
    approveConsent,
    authorize,
    createSignInClient,
    exchange,
    showConsent,
    signIn
} from '../lib/sign-in.mjs';
import { CLIENT_ID } from '../lib/work.mjs';
import { MILLISECONDS, ONCE } from './bearer.mjs';

const BUILDS = ['base', 'new'];
/** How often each build has its turn in a round. */
const TURNS = 4;
/** Sign-ins in a turn, one after the other. */
const SIGN_INS = 40;
let people = 0;

/** Each measures both builds in one round, and returns rows: what was measured, and the values of each build by turn. */
const MEASUREMENTS = {
    async refresh({ forums, mariadb, seconds, connection }) {
        const heads = {};
        for (const build of BUILDS) {
            const application = new Application(forums[build].origin, CLIENT_ID);
            const responses = await inBatches(CONNECTIONS, () => signIn(application, `account${++people}`));
            heads[build] = responses.map((response) => response.refresh_token);
        }
        const refresh = async (build, task) => {
            const { pid, origin } = forums[build];
            const url = `${origin}/api/oauth/token`;
            const result = await withCpu(pid, mariadb, () =>
                load({ kind: 'refresh', url, tokens: heads[build], ...task })
            );
            heads[build] = result.tokens;
            return result;
        };
        const measured = await inTurns(TURNS, BUILDS, (build) => refresh(build, { seconds }));
        const counts = await inTurns(1, BUILDS, async (build) => ({
            statements: (await statementsOf(connection, () => refresh(build, { count: CONNECTIONS }))) / CONNECTIONS
        }));
        return [
            row('refreshes per second', measured, 'rate'),
            row('CPU of a refresh, ms', measured, 'cpu'),
            row('CPU of a refresh with MariaDB, ms', measured, 'withDatabase'),
            row('SQL statements of a refresh', counts, 'statements')
        ];
    },

    async bearer({ plugins, order, seconds }) {
        const servers = await start(order, 'processes/bearer.mjs', () => ['oauth'], plugins);
        const run = (tokens, rounds, once) =>
            hammer({
                targets: Object.fromEntries(
                    BUILDS.map((build) => [build, { origin: servers[build].origin, path: '/protected', tokens, once }])
                ),
                rounds,
                milliseconds: MILLISECONDS
            });
        const known = await mintAccessTokens(CONNECTIONS);
        await run(known, 2);
        const measured = await run(known, Math.max(1, Math.round((TURNS * seconds * 1000) / MILLISECONDS)));
        const fresh = await run(await mintAccessTokens(ONCE * TURNS), TURNS, true);
        await stop(servers);
        return [
            row('bearer route, requests per second', measured, 'rate'),
            row('CPU of a request, µs', measured, 'cpu'),
            row('bearer route, each token sent once, requests per second', fresh, 'rate'),
            row('CPU of a request, each token sent once, µs', fresh, 'cpu')
        ];
    },

    async 'sign-in'({ forums, mariadb, connection }) {
        const applications = {};
        for (const build of BUILDS) {
            const { clientId } = await createSignInClient(forums[build].origin);
            applications[build] = new Application(forums[build].origin, clientId);
        }
        const signInOnce = async (build, measure) => {
            const application = applications[build];
            const account = `account${++people}`;
            const request = await measure('authorize', () => authorize(application, account));
            await measure('consent', () => showConsent(application, account, request));
            const code = await measure('approve', () => approveConsent(application, account, request));
            await measure('exchange', () => exchange(application, account, code));
        };
        const measured = await inTurns(TURNS, BUILDS, async (build) => {
            const times = [];
            const { cpu, withDatabase } = await withCpu(forums[build].pid, mariadb, async () => {
                for (let done = 0; done < SIGN_INS; ++done) {
                    const began = performance.now();
                    await signInOnce(build, (_step, work) => work());
                    times.push(performance.now() - began);
                }
                return { done: SIGN_INS };
            });
            return { time: median(times), cpu, withDatabase };
        });
        const counts = await inTurns(1, BUILDS, async (build) => {
            const steps = {};
            await signInOnce(build, async (step, work) => {
                let result;
                steps[step] = await statementsOf(connection, async () => (result = await work()));
                return result;
            });
            return { ...steps, all: Object.values(steps).reduce((sum, count) => sum + count, 0) };
        });
        return [
            row('time of a sign-in, ms', measured, 'time'),
            row('CPU of a sign-in, ms', measured, 'cpu'),
            row('CPU of a sign-in with MariaDB, ms', measured, 'withDatabase'),
            row('SQL statements of a sign-in', counts, 'all'),
            row('… the authorization endpoint', counts, 'authorize'),
            row('… reading the consent', counts, 'consent'),
            row('… approving it', counts, 'approve'),
            row('… exchanging the code', counts, 'exchange')
        ];
    }
};

/** The names of the measurements. */
export const COMPARED = Object.keys(MEASUREMENTS);

const row = (measure, measured, what) => ({
    measure,
    ...Object.fromEntries(BUILDS.map((build) => [build, measured[build].map((value) => value[what])]))
});

/** Starts a process of each build. @param argsOf takes a build */
async function start(order, script, argsOf, plugins) {
    const servers = {};
    for (const build of order) {
        servers[build] = new Process(script, argsOf(build), { BENCH_PLUGIN: plugins[build] });
        servers[build].origin = (await servers[build].line()).origin;
    }
    return servers;
}

const stop = (servers) => Promise.all(Object.values(servers).map((server) => server.stop('SIGKILL')));

/** Counts the SQL statements that reach a MariaDB server while `work` runs. Each is a round trip. */
async function statementsOf(connection, work) {
    const questions = async () => {
        const [[{ Value: value }]] = await connection.query("SHOW GLOBAL STATUS LIKE 'Questions'");
        return Number(value);
    };
    const before = await questions();
    await work();
    // Without the SHOW itself.
    return (await questions()) - before - 1;
}

/**
 * Compares two builds, and adds a table of medians and ratios. Each round starts new processes: identical processes can
 * differ by more than the builds do.
 *
 * @param server throwaway servers
 * @param plugins paths of the compiled plugins: { base, new }
 * @param only names of measurements
 */
export async function compare(server, plugins, { only, rounds, seconds }, findings) {
    const databases = {};
    for (const build of BUILDS) {
        databases[build] = await createEmptyDatabase(server.database);
    }
    const connection = await mysql.createConnection(server.database);
    const mariadb = await databaseProcess(server.database);
    const rows = new Map();
    for (let round = 0; round < rounds; ++round) {
        const order = round % 2 === 0 ? BUILDS : BUILDS.toReversed();
        for (const name of only) {
            const forums = await start(order, 'processes/forum.mjs', (build) => [databases[build]], plugins);
            const measured = await MEASUREMENTS[name]({ forums, plugins, order, connection, mariadb, seconds });
            await stop(forums);
            for (const { measure, ...values } of measured) {
                const all = rows.get(measure) ?? Object.fromEntries(BUILDS.map((build) => [build, []]));
                BUILDS.forEach((build) => all[build].push(...values[build]));
                rows.set(measure, all);
            }
        }
        console.error(`Round ${round + 1} of ${rounds}`);
    }
    await connection.end();
    findings.grid(
        'The new build against base: median (middle half of all turns)',
        [...rows].map(([measure, values]) => ({ measure, ...values, ratio: ratios(values.new, values.base) }))
    );
}
