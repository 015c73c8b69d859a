import mysql from 'mysql2/promise';
import { fillWith } from '../lib/fill.mjs';
import { ratios } from '../lib/findings.mjs';
import { load } from '../lib/measure.mjs';
import { Process } from '../lib/process.mjs';

const LISTERS = 10;
const PER_LISTER = 55;
const SMALL = 10_000;
/** Requests to each side in a round. */
const LISTS = 200;
const REFRESHES = 100;

/** P3: the member's list of tokens, and a refresh, in a large table and in a small one. */
export async function size(server, { rounds, rows }, findings) {
    const wanted = LISTERS * PER_LISTER + REFRESHES * (rounds + 1);
    const forums = [];
    let filling;
    for (const count of [SMALL, rows]) {
        const began = performance.now();
        const { url, usable } = await fillWith(server, count, wanted);
        filling = Math.round((performance.now() - began) / 1000);
        await giveToListers(url, usable.splice(0, LISTERS * PER_LISTER));
        const forum = new Process('processes/forum.mjs', [url]);
        forums.push({ forum, origin: (await forum.line()).origin, usable });
    }
    const alternate = async (path, itemsOf, rest = {}) => {
        const sides = forums.map((one) => ({ url: `${one.origin}/api${path}`, items: itemsOf(one) }));
        return (await load({ kind: 'alternate', sides, ...rest })).sides.map(({ p50 }) => p50);
    };
    const lists = [];
    const refreshes = [];
    for (let round = -1; round < rounds; ++round) {
        const list = await alternate('/auth/oauth/tokens', () =>
            Array.from({ length: LISTS }, (_, index) => ({ headers: { 'x-account': `lister${index % LISTERS}` } }))
        );
        const refreshed = await alternate('/oauth/token', ({ usable }) =>
            usable.splice(0, REFRESHES).map((token) => ({
                body: `grant_type=refresh_token&client_id=storyden-cli&refresh_token=${token}`
            }))
        );
        if (round >= 0) {
            lists.push(list);
            refreshes.push(refreshed);
        }
    }
    for (const { forum } of forums) {
        await forum.stop('SIGKILL');
    }
    const against = `p50 at ${rows.toLocaleString('en')} rows against ${SMALL.toLocaleString('en')}`;
    const side = (measured, index) => measured.map((round) => round[index]);
    for (const [what, measured] of [
        ["member's token list", lists],
        ['one refresh', refreshes]
    ]) {
        findings.line('P3', `${what}, ${against}`, ratios(side(measured, 1), side(measured, 0)), '×', '≤ 1.2');
        findings.line('P3', `${what}, small table`, side(measured, 0), 'ms');
        findings.line('P3', `${what}, large table`, side(measured, 1), 'ms');
    }
    return `${rounds} rounds of ${LISTS} lists and ${REFRESHES} refreshes, each of another token family, to each table in turn; the large table filled in ${filling} s`;
}

/** Gives each listed account the same number of tokens, whatever the size of the table. */
async function giveToListers(url, tokens) {
    const connection = await mysql.createConnection(url);
    for (let lister = 0; lister < LISTERS; ++lister) {
        const ids = tokens.slice(lister * PER_LISTER, (lister + 1) * PER_LISTER).map((token) => token.slice(6, 26));
        const account = `lister${lister}`;
        await connection.query('UPDATE oauth_grants SET account_id = ? WHERE id IN (?)', [account, ids]);
        await connection.query('UPDATE oauth_refresh_tokens SET account_id = ? WHERE grant_id IN (?)', [account, ids]);
    }
    await connection.end();
}
