'use strict';

const assert = require('node:assert/strict');
const { createHash, randomBytes } = require('node:crypto');
const { ACCOUNT } = require('./forum.cjs');

const CLI = 'storyden-cli';
const REDIRECT_URI = 'https://app.example/callback';

/** What a forum and its applications do with a freshly installed plugin. */
exports.mainFlow = async function mainFlow(server) {
    await discover(server);

    const { access_token: access, refresh_token: refresh } = await signInByDevice(server);
    await openRoute(server, access);
    const next = await refreshTokens(server, refresh);
    await openRoute(server, next.access_token);
    await revoke(server, next.refresh_token);

    const tokens = await signInByCode(server);
    await openRoute(server, tokens.access_token);
    await refreshTokens(server, tokens.refresh_token, tokens.client);
};

async function request(server, status, options) {
    const response = await server.inject(options);
    assert.equal(
        response.statusCode,
        status,
        `${options.method ?? 'GET'} ${options.url ?? options}: ${response.payload}`
    );
    return response;
}

/** A form that a client sends. */
async function form(server, path, fields, status = 200) {
    const { payload } = await request(server, status, {
        method: 'POST',
        url: `/api/oauth${path}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: `${new URLSearchParams(fields)}`
    });
    return payload && JSON.parse(payload);
}

/** A request of the member's browser. */
function browse(server, method, path, body, status = 200) {
    return request(server, status, {
        method,
        url: `/api${path}`,
        headers: { 'x-account': ACCOUNT.id, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { payload: JSON.stringify(body) })
    });
}

async function discover(server) {
    const { payload } = await request(server, 200, '/.well-known/oauth-authorization-server');
    const metadata = JSON.parse(payload);
    assert.equal(metadata.issuer, 'https://forum.example');
    assert.equal(new URL(metadata.device_authorization_endpoint).pathname, '/api/oauth/device_authorization');
}

async function signInByDevice(server) {
    const device = await form(server, '/device_authorization', {
        client_id: CLI,
        scope: 'openid profile offline_access'
    });
    assert.match(device.user_code, /^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    await browse(server, 'GET', `/oauth/device/consent?user_code=${device.user_code}`);
    await browse(server, 'POST', '/oauth/device/consent', { user_code: device.user_code, decision: 'approve' });

    const tokens = await form(server, '/token', {
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        client_id: CLI,
        device_code: device.device_code
    });
    assert.ok(tokens.id_token);
    return tokens;
}

async function signInByCode(server) {
    const made = await browse(server, 'POST', '/auth/oauth/clients', {
        name: 'An application',
        type: 'public',
        pkce_required: true,
        redirect_uris: [REDIRECT_URI],
        allowed_scopes: ['openid', 'offline_access', 'READ_PUBLISHED_THREADS'],
        allowed_grants: ['authorization_code', 'refresh_token']
    });
    const client = JSON.parse(made.payload).client.client_id;
    const verifier = randomBytes(32).toString('base64url');
    const query = new URLSearchParams({
        response_type: 'code',
        client_id: client,
        redirect_uri: REDIRECT_URI,
        scope: 'openid offline_access READ_PUBLISHED_THREADS',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256'
    });
    const { headers } = await browse(server, 'GET', `/oauth/authorize?${query}`, undefined, 303);
    const id = new URL(headers.location).searchParams.get('request_id');
    await browse(server, 'GET', `/oauth/authorize/consent?request_id=${id}`);
    const { payload } = await browse(server, 'POST', '/oauth/authorize/consent', {
        request_id: id,
        decision: 'approve'
    });
    const tokens = await form(server, '/token', {
        grant_type: 'authorization_code',
        client_id: client,
        redirect_uri: REDIRECT_URI,
        code: new URL(JSON.parse(payload).location).searchParams.get('code'),
        code_verifier: verifier
    });
    return { ...tokens, client };
}

/** A route that both a session and an access token open, and one for which the token lacks the permission. */
async function openRoute(server, token) {
    const headers = { authorization: `Bearer ${token}` };
    const { payload } = await request(server, 200, { url: '/threads', headers });
    assert.equal(JSON.parse(payload).account, ACCOUNT.id);
    await request(server, 403, { method: 'DELETE', url: '/threads', headers });
    await request(server, 401, { url: '/threads', headers: { authorization: 'Bearer no-token' } });
}

async function refreshTokens(server, token, client = CLI) {
    const fields = { grant_type: 'refresh_token', client_id: client, refresh_token: token };
    const tokens = await form(server, '/token', fields);
    assert.notEqual(tokens.refresh_token, token);
    // A client that lost the response asks again, and gets the same successor.
    const again = await form(server, '/token', fields);
    assert.equal(again.refresh_token, tokens.refresh_token);
    return tokens;
}

async function revoke(server, token) {
    await form(server, '/revoke', { client_id: CLI, token });
    const fields = { grant_type: 'refresh_token', client_id: CLI, refresh_token: token };
    const { error } = await form(server, '/token', fields, 400);
    assert.equal(error, 'invalid_grant');
}

/** The ready-made pages: that they are there, and that their templates and styles are in the package. */
exports.visitPages = async function visitPages(server, pages) {
    const loadsTemplates = () => Object.keys(require.cache).some((file) => file.includes('/handlebars/'));
    assert.ok(!loadsTemplates(), 'A host without the pages loads no template engine.');
    await server.register({ plugin: pages });
    assert.ok(loadsTemplates());

    const { payload } = await request(server, 200, {
        url: '/settings/my-apps',
        headers: { 'x-account': ACCOUNT.id }
    });
    const [, styles] = /<link rel="stylesheet" href="([^"]+)"/.exec(payload);
    await request(server, 200, styles);
};
