// Everything that is measured, as ratios within one run: prints a table, and writes results.json and results.md,
// where what was measured before and not this time stays.
//
// node all.mjs [--only=refresh,bearer,size,prune,memory,rest] [--rounds=5] [--seconds=4] [--rows=1000000]
//     [--refreshes=100000] [--prune-rows=1400000]
// `--rows` is the large table that is compared with one of ten thousand, `--refreshes` after how many memory is looked at
// again. Servers under test, load and MariaDB are processes of their own. What is compared takes turns, in another order
// each round, so that a machine that is busy with other things is so for all of them; a ratio is of one round.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import mysql from 'mysql2/promise';
import { createDatabase, residentMemory, serve } from './database.mjs';
import OAuth from './dist/plugin/index.js';
import { fill } from './fill.mjs';
import { mintAccessTokens, mintCodes, mintDeviceCodes } from './mint.mjs';
import { Process } from './process.mjs';

const { values: options } = parseArgs({
    options: {
        only: { type: 'string', default: 'refresh,bearer,size,prune,memory,rest' },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '4' },
        rows: { type: 'string', default: '1000000' },
        refreshes: { type: 'string', default: '100000' },
        'prune-rows': { type: 'string', default: '1400000' }
    }
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const CONNECTIONS = 64;
const CLOCK_TICKS = 100;

process.env.SIGNING_KEY = JSON.stringify(await OAuth.generateSigningKey());
process.env.NO_COLOR = '1';

const results = [];
const median = (values) => {
    const sorted = [...values].sort((one, other) => one - other);
    return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
};
const number = (value) => (value >= 100 ? Math.round(value).toString() : value.toFixed(2));

/** Notes one line of the table. `values` are one for each round. */
function record(target, what, values, unit = '×', wanted) {
    const value = median(values);
    const met = wanted && (wanted.startsWith('≥') ? value >= +wanted.slice(2) : value <= +wanted.slice(2));
    results.push({
        target,
        what,
        median: value,
        min: Math.min(...values),
        max: Math.max(...values),
        values,
        unit,
        wanted,
        met
    });
    console.log(
        `${target.padEnd(3)} ${what}: ${number(value)} ${unit} (${number(Math.min(...values))} to ${number(Math.max(...values))})`,
        wanted ? `target ${wanted}: ${met ? 'met' : 'not met'}` : ''
    );
}

/** Runs one process to its end; its last line. */
async function run(script, ...args) {
    const child = new Process(script, args);
    await child.exit;
    return child.lines.at(-1);
}

async function load(task) {
    const child = new Process('load.mjs', []);
    child.child.stdin.end(JSON.stringify({ seconds, ...task }));
    await child.exit;
    const result = child.lines.at(-1);
    if (result.errors > 0) {
        throw new Error(`${result.errors} of ${result.done} requests of ${task.kind} failed`);
    }
    return result;
}

/** CPU that a process has used, in milliseconds, all its threads included. */
async function cpu(pid) {
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ');
    return ((Number(fields[13]) + Number(fields[14])) * 1000) / CLOCK_TICKS;
}

/** Lets `names` take turns, and gives what `measure` says of each by round. */
async function inTurns(names, measure, warm = true) {
    const measured = Object.fromEntries(names.map((name) => [name, []]));
    for (let round = warm ? -1 : 0; round < rounds; ++round) {
        const turn = [
            ...names.slice(Math.abs(round) % names.length),
            ...names.slice(0, Math.abs(round) % names.length)
        ];
        for (const name of turn) {
            const value = await measure(name);
            if (round >= 0) {
                measured[name].push(value);
            }
        }
    }
    return measured;
}

const ratios = (ones, others, of = (value) => value) => ones.map((one, round) => of(one) / of(others[round]));

/** P1: refreshes per second, every one of the forum's durable in MariaDB. */
async function refresh(server) {
    const { url, usable } = await fillWith(server, 10_000, 2000);
    const servers = {
        forum: new Process('forum.mjs', [url]),
        'oidc-provider in memory': new Process('peers/oidc-provider.mjs', []),
        '@node-oauth/oauth2-server in MariaDB': new Process('peers/node-oauth.mjs', [
            await createDatabase(server.database)
        ])
    };
    const places = {};
    for (const [name, child] of Object.entries(servers)) {
        places[name] = await child.line();
    }
    const tokensFor = async (name) =>
        name === 'forum'
            ? usable.splice(0, CONNECTIONS)
            : (await fetch(`${places[name].origin}/seed?count=${CONNECTIONS}`)).json();
    const LIMIT = 'the same SQL and signatures without HTTP';
    const measured = await inTurns([...Object.keys(servers), LIMIT], async (name) => {
        if (name === LIMIT) {
            const task = { tokens: usable.splice(0, CONNECTIONS), seconds };
            const { done, seconds: took } = await run('limit.mjs', url, JSON.stringify(task));
            return { rate: done / took };
        }
        const { origin, path = '/api/oauth/token' } = places[name];
        const before = await cpu(servers[name].pid);
        const { done, seconds: took } = await load({
            kind: 'refresh',
            url: origin + path,
            tokens: await tokensFor(name)
        });
        return { rate: done / took, cpu: ((await cpu(servers[name].pid)) - before) / done };
    });
    for (const child of Object.values(servers)) {
        await child.stop('SIGKILL');
    }
    const [forum, oidc, nodeOAuth] = Object.keys(servers).map((name) => measured[name]);
    const rate = (value) => value.rate;
    record('P1', 'refreshes against oidc-provider in memory', ratios(forum, oidc, rate), '×', '≥ 1.0');
    record(
        'P1',
        'refreshes against @node-oauth/oauth2-server in the same MariaDB',
        ratios(forum, nodeOAuth, rate),
        '×',
        '≥ 3.0'
    );
    record('P1', `refreshes against ${LIMIT}`, ratios(forum, measured[LIMIT], rate));
    for (const name of Object.keys(servers)) {
        record(
            'P1',
            `CPU of one refresh, all threads of the process, ${name}`,
            measured[name].map((value) => value.cpu),
            'ms'
        );
    }
    for (const [name, values] of Object.entries(measured)) {
        record('P1', name, values.map(rate), 'per s');
    }
}

/** P2: a route that needs a bearer token, by each plugin, and the same route without. */
async function bearer() {
    const key = JSON.parse(process.env.SIGNING_KEY);
    const tokens = await mintAccessTokens(key, 64);
    const kinds = ['oauth', 'oauth-current', 'hapi-jwt', 'bearer-token'];
    const servers = {};
    for (const kind of kinds) {
        servers[kind] = new Process('bearer.mjs', [kind]);
        servers[kind].origin = (await servers[kind].line()).origin;
    }
    const measured = await inTurns(['bare', ...kinds], async (name) => {
        const server = servers[name] ?? servers.oauth;
        const result = await run(
            'node_modules/autocannon/autocannon.js',
            ...['-j', '-c', String(CONNECTIONS), '-d', String(seconds)],
            ...['-H', `authorization=Bearer ${tokens[0]}`],
            `${server.origin}/${name === 'bare' ? 'bare' : 'protected'}`
        );
        if (result.non2xx > 0 || result.errors > 0) {
            throw new Error(`${name}: ${result.non2xx} answers were not 200`);
        }
        return result.requests.average;
    });
    // Each token once: nobody has seen it before.
    const firstSight = await inTurns(
        ['bare', ...kinds],
        async (name) => {
            const server = servers[name] ?? servers.oauth;
            const fresh = await mintAccessTokens(key, 3000);
            const result = await load({
                kind: 'get',
                url: `${server.origin}/${name === 'bare' ? 'bare' : 'protected'}`,
                headers: fresh.map((token) => ({ authorization: `Bearer ${token}` }))
            });
            return result.done / result.seconds;
        },
        false
    );
    for (const kind of kinds) {
        await servers[kind].stop('SIGKILL');
    }
    record(
        'P2',
        'protected route against the same route without auth',
        ratios(measured.oauth, measured.bare),
        '×',
        '≥ 0.9'
    );
    record('P2', 'the same with permissions of now', ratios(measured['oauth-current'], measured.bare));
    record('P2', 'against @hapi/jwt', ratios(measured.oauth, measured['hapi-jwt']), '×', '≥ 2.0');
    record('P2', 'against hapi-auth-bearer-token and jose', ratios(measured.oauth, measured['bearer-token']));
    record('P2', 'each token seen once: against the route without auth', ratios(firstSight.oauth, firstSight.bare));
    record('P2', 'each token seen once: against @hapi/jwt', ratios(firstSight.oauth, firstSight['hapi-jwt']));
    for (const [name, values] of Object.entries(measured)) {
        record('P2', name, values, 'per s');
    }
}

/** A filled database with so many usable tokens: one long chain can be most of a small table. */
async function fillWith(server, rows, wanted) {
    for (;;) {
        const url = await createDatabase(server.database);
        const { usable } = await fill(url, rows, { dead: 0.2, usable: wanted });
        if (usable.length === wanted) {
            return { url, usable };
        }
    }
}

/** P3: the member's list of tokens, and one refresh, in a large table and in a small one. */
async function size(server) {
    const LISTERS = 10;
    const PER_LISTER = 55;
    const sizes = { small: 10_000, large: Number(options.rows) };
    const forums = {};
    for (const [name, rows] of Object.entries(sizes)) {
        const { url, usable } = await fillWith(server, rows, 1200);
        const connection = await mysql.createConnection(url);
        // The same number of tokens for each account that is listed, whatever the size of the table.
        for (let lister = 0; lister < LISTERS; ++lister) {
            const ids = usable.splice(0, PER_LISTER).map((token) => token.slice(6, 26));
            await connection.query('UPDATE oauth_grants SET account_id = ? WHERE id IN (?)', [`lister${lister}`, ids]);
            await connection.query('UPDATE oauth_refresh_tokens SET account_id = ? WHERE grant_id IN (?)', [
                `lister${lister}`,
                ids
            ]);
        }
        await connection.end();
        const forum = new Process('forum.mjs', [url]);
        const { origin } = await forum.line();
        forums[name] = { forum, origin, usable };
    }
    const headers = Array.from({ length: 400 }, (_, index) => ({ 'x-account': `lister${index % LISTERS}` }));
    const lists = await inTurns(['small', 'large'], async (name) => {
        const url = `${forums[name].origin}/api/auth/oauth/tokens`;
        return (await load({ kind: 'get', url, headers, connections: 1 })).p50;
    });
    const refreshes = await inTurns(['small', 'large'], async (name) => {
        const { origin, usable } = forums[name];
        const bodies = usable
            .splice(0, Math.floor(600 / (rounds + 1)))
            .map((token) => `grant_type=refresh_token&client_id=storyden-cli&refresh_token=${token}`);
        return (await load({ kind: 'form', url: `${origin}/api/oauth/token`, bodies, status: 200, connections: 1 }))
            .p50;
    });
    for (const { forum } of Object.values(forums)) {
        await forum.stop('SIGKILL');
    }
    const against = `p50 at ${sizes.large.toLocaleString('en')} rows against 10,000`;
    record('P3', `member's token list, ${against}`, ratios(lists.large, lists.small), '×', '≤ 1.2');
    record('P3', `one refresh, ${against}`, ratios(refreshes.large, refreshes.small), '×', '≤ 1.2');
    record('P3', "member's token list, small table", lists.small, 'ms');
    record('P3', 'one refresh, small table', refreshes.small, 'ms');
}

/** P4: prune.mjs, whose lines are a name and a JSON value. */
async function prune() {
    const child = spawn(process.execPath, ['prune.mjs', options['prune-rows']], {
        stdio: ['ignore', 'pipe', 'inherit']
    });
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
    record('P4', 'pruning against one bare DELETE, rows per second', [valueOf('ratio of rates')], '×', '≥ 0.5');
    record('P4', 'p99 of refreshes while pruning against without', [valueOf('ratio of p99')], '×', '≤ 2.0');
}

/** P5: memory of the web process after many refreshes against after ten thousand. */
async function memory(server) {
    const { url, usable } = await fillWith(server, 10_000, 2000);
    const forum = new Process('forum.mjs', [url]);
    const { origin } = await forum.line();
    let done = 0;
    const refreshUntil = async (wanted) => {
        while (done < wanted) {
            // A second at a time near the end, so that it is not far overshot.
            const task = { kind: 'refresh', url: `${origin}/api/oauth/token`, tokens: usable.splice(0, CONNECTIONS) };
            if (task.tokens.length < CONNECTIONS) {
                throw new Error('Too few chains for so many refreshes: give --refreshes a smaller number');
            }
            done += (await load({ ...task, seconds: Math.max(2, (wanted - done) / 450) })).done;
        }
    };
    const look = async () => {
        const seen = forum.lines.length;
        forum.child.kill('SIGUSR2');
        await forum.line((line) => line.memory && forum.lines.indexOf(line) >= seen);
        const { heapUsed } = forum.lines.at(-1).memory;
        return { heapUsed, rss: await residentMemory(forum.pid) };
    };
    await refreshUntil(10_000);
    const before = await look();
    const beganAt = done;
    await refreshUntil(Number(options.refreshes));
    const after = await look();
    await forum.stop('SIGKILL');
    const against = `after ${done.toLocaleString('en')} refreshes against after ${beganAt.toLocaleString('en')}`;
    record('P5', `memory of the process (RSS) ${against}`, [after.rss / before.rss], '×', '≤ 1.1');
    record('P5', `memory in use after a collection ${against}`, [after.heapUsed / before.heapUsed], '×', '≤ 1.1');
    record(
        'P5',
        'growth of the memory in use per 1,000 refreshes',
        [((after.heapUsed - before.heapUsed) * 1024) / ((done - beganAt) / 1000)],
        'KB'
    );
    record('P5', 'memory of the process at the end (RSS)', [after.rss], 'MB');
}

/** Device polls, code exchanges, registration. */
async function rest(server) {
    const url = await createDatabase(server.database);
    const forum = new Process('forum.mjs', [url]);
    const { origin } = await forum.line();
    const token = `${origin}/api/oauth/token`;
    const polls = await inTurns(['polls'], async () => {
        const bodies = await mintDeviceCodes(origin, 256);
        const result = await load({ kind: 'poll', url: token, bodies });
        return result.done / result.seconds;
    });
    const exchanges = await inTurns(['exchanges'], async () => {
        const bodies = await mintCodes(origin, 500);
        const result = await load({ kind: 'form', url: token, bodies, status: 200 });
        return result.done / result.seconds;
    });
    await forum.stop('SIGKILL');
    const registrations = await inTurns(['time'], async () => (await run('registration.mjs')).milliseconds);
    record('', 'device polls', polls.polls, 'per s');
    record('', 'authorization code exchanges, access, ID and refresh token', exchanges.exchanges, 'per s');
    record('', 'registration with a server', registrations.time, 'ms');
}

function table(measured) {
    const lines = measured.map(({ target, what, median: value, min, max, values, unit, wanted, met }) => {
        const spread = values.length > 1 ? `${number(min)} – ${number(max)}` : '';
        const verdict = wanted ? `${wanted} ${met ? 'met' : '**not met**'}` : '';
        return `| ${target} | ${what} | ${number(value)} ${unit} | ${spread} | ${verdict} |`;
    });
    return ['| | measure | median | spread | target |', '| --- | --- | --- | --- | --- |', ...lines].join('\n');
}

const SUITES = { refresh, bearer, size, prune, memory, rest };
const file = new URL('results.json', import.meta.url);
const server = await serve('durable-mariadb');
for (const name of options.only.split(',')) {
    const from = results.length;
    await SUITES[name](server);
    results.slice(from).forEach((line) => (line.suite = name));
    // What was measured before and not in this run stays.
    const earlier = await readFile(file, 'utf8').then(JSON.parse, () => ({ results: [] }));
    const lines = [...earlier.results.filter((line) => line.suite !== name), ...results.slice(from)];
    const order = Object.keys(SUITES);
    lines.sort((one, other) => order.indexOf(one.suite) - order.indexOf(other.suite));
    const machine = `${cpus().length} × ${cpus()[0].model}, Node.js ${process.version}, ${new Date().toISOString().slice(0, 16)}Z`;
    await writeFile(file, `${JSON.stringify({ machine, results: lines }, null, 4)}\n`);
    await writeFile(new URL('results.md', import.meta.url), `${machine}\n\n${table(lines)}\n`);
}
await server.stop();
console.log(await readFile(new URL('results.md', import.meta.url), 'utf8'));
