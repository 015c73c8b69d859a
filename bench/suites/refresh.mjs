import { createPublicKey, verify } from 'node:crypto';
import { allowConnections, createEmptyDatabase } from '../lib/database.mjs';
import { fillWith } from '../lib/fill.mjs';
import { median, ratios } from '../lib/findings.mjs';
import { CONNECTIONS, databaseProcess, inTurns, load, withCpu } from '../lib/measure.mjs';
import { Process, Tasks } from '../lib/process.mjs';
import { CLIENT_ID, signingKey } from '../lib/work.mjs';

const FORUM = 'hapi-forum-oauth';
const IN_MEMORY = 'oidc-provider';
const LIMIT = 'the same SQL and signatures without HTTP';

const PEERS = {
    [IN_MEMORY]: { script: 'oidc-provider', store: 'memory' },
    '@node-oauth/oauth2-server': { script: 'node-oauth', kind: 'plain' },
    '@node-oauth/oauth2-server, signing': { script: 'node-oauth', kind: 'signed' },
    '@jmondi/oauth2-server': { script: 'jmondi', kind: 'plain' },
    '@jmondi/oauth2-server, signing': { script: 'jmondi', kind: 'signed' },
    'better-auth': { script: 'better-auth', kind: 'plain' },
    'better-auth, signing': { script: 'better-auth', kind: 'signed' },
    'better-auth, signing by its host': { script: 'better-auth', kind: 'hosted' }
};

/** P1: refreshes per second, of this plugin and of its peers. The plugin's are durable in MariaDB. */
export async function refresh(server, { rounds, seconds }, findings) {
    // Each server keeps twenty connections open.
    await allowConnections(server.database, 500);
    const { url, usable } = await fillWith(server, 10_000, CONNECTIONS * 2 * (rounds + 2));
    const servers = { [FORUM]: new Process('processes/forum.mjs', [url]) };
    for (const [name, { script, kind, store }] of Object.entries(PEERS)) {
        const args = store === 'memory' ? [] : [await createEmptyDatabase(server.database), kind];
        servers[name] = new Process(`peers/${script}.mjs`, args);
    }
    const places = {};
    for (const [name, child] of Object.entries(servers)) {
        const { origin, path = '/api/oauth/token' } = await child.line();
        places[name] = { origin, url: origin + path };
    }
    const limit = new Tasks('processes/limit.mjs', [url]);
    const tokensFor = async (name, count = CONNECTIONS) =>
        name === FORUM ? usable.splice(0, count) : (await fetch(`${places[name].origin}/seed?count=${count}`)).json();

    const work = {};
    for (const name of Object.keys(servers)) {
        const [token] = await tokensFor(name, 1);
        work[name] = await inspect(places[name].url, token, name === FORUM);
    }

    const mariadb = await databaseProcess(server.database);
    const measured = await inTurns(rounds, [...Object.keys(servers), LIMIT], async (name) => {
        const tokens = name === LIMIT ? usable.splice(0, CONNECTIONS) : await tokensFor(name);
        return name === LIMIT
            ? withCpu(limit.pid, mariadb, () => limit.run({ tokens, seconds }))
            : withCpu(servers[name].pid, mariadb, () =>
                  load({ kind: 'refresh', url: places[name].url, tokens, seconds })
              );
    });
    for (const child of [...Object.values(servers), limit]) {
        await child.stop('SIGKILL');
    }

    const of = (name, what = 'rate') => measured[name].map((value) => value[what]);
    const fastest = (names) => names.toSorted((one, other) => median(of(other)) - median(of(one)))[0];
    const inMariaDB = Object.keys(PEERS).filter((name) => name !== IN_MEMORY);
    const alike = fastest(inMariaDB.filter((name) => work[name].rs256 === 2));
    const any = fastest(inMariaDB);
    const compare = (what, other, wanted) => {
        findings.line('P1', `refreshes against ${what}`, ratios(of(FORUM), of(other)), '×', wanted);
        findings.line(
            'P1',
            `CPU of a refresh in its process, against ${what}`,
            ratios(of(FORUM, 'cpu'), of(other, 'cpu'))
        );
    };
    compare(`${IN_MEMORY} in memory`, IN_MEMORY, '≥ 1.0');
    compare(`${alike}, the fastest peer in MariaDB with the same signatures`, alike, '≥ 3.0');
    compare(`${any}, the fastest peer in MariaDB with any signatures (${work[any].text})`, any);
    compare(LIMIT, LIMIT);
    findings.grid(
        'Refreshes',
        Object.keys(measured).map((name) => ({
            server: name,
            'stores tokens in': PEERS[name]?.store ?? 'MariaDB',
            'signatures per refresh': work[name]?.text ?? work[FORUM].text,
            'refreshes per second': of(name),
            'CPU of one in its process, ms': of(name, 'cpu'),
            'and in MariaDB, ms': of(name, 'withDatabase'),
            [`${FORUM} against it`]: name === FORUM ? '' : ratios(of(FORUM), of(name))
        }))
    );
    return `${rounds} rounds of ${seconds} s`;
}

/** Refreshes once. Returns which signatures were made; throws where the used token still works. */
async function inspect(url, token, hasRetryWindow) {
    const present = async (refreshToken) => {
        const body = new URLSearchParams({
            grant_type: 'refresh_token',
            client_id: CLIENT_ID,
            refresh_token: refreshToken
        });
        const response = await fetch(url, { method: 'POST', body });
        return { status: response.status, body: await response.json() };
    };
    const { status, body } = await present(token);
    if (status !== 200 || !body.refresh_token || body.refresh_token === token) {
        throw new Error(`${url}: ${status} ${JSON.stringify(body)}`);
    }
    const jwk = signingKey();
    const key = createPublicKey({ key: { kty: jwk.kty, n: jwk.n, e: jwk.e }, format: 'jwk' });
    const made = {};
    for (const name of ['access_token', 'id_token', 'refresh_token']) {
        const parts = body[name]?.split('.') ?? [];
        if (parts.length === 3) {
            const { alg } = JSON.parse(Buffer.from(parts[0], 'base64url'));
            const signature = Buffer.from(parts[2], 'base64url');
            if (alg === 'RS256' && !verify('sha256', Buffer.from(`${parts[0]}.${parts[1]}`), key, signature)) {
                throw new Error(`${url} signs with another key`);
            }
            made[alg] = (made[alg] ?? 0) + 1;
        }
    }
    const again = await present(token);
    const converges = hasRetryWindow && again.body.refresh_token === body.refresh_token;
    if (again.status < 400 && !converges) {
        throw new Error(`${url} accepts a refresh token twice`);
    }
    const list = Object.entries(made).map(([alg, count]) => `${count} ${alg}`);
    return { rs256: made.RS256 ?? 0, text: list.join(', ') || 'none' };
}
