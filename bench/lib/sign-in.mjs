import { createHash, randomBytes } from 'node:crypto';
import { CLIENT_ID, SCOPE } from './work.mjs';
import { FORM, persist } from './http.mjs';

const REDIRECT_URI = 'https://app.example/callback';
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const JSON_BODY = { 'content-type': 'application/json' };

/** An OAuth client, with the way it authenticates. */
export class Application {
    /** @param basic sends the secret by HTTP Basic instead of in the form */
    constructor(origin, clientId, { secret, basic = false } = {}) {
        this.origin = origin;
        this.clientId = clientId;
        this.headers =
            secret !== undefined && basic
                ? { ...FORM, authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}` }
                : FORM;
        this.fields = basic ? {} : { client_id: clientId, ...(secret !== undefined && { client_secret: secret }) };
    }

    /** A request to a protocol endpoint, for an account. */
    form(account, fields) {
        return {
            headers: { ...this.headers, 'x-account': account },
            body: new URLSearchParams({ ...this.fields, ...fields }).toString()
        };
    }
}

/** Creates a client of the account "developer". */
export async function createClient(origin, fields) {
    const response = await persist('POST', `${origin}/api/auth/oauth/clients`, {
        headers: { ...JSON_BODY, 'x-account': 'developer' },
        body: JSON.stringify({ name: `Bench ${randomBytes(4).toString('hex')}`, ...fields })
    });
    const { client, client_secret: secret } = expect(200, response);
    return { clientId: client.client_id, secret };
}

/** Creates a client that signs people in by authorization codes. @param type `public` or `confidential` */
export function createSignInClient(origin, type = 'public') {
    return createClient(origin, {
        type,
        allowed_grants: ['authorization_code', 'refresh_token'],
        allowed_scopes: SCOPE,
        redirect_uris: [REDIRECT_URI],
        pkce_required: true
    });
}

/** Four applications: the built-in client, a public one, and confidential ones that use Basic and the form. */
export async function registerApplications(origin) {
    const open = await createSignInClient(origin);
    const basic = await createSignInClient(origin, 'confidential');
    const post = await createSignInClient(origin, 'confidential');
    return [
        new Application(origin, CLIENT_ID),
        new Application(origin, open.clientId),
        new Application(origin, basic.clientId, { secret: basic.secret, basic: true }),
        new Application(origin, post.clientId, { secret: post.secret })
    ];
}

/** Signs an account in to an application; returns the token response. */
export async function signIn(application, account) {
    const fields = await (application.clientId === CLIENT_ID
        ? approveDevice(application, account)
        : approveCode(application, account));
    return exchange(application, account, fields);
}

/** Exchanges what an account has approved for tokens. */
export async function exchange(application, account, fields) {
    const url = `${application.origin}/api/oauth/token`;
    return expect(200, await persist('POST', url, application.form(account, fields)));
}

/** Asks for a device code. */
export async function requestDevice(application, account) {
    const form = application.form(account, { scope: 'openid profile offline_access' });
    return expect(200, await persist('POST', `${application.origin}/api/oauth/device_authorization`, form));
}

/** The fields of a poll for a device code. */
export const deviceFields = ({ device_code: code }) => ({ grant_type: DEVICE_CODE, device_code: code });

async function approveDevice(application, account) {
    const device = await requestDevice(application, account);
    const consent = `${application.origin}/api/oauth/device/consent`;
    const headers = { ...JSON_BODY, 'x-account': account };
    expect(200, await persist('GET', `${consent}?user_code=${device.user_code}`, { headers }));
    const body = JSON.stringify({ user_code: device.user_code, decision: 'approve' });
    expect(200, await persist('POST', consent, { headers, body }));
    return deviceFields(device);
}

/** Runs the authorization code flow up to the code; returns the fields that exchange it. */
export async function approveCode(application, account) {
    const request = await authorize(application, account);
    await showConsent(application, account, request);
    return approveConsent(application, account, request);
}

/** Opens the authorization endpoint. @returns the request's id and its PKCE verifier */
export async function authorize({ origin, clientId }, account) {
    const verifier = randomBytes(32).toString('base64url');
    const query = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: REDIRECT_URI,
        scope: SCOPE.join(' '),
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256'
    });
    const response = await persist('GET', `${origin}/api/oauth/authorize?${query}`, {
        headers: { 'x-account': account }
    });
    expect(303, response);
    return { id: new URL(response.headers.location).searchParams.get('request_id'), verifier };
}

/** Reads what a consent page shows. */
export async function showConsent({ origin }, account, { id }) {
    const url = `${origin}/api/oauth/authorize/consent?request_id=${id}`;
    expect(200, await persist('GET', url, { headers: { 'x-account': account } }));
}

/** Approves a request; returns the fields that exchange its code. */
export async function approveConsent({ origin }, account, { id, verifier }) {
    const response = await persist('POST', `${origin}/api/oauth/authorize/consent`, {
        headers: { ...JSON_BODY, 'x-account': account },
        body: JSON.stringify({ request_id: id, decision: 'approve' })
    });
    const { location } = expect(200, response);
    return {
        grant_type: 'authorization_code',
        code: new URL(location).searchParams.get('code'),
        redirect_uri: REDIRECT_URI,
        code_verifier: verifier
    };
}

function expect(status, response) {
    if (response.status !== status) {
        throw new Error(`Sign-in failed: ${response.failed ?? response.status} ${response.text ?? ''}`);
    }
    return response.body;
}
