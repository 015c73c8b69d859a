import { createHash, createPrivateKey, randomBytes, randomUUID, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { ACCESS_TOKEN, CLIENT_ID, ISSUER, SCOPE } from './peers/work.mjs';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const REDIRECT_URI = 'https://app.example/callback';

/** Access tokens as the plugin signs them, each with a jti of its own. */
export async function mintAccessTokens(jwk, count) {
    const key = createPrivateKey({ key: jwk, format: 'jwk' });
    const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const signBytes = promisify(sign);
    const iat = Math.floor(Date.now() / 1000);
    const mint = async () => {
        const claims = {
            iss: ISSUER,
            sub: 'account1',
            aud: ISSUER,
            client_id: CLIENT_ID,
            exp: iat + ACCESS_TOKEN,
            iat,
            jti: randomUUID(),
            scope: SCOPE.join(' ')
        };
        const input = `${encode({ alg: 'RS256', kid: jwk.kid, typ: 'at+jwt' })}.${encode(claims)}`;
        return `${input}.${(await signBytes('sha256', Buffer.from(input), key)).toString('base64url')}`;
    };
    return inBatches(count, mint);
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
    const json = (method, path, body) =>
        fetch(`${origin}/api${path}`, {
            method,
            ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
        }).then((response) => response.json());
    const { client } = await json('POST', '/auth/oauth/clients', {
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
        await json('GET', `/oauth/authorize/consent?request_id=${requestId}`);
        const { location } = await json('POST', '/oauth/authorize/consent', {
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
