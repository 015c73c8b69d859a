// What a refresh costs without HTTP: the plugin's SELECT, its INSERT and two signatures. Reads tasks, {"tokens", "seconds"},
// one a line, from standard input, refreshes all the tokens' families at a time, and prints {"done", "seconds"}.
//
// node processes/limit.mjs <database url>

import { createInterface } from 'node:readline';
import { connect } from '../lib/database.mjs';
import { Database, findPresentedToken, importKeys, readRefreshToken, rotate, signTokens } from '../lib/internals.mjs';
import { ACCESS_TOKEN, CLIENT_ID, ISSUER, REFRESH_TOKEN, signingKey } from '../lib/work.mjs';

const dataSource = await connect(process.argv[2], { extra: { connectionLimit: 20 } });
const context = {
    settings: {
        issuer: ISSUER,
        audience: ISSUER,
        lifetimes: { accessToken: ACCESS_TOKEN, refreshToken: REFRESH_TOKEN, refreshRetryWindow: 60 }
    },
    database: new Database(dataSource),
    keys: await importKeys([signingKey()]),
    clock: Date.now
};

let done = 0;

async function follow(first, until) {
    for (let token = first; performance.now() < until; ++done) {
        const found = await findPresentedToken(context.database, CLIENT_ID, readRefreshToken(token));
        const { client, chain, presented } = found;
        token = await rotate(context, { chain, presented }, token, presented.scope);
        const { accountId: id } = chain;
        const account = { id, handle: id, name: id, permissions: [] };
        await signTokens(context, { client, account, scope: presented.scope, authTime: null });
    }
}

for await (const line of createInterface(process.stdin)) {
    const { tokens, seconds } = JSON.parse(line);
    const began = performance.now();
    done = 0;
    await Promise.all(tokens.map((token) => follow(token, began + seconds * 1000)));
    console.log(JSON.stringify({ done, seconds: (performance.now() - began) / 1000 }));
}
await dataSource.destroy();
