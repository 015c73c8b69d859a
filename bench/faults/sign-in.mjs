import { createHash, randomBytes } from 'node:crypto';
import { SCOPE } from '../peers/work.mjs';
import { FORM, persist } from './http.mjs';

const REDIRECT_URI = 'https://app.example/callback';
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const JSON_BODY = { 'content-type': 'application/json' };

/** An OAuth client: how it names itself and proves that it is the one. */
export class Application {
    constructor(origin, clientId, { secret, basic = false } = {}) {
        this.origin = origin;
        this.clientId = clientId;
        this.headers =
            secret !== undefined && basic
                ? { ...FORM, authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}` }
                : FORM;
        this.fields = basic ? {} : { client_id: clientId, ...(secret !== undefined && { client_secret: secret }) };
    }

    /** What to send to a protocol endpoint for an account. */
    form(account, fields) {
        return {
            headers: { ...this.headers, 'x-account': account },
            body: new URLSearchParams({ ...this.fields, ...fields }).toString()
        };
    }
}

/** The built-in client, and applications of members': public, and confidential by Basic and by form. */
export async function registerApplications(origin) {
    const create = async (name, type) => {
        const body = {
            name,
            type,
            allowed_grants: ['authorization_code', 'refresh_token'],
            allowed_scopes: SCOPE,
            redirect_uris: [REDIRECT_URI],
            pkce_required: true
        };
        const headers = { ...JSON_BODY, 'x-account': 'developer' };
        const answer = await persist('POST', `${origin}/api/auth/oauth/clients`, {
            headers,
            body: JSON.stringify(body)
        });
        const { client, client_secret: secret } = expect(200, answer);
        return { clientId: client.client_id, secret };
    };
    const open = await create('Phone', 'public');
    const basic = await create('Web by Basic', 'confidential');
    const post = await create('Web by form', 'confidential');
    return [
        new Application(origin, 'storyden-cli'),
        new Application(origin, open.clientId),
        new Application(origin, basic.clientId, { secret: basic.secret, basic: true }),
        new Application(origin, post.clientId, { secret: post.secret })
    ];
}

/** The first tokens of an account's grant to an application. */
export async function signIn(application, account) {
    const fields = await (application.clientId === 'storyden-cli'
        ? approveDevice(application, account)
        : approveCode(application, account));
    return expect(
        200,
        await persist('POST', `${application.origin}/api/oauth/token`, application.form(account, fields))
    );
}

async function approveDevice(application, account) {
    const { origin } = application;
    const asked = application.form(account, { scope: 'openid profile offline_access' });
    const device = expect(200, await persist('POST', `${origin}/api/oauth/device_authorization`, asked));
    const consent = `${origin}/api/oauth/device/consent`;
    const headers = { ...JSON_BODY, 'x-account': account };
    expect(200, await persist('GET', `${consent}?user_code=${device.user_code}`, { headers }));
    const body = JSON.stringify({ user_code: device.user_code, decision: 'approve' });
    expect(200, await persist('POST', consent, { headers, body }));
    return { grant_type: DEVICE_CODE, device_code: device.device_code };
}

async function approveCode({ origin, clientId }, account) {
    const verifier = randomBytes(32).toString('base64url');
    const query = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: REDIRECT_URI,
        scope: SCOPE.join(' '),
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256'
    });
    const headers = { 'x-account': account };
    const { headers: found } = await persist('GET', `${origin}/api/oauth/authorize?${query}`, { headers });
    const id = new URL(found.location).searchParams.get('request_id');
    const consent = `${origin}/api/oauth/authorize/consent`;
    expect(200, await persist('GET', `${consent}?request_id=${id}`, { headers }));
    const body = JSON.stringify({ request_id: id, decision: 'approve' });
    const { location } = expect(200, await persist('POST', consent, { headers: { ...headers, ...JSON_BODY }, body }));
    return {
        grant_type: 'authorization_code',
        code: new URL(location).searchParams.get('code'),
        redirect_uri: REDIRECT_URI,
        code_verifier: verifier
    };
}

function expect(status, answer) {
    if (answer.status !== status) {
        throw new Error(`No sign-in: ${answer.status} ${answer.text}`);
    }
    return answer.body;
}
