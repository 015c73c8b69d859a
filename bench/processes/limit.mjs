// What a refresh costs without HTTP: the plugin's SELECT, its INSERT and two signatures. Reads tasks, {"tokens", "seconds"},
// one a line, from standard input, refreshes all the tokens' families at a time, and prints {"done", "seconds"}.
//
// node processes/limit.mjs <database url>

import { createInterface } from 'node:readline';
import { connect } from '../lib/database.mjs';
import {
    createRefreshToken,
    Database,
    encryptSuccessor,
    findPresentedToken,
    hashSecret,
    importKeys,
    insertSuccessor,
    readRefreshToken,
    signTokens
} from '../lib/internals.mjs';
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

/** As the refresh token grant rotates the head of a family. */
async function rotate(grant, head, token) {
    const now = Date.now();
    const generation = head.generation + 1;
    const successor = createRefreshToken(grant.familyKey, { grantId: grant.id, generation });
    const row = {
        generation,
        hash: hashSecret(successor),
        scope: head.scope,
        encrypted: encryptSuccessor(token, successor),
        retryUntil: now + 60_000,
        expiresAt: now + REFRESH_TOKEN * 1000
    };
    await insertSuccessor(context.database, grant.id, row, now);
    return successor;
}

async function follow(first, until) {
    for (let token = first; performance.now() < until; ++done) {
        const {
            client,
            grant,
            token: head
        } = await findPresentedToken(context.database, CLIENT_ID, readRefreshToken(token));
        token = await rotate(grant, head, token);
        const { accountId: id } = grant;
        const account = { id, handle: id, name: id, permissions: [] };
        await signTokens(context, { client, account, scope: head.scope, authTime: null });
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
