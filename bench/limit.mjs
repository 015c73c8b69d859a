// What a refresh costs without HTTP: the plugin's one SELECT, one INSERT and two signatures. It reads tasks, {"tokens",
// "seconds"}, one a line, from its standard input, follows all the tokens' chains at a time, and prints {"done", "seconds"}.
//
// node limit.mjs <database url>

import { createInterface } from 'node:readline';
import { connect } from './database.mjs';
import { Database } from './dist/plugin/database.js';
import { findPresentation, rotate } from './dist/plugin/tokens/chain.js';
import { importKeys } from './dist/plugin/tokens/keys.js';
import { readRefreshToken } from './dist/plugin/tokens/refresh-token.js';
import { signTokens } from './dist/plugin/tokens/response.js';
import { ACCESS_TOKEN, CLIENT_ID, ISSUER, REFRESH_TOKEN, signingKey } from './peers/work.mjs';

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
        const found = await findPresentation(context.database, CLIENT_ID, readRefreshToken(token));
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
