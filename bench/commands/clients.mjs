// Signs in, refreshes and revokes with client libraries as they are published, on a throwaway MariaDB.
//
// npm run clients
// Exits with 1 where a library fails, or where what it revoked still works.

import { Forum, REDIRECT_URI } from '../clients/forum.mjs';
import * as libraries from '../clients/libraries.mjs';
import { send } from '../clients/send.mjs';
import { serve } from '../lib/database.mjs';

const servers = await serve('mariadb');
const forum = await Forum.start(servers.database);
const discovery = await send('GET', `${forum.issuer}/.well-known/openid-configuration`);

const must = (fact, what) => {
    if (!fact) {
        throw new Error(what);
    }
};

async function signIn(library) {
    const client = await forum.createClient();
    const session = await library({
        issuer: forum.issuer,
        endpoints: discovery.body,
        client,
        redirectUri: REDIRECT_URI,
        approve: (url) => forum.approve(url),
        revokeByForm: async ({ id, secret }, token) => {
            const body = new URLSearchParams({ token, client_id: id, client_secret: secret });
            await send('POST', discovery.body.revocation_endpoint, { body });
        }
    });
    must((await forum.open(session.access)) === 200, 'The access token does not open the forum');
    const renewed = await session.renew();
    must(renewed.refresh && renewed.refresh !== session.refresh, 'The refresh token was not replaced');
    must((await forum.open(renewed.access)) === 200, 'The new access token does not open the forum');
    return { client, session, renewed };
}

async function mustBeRevoked(client, token) {
    const error = await forum.refreshError(client, token);
    must(error === 'invalid_grant', `A revoked refresh token was answered ${error ?? 'with new tokens'}`);
}

let failures = 0;
for (const [name, library] of Object.entries(libraries)) {
    try {
        const { client, session, renewed } = await signIn(library);
        await session.revoke();
        await mustBeRevoked(client, renewed.refresh);
        const by = ['the refresh token'];
        if (session.revokeAccess) {
            const other = await signIn(library);
            await other.session.revokeAccess();
            await mustBeRevoked(other.client, other.renewed.refresh);
            by.push('the access token');
        }
        console.log(`ok      ${name}: code flow with PKCE, refresh, revoke by ${by.join(' and ')}`);
    } catch (error) {
        failures += 1;
        console.log(`FAILED  ${name}:`, error);
    }
}
await forum.stop();
await servers.stop();
process.exitCode = failures === 0 ? 0 : 1;
