import { createDatabase } from '../lib/database.mjs';
import { CONNECTIONS, load, memoryOf } from '../lib/measure.mjs';
import { mintAccessTokens, mintCodes, mintDeviceCodes } from '../lib/mint.mjs';
import { cpu, Process } from '../lib/process.mjs';
import { createClient } from '../lib/sign-in.mjs';

const times = (count, items) => Array.from({ length: count }, (_, index) => items[index % items.length]);

/** What other endpoints cost, in time and in memory. */
export async function paths(server, { rounds }, findings) {
    const forum = new Process('processes/forum.mjs', [await createDatabase(server.database)]);
    const { origin } = await forum.line();
    const token = `${origin}/api/oauth/token`;
    const bearerOf = (accessTokens) => accessTokens.map((one) => ({ headers: { authorization: `Bearer ${one}` } }));
    const known = await mintAccessTokens(CONNECTIONS);
    const { clientId, secret } = await createClient(origin, {
        type: 'confidential',
        allowed_grants: ['client_credentials'],
        allowed_scopes: ['CREATE_POST']
    });
    const basic = `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`;
    const introspections = (await mintAccessTokens(CONNECTIONS, clientId)).map((one) => ({
        body: `token=${one}`,
        headers: { authorization: basic }
    }));
    const bodies = (list) => list.map((body) => ({ body }));
    const each = (url, itemsOf, status) => ({ url, itemsOf, status });
    const polls = await mintDeviceCodes(origin, 128);

    // Of each path, how many requests make a round, and which.
    const ways = {
        'device poll': [1500, each(token, (count) => times(count, bodies(polls)), 400)],
        'code exchange, with access, ID and refresh token': [
            300,
            each(token, async (count) => bodies(await mintCodes(origin, count)))
        ],
        'client credentials': [
            600,
            each(token, (count) =>
                times(count, [{ body: 'grant_type=client_credentials', headers: { authorization: basic } }])
            )
        ],
        'bearer route': [5000, each(`${origin}/protected`, (count) => times(count, bearerOf(known)))],
        'bearer route, each token sent once': [
            3000,
            each(`${origin}/protected`, async (count) => bearerOf(await mintAccessTokens(count)))
        ],
        introspection: [1500, each(`${origin}/api/oauth/introspect`, (count) => times(count, introspections))],
        userinfo: [3000, each(`${origin}/api/oauth/userinfo`, (count) => times(count, bearerOf(known)))],
        "member's token list": [
            600,
            each(`${origin}/api/auth/oauth/tokens`, (count) => times(count, [{ headers: { 'x-account': 'account1' } }]))
        ]
    };

    const rows = [];
    for (const [name, [count, { url, itemsOf, status }]] of Object.entries(ways)) {
        const measured = [];
        for (let round = -2; round < rounds; ++round) {
            const items = await itemsOf(count);
            const { heapUsed: before } = await memoryOf(forum);
            const used = await cpu(forum.pid);
            const { done, seconds, p50 } = await load({ kind: 'each', url, items, status });
            const result = { rate: done / seconds, cpu: ((await cpu(forum.pid)) - used) / done, p50 };
            const { heapUsed: after } = await memoryOf(forum);
            if (round >= 0) {
                measured.push({ ...result, growth: ((after - before) * 1024) / (count / 1000) });
            }
        }
        const of = (what) => measured.map((one) => one[what]);
        rows.push({
            path: name,
            'requests per second': of('rate'),
            'CPU of one, ms': of('cpu'),
            'p50 at 64 connections, ms': of('p50'),
            'growth of the memory in use per 1,000, KB': of('growth')
        });
    }
    await forum.stop('SIGKILL');
    const registrations = [];
    for (let round = 0; round < rounds; ++round) {
        const child = new Process('processes/registration.mjs');
        registrations.push((await child.line()).milliseconds);
        await child.exit;
    }
    findings.line('', 'registering the plugin with a server', registrations, 'ms');
    findings.grid('Other paths', rows);
    return `${rounds} rounds after two to warm up`;
}
