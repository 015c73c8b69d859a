import { createHash, randomBytes } from 'node:crypto';
import { accessTokenClaims, createSigner } from './peers/jwt.mjs';
import { CLIENT_ID, SCOPE } from './peers/work.mjs';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const REDIRECT_URI = 'https://app.example/callback';

/** Access tokens as the plugin signs them with SIGNING_KEY (RS256), each with a jti of its own. */
export async function mintAccessTokens(count, clientId = CLIENT_ID) {
    const sign = createSigner();
    return inBatches(count, () => sign({ typ: 'at+jwt' }, accessTokenClaims('account1', clientId, SCOPE.join(' '))));
}

/** A confidential client of account1; its id and its secret. */
export async function createConfidentialClient(origin) {
    const { client, client_secret: secret } = await json(origin, 'POST', '/auth/oauth/clients', {
        name: `Bench ${randomBytes(4).toString('hex')}`,
        type: 'confidential',
        allowed_grants: ['client_credentials'],
        allowed_scopes: ['CREATE_POST']
    });
    return { clientId: client.client_id, secret };
}

async function json(origin, method, path, body) {
    const response = await fetch(`${origin}/api${path}`, {
        method,
        ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    });
    if (!response.ok) {
        throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    }
    return response.json();
}

/** Bodies that poll for device codes which nobody has decided. */
export async function mintDeviceCodes(origin, count) {
    const body = `client_id=${CLIENT_ID}&scope=openid+profile+offline_access`;
    return inBatches(count, async () => {
        const response = await fetch(`${origin}/api/oauth/device_authorization`, {
            method: 'POST',
            headers: FORM,
            body
        });
        const { device_code: deviceCode } = await response.json();
        const grant = 'urn:ietf:params:oauth:grant-type:device_code';
        return `grant_type=${grant}&client_id=${CLIENT_ID}&device_code=${deviceCode}`;
    });
}

/** Bodies that exchange authorization codes which a person has approved. */
export async function mintCodes(origin, count) {
    const { client } = await json(origin, 'POST', '/auth/oauth/clients', {
        name: `Bench ${randomBytes(4).toString('hex')}`,
        type: 'public',
        allowed_grants: ['authorization_code', 'refresh_token'],
        allowed_scopes: SCOPE,
        redirect_uris: [REDIRECT_URI],
        pkce_required: true
    });
    return inBatches(count, async () => {
        const verifier = randomBytes(32).toString('base64url');
        const query = new URLSearchParams({
            response_type: 'code',
            client_id: client.client_id,
            redirect_uri: REDIRECT_URI,
            scope: SCOPE.join(' '),
            code_challenge: createHash('sha256').update(verifier).digest('base64url'),
            code_challenge_method: 'S256'
        });
        const answer = await fetch(`${origin}/api/oauth/authorize?${query}`, { redirect: 'manual' });
        const requestId = new URL(answer.headers.get('location')).searchParams.get('request_id');
        await json(origin, 'GET', `/oauth/authorize/consent?request_id=${requestId}`);
        const { location } = await json(origin, 'POST', '/oauth/authorize/consent', {
            request_id: requestId,
            decision: 'approve'
        });
        return new URLSearchParams({
            grant_type: 'authorization_code',
            client_id: client.client_id,
            code: new URL(location).searchParams.get('code'),
            redirect_uri: REDIRECT_URI,
            code_verifier: verifier
        }).toString();
    });
}

/** `count` of what `make` gives, a few at a time. */
async function inBatches(count, make) {
    const made = [];
    while (made.length < count) {
        made.push(...(await Promise.all(Array.from({ length: Math.min(16, count - made.length) }, make))));
    }
    return made;
}
