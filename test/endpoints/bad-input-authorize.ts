import { connect } from 'node:net';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import {
    basicOf,
    bearer,
    beginRequest,
    countRows,
    createApp,
    decideRequest,
    obtainCode,
    parametersOf,
    pkce,
    readRequest,
    redeem,
    REDIRECT_URI,
    signInTo,
    type App
} from '../support/authorization';
import { claimsOf, FRIGG } from '../support/forum';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const FORM = 'application/x-www-form-urlencoded';
const MEGABYTE = 'x'.repeat(1024 * 1024);

/** The parts of a response that these tests check. */
interface Outcome {
    status: number;
    location: string | undefined;
    body: Record<string, unknown> | undefined;
}

for (const kind of ['server', 'embedded'] as const) {
    describe(`bad input to the authorization code flow (${kind} database)`, () => {
        const database = useDatabase(lab, kind);
        const forum = useForum(lab, { database });
        let app: App;
        let confidential: App;

        before(async () => {
            app = await createApp(forum);
            confidential = await createApp(forum, { type: 'confidential' });
        });

        async function send(
            method: string,
            path: string,
            payload?: string | Buffer,
            headers: Record<string, string> = {}
        ): Promise<Outcome> {
            const response = await forum.server.inject({
                method,
                url: `/api${path}`,
                headers: { cookie: `session=${FRIGG}`, ...headers },
                ...(payload !== undefined && { payload })
            });
            const json = String(response.headers['content-type'] ?? '').startsWith('application/json');
            return {
                status: response.statusCode,
                location: response.headers.location,
                body: json ? (JSON.parse(response.payload) as Record<string, unknown>) : undefined
            };
        }

        /** Expects an error in the protocol's shape without anything internal, and that nothing was written. */
        async function expectRefused(
            what: string,
            request: () => Promise<Outcome>,
            status = 400,
            error = 'invalid_request'
        ): Promise<void> {
            const label = what.slice(0, 100);
            const rows = await countRows(database.dataSource);
            const outcome = await request();
            expect([outcome.status, outcome.location, outcome.body?.error], label).to.equal([status, undefined, error]);
            expect(Object.keys(outcome.body!), label).to.equal(['error', 'error_description']);
            expect(outcome.body!.error_description, label).to.match(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
            expect(await countRows(database.dataSource), label).to.equal(rows);
        }

        /** Bodies that no endpoint with a form accepts. */
        async function expectFormOnly(path: string, good: Record<string, string>): Promise<void> {
            const form = new URLSearchParams(good).toString();
            const json = JSON.stringify(good);
            const name = Object.keys(good)[0]!;
            const bodies: [string, string | Buffer | undefined, Record<string, string>][] = [
                ['JSON', json, { 'content-type': 'application/json' }],
                ['JSON called a form', json, { 'content-type': FORM }],
                ['a form called JSON', form, { 'content-type': 'application/json' }],
                ['a form called text', form, { 'content-type': 'text/plain' }],
                ['a form called multipart', form, { 'content-type': 'multipart/form-data; boundary=x' }],
                ['a form called nothing', form, {}],
                ['a form called nonsense', form, { 'content-type': ';;;' }],
                ['compressed', form, { 'content-type': FORM, 'content-encoding': 'gzip' }],
                ['a megabyte', `${form}&x=${MEGABYTE}`, { 'content-type': FORM }],
                ['a thousand parameters', `${form}${'&a=b'.repeat(1000)}`, { 'content-type': FORM }],
                ['twice', `${form}&${name}=${encodeURIComponent(good[name]!)}`, { 'content-type': FORM }],
                ['an unknown one twice', `${form}&x=1&x=2`, { 'content-type': FORM }],
                ['bad percent encoding', `${form}&x=%zz`, { 'content-type': FORM }],
                ['percent-encoded bytes that are no UTF-8', `${form}&x=%ff`, { 'content-type': FORM }],
                [
                    'bytes that are no UTF-8',
                    Buffer.concat([Buffer.from(`${form}&x=`), Buffer.from([0xff])]),
                    {
                        'content-type': FORM
                    }
                ]
            ];
            const rows = await countRows(database.dataSource);
            for (const [what, body, headers] of bodies) {
                const outcome = await send('POST', path, body, headers);
                const label = `${path}: ${what}`;
                expect([400, 401], label).to.include(outcome.status);
                expect(['invalid_request', 'invalid_client', 'invalid_token'], label).to.include(
                    String(outcome.body!.error)
                );
                expect(Object.keys(outcome.body!), label).to.equal(['error', 'error_description']);
            }
            for (const [what, body] of [
                ['nothing', undefined],
                ['empty', ''],
                ['separators', '&&&==&'],
                ['names only', Object.keys(good).join('&')]
            ] as const) {
                const outcome = await send('POST', path, body, { 'content-type': FORM });
                expect([400, 401], `${path}: ${what}`).to.include(outcome.status);
            }
            expect(await countRows(database.dataSource)).to.equal(rows);
        }

        describe('GET /oauth/authorize', () => {
            /** The request with another value for one parameter. */
            const query = (name: string, text: string): string => {
                const rest = parametersOf(app, { [name]: null });
                return `${new URLSearchParams(rest).toString()}&${name}=${text}`;
            };

            it('shows the error for every wrong value of client_id or redirect_uri', async () => {
                for (const name of ['client_id', 'redirect_uri']) {
                    for (const text of ['', '%00', '%20', '%F0%9F%98%80', 'x'.repeat(8000), '%5B%5D', '-1', 'null']) {
                        const request = (): Promise<Outcome> => send('GET', `/oauth/authorize?${query(name, text)}`);
                        const unknown = name === 'client_id' && text !== '';
                        await expectRefused(`${name}=${text}`, request, 400, unknown ? 'invalid_client' : undefined);
                    }
                    for (const text of ['%', '%ff', '%c3%28', '%ed%a0%80', '%zz']) {
                        await expectRefused(`${name}=${text}`, () =>
                            send('GET', `/oauth/authorize?${query(name, text)}`)
                        );
                    }
                }
            });

            it('redirects to the client with an error for every other wrong value', async () => {
                const names = [
                    'response_type',
                    'code_challenge',
                    'code_challenge_method',
                    'scope',
                    'max_age',
                    'resource'
                ];
                for (const name of names) {
                    for (const text of [
                        '%00',
                        '%F0%9F%98%80',
                        'x'.repeat(8000),
                        '%3Cscript%3E',
                        '__proto__',
                        '%0D%0Ax'
                    ]) {
                        const rows = await countRows(database.dataSource);
                        const { status, location } = await send('GET', `/oauth/authorize?${query(name, text)}`);
                        expect(status, name).to.equal(303);
                        expect(location, name).to.match(/^https:\/\/app\.example\/cb\?error=[a-z_]+&/);
                        expect(location, name).to.not.match(/<|%3C/i);
                        expect(await countRows(database.dataSource)).to.equal(rows);
                    }
                }
            });

            it('refuses too many parameters and parameters in another shape', async () => {
                const good = new URLSearchParams(parametersOf(app)).toString();
                await expectRefused('many', () => send('GET', `/oauth/authorize?${good}${'&a=b'.repeat(500)}`));
                await expectRefused('none', () => send('GET', '/oauth/authorize'));
                await expectRefused('empty', () => send('GET', '/oauth/authorize?'));
                await expectRefused('separators', () => send('GET', '/oauth/authorize?&&=&=&'));
                await expectRefused('semicolons', () => send('GET', `/oauth/authorize?${good.replaceAll('&', ';')}`));
                await expectRefused('brackets', () =>
                    send('GET', `/oauth/authorize?${good.replace('client_id=', 'client_id[]=')}`)
                );
            });

            it('keeps any state and nonce exactly', async () => {
                for (const text of [
                    'a\0b',
                    '\0',
                    ' leading and trailing ',
                    '\u{1F600}'.repeat(1000),
                    '\u0301\u200b\ufeff',
                    "'; DROP TABLE oauth_clients; --",
                    '\\"\'`$%_?:name',
                    '{"$ne":null}',
                    '\r\nLocation: https://evil.example'
                ]) {
                    const { verifier, challenge } = pkce();
                    const nonce = text.slice(0, 900);
                    const changes = { state: text, nonce, code_challenge: challenge };
                    const requestId = await beginRequest(forum, app, changes);
                    const decided = await decideRequest(forum, FRIGG, requestId);
                    const back = new URL(decided.body.location).searchParams;
                    expect(back.get('state')).to.equal(text);
                    const grant = { app, code: back.get('code')!, redirectUri: REDIRECT_URI, verifier };
                    expect(claimsOf((await redeem(forum, grant)).body.id_token).nonce).to.equal(nonce);
                }
            });

            it('exists for GET, and for POST, which becomes the same request', async () => {
                const good = new URLSearchParams(parametersOf(app)).toString();
                const rows = await countRows(database.dataSource);
                const posted = await forum.server.inject({
                    method: 'POST',
                    url: '/api/oauth/authorize?ignored=1',
                    payload: good,
                    headers: { 'content-type': FORM }
                });
                expect([posted.statusCode, posted.headers.location]).to.equal([303, `/api/oauth/authorize?${good}`]);
                for (const method of ['PUT', 'DELETE', 'PATCH']) {
                    const { status } = await send(method, `/oauth/authorize?${good}`, good, { 'content-type': FORM });
                    expect(status).to.equal(404);
                }
                expect(await countRows(database.dataSource)).to.equal(rows);
            });
        });

        describe('/oauth/authorize/consent', () => {
            const PATH = '/oauth/authorize/consent';
            const JSON_TYPE = { 'content-type': 'application/json' };

            it('refuses to read every malformed request_id', async () => {
                const requestId = await beginRequest(forum, app);
                for (const query of [
                    '',
                    '?',
                    '?request_id',
                    '?request_id=',
                    `?request_id=${requestId}&request_id=${requestId}`,
                    `?request_id[]=${requestId}`,
                    `?REQUEST_ID=${requestId}`,
                    '?request_id=%00',
                    '?request_id=%ff',
                    '?request_id=%',
                    `?request_id=${requestId}%00`,
                    `?request_id=${requestId}%20`,
                    `?request_id=${'x'.repeat(8000)}`,
                    '?request_id=__proto__',
                    '?__proto__[request_id]=x'
                ]) {
                    await expectRefused(query, () => send('GET', PATH + query));
                }
                expect((await readRequest(forum, FRIGG, requestId)).status).to.equal(200);
            });

            it('refuses every body that is not a decision', async () => {
                const requestId = await beginRequest(forum, app);
                const good = { request_id: requestId, decision: 'approve' };
                const bodies: [string, string | Buffer | undefined, Record<string, string>][] = [
                    ['nothing', undefined, {}],
                    ['empty', '', JSON_TYPE],
                    ['no JSON', '{', JSON_TYPE],
                    ['a form', new URLSearchParams(good).toString(), { 'content-type': FORM }],
                    ['a form called JSON', new URLSearchParams(good).toString(), JSON_TYPE],
                    ['untyped', JSON.stringify(good), {}],
                    ['compressed', JSON.stringify(good), { ...JSON_TYPE, 'content-encoding': 'gzip' }],
                    ['a megabyte', JSON.stringify({ ...good, x: MEGABYTE }), JSON_TYPE],
                    ['a prototype', `{"__proto__":{"x":1},"request_id":"${requestId}","decision":"deny"}`, JSON_TYPE],
                    ['deep', '['.repeat(30_000), JSON_TYPE],
                    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), JSON_TYPE],
                    ...[null, 1, true, 'x', [], [good]].map((value): [string, string, Record<string, string>] => [
                        JSON.stringify(value),
                        JSON.stringify(value),
                        JSON_TYPE
                    ])
                ];
                for (const [what, body, headers] of bodies) {
                    await expectRefused(what, () => send('POST', PATH, body, headers));
                }
                const wrong = [
                    undefined,
                    null,
                    '',
                    0,
                    true,
                    [],
                    {},
                    [requestId],
                    { $ne: null },
                    'x'.repeat(50_000),
                    '\0'
                ];
                for (const value of wrong) {
                    for (const changed of [{ request_id: value }, { decision: value }]) {
                        const body = JSON.stringify({ ...good, ...changed });
                        await expectRefused(body, () => send('POST', PATH, body, JSON_TYPE));
                    }
                }
                for (const decision of ['Approve', 'approved', 'approve ', 'allow', '__proto__', 'constructor']) {
                    const body = JSON.stringify({ ...good, decision });
                    await expectRefused(body, () => send('POST', PATH, body, JSON_TYPE));
                }
                expect((await readRequest(forum, FRIGG, requestId)).status).to.equal(200);
            });

            it('ignores unknown fields', async () => {
                const requestId = await beginRequest(forum, app);
                const body = { request_id: requestId, decision: 'approve', scope: 'ADMINISTRATOR', account_id: 'odin' };
                const { status } = await forum.as(FRIGG, 'POST', PATH, body);
                expect(status).to.equal(200);
            });
        });

        describe('POST /oauth/token with a code', () => {
            it('accepts a form only, and spends nothing', async () => {
                const { code, redirectUri, verifier } = await obtainCode(forum, app);
                const good = {
                    grant_type: 'authorization_code',
                    client_id: app.client_id,
                    code,
                    redirect_uri: redirectUri,
                    code_verifier: verifier
                };
                await expectFormOnly('/oauth/token', good);
                expect((await redeem(forum, { app, code, redirectUri, verifier })).status).to.equal(200);
            });

            it('refuses every wrong value, and spends nothing', async () => {
                const grant = await obtainCode(forum, app);
                for (const name of ['code', 'redirect_uri', 'code_verifier']) {
                    for (const value of ['', '\0', ' ', '😀', 'x'.repeat(30_000), '[]', 'null', "' OR 1=1 --"]) {
                        const rows = await countRows(database.dataSource);
                        const { status, body } = await redeem(forum, grant, { [name]: value });
                        expect(status, name).to.equal(400);
                        expect(['invalid_grant', 'invalid_request'], name).to.include(body.error);
                        expect(await countRows(database.dataSource)).to.equal(rows);
                    }
                }
                expect((await redeem(forum, grant, { foo: 'bar', code_challenge: 'x' })).status).to.equal(200);
            });

            it('reads nothing from the query', async () => {
                const grant = await obtainCode(forum, app);
                const query = new URLSearchParams({ code: grant.code, code_verifier: grant.verifier }).toString();
                const form = `grant_type=authorization_code&client_id=${app.client_id}`;
                await expectRefused('query', () =>
                    send('POST', `/oauth/token?${query}`, form, { 'content-type': FORM })
                );
            });
        });

        describe('POST /oauth/revoke and /oauth/introspect', () => {
            it('accept a form only', async () => {
                const { refresh_token: token } = await signInTo(forum, confidential, { scope: 'offline_access' });
                const client = { client_id: confidential.client_id, client_secret: confidential.secret! };
                for (const path of ['/oauth/revoke', '/oauth/introspect']) {
                    await expectFormOnly(path, { token, ...client });
                    await expectRefused('the query', () =>
                        send('POST', `${path}?token=${token}`, new URLSearchParams(client).toString(), {
                            'content-type': FORM
                        })
                    );
                }
                const { body } = await forum.form('/oauth/introspect', { token }, basicOf(confidential));
                expect(body.active).to.be.true();
            });

            it('treat malformed tokens as unknown ones', async () => {
                const rows = await countRows(database.dataSource);
                for (const token of [
                    '\0',
                    ' ',
                    '😀',
                    'x'.repeat(50_000),
                    'sdort_',
                    `sdort_${'0'.repeat(20)}${'_'.repeat(72)}`,
                    `sdort_${'\0'.repeat(92)}`,
                    `sdort_${'v'.repeat(19)}g${'_'.repeat(72)}`,
                    '..',
                    'a.b.c',
                    `${Buffer.from('{"alg":"RS256","typ":"at+jwt"}').toString('base64url')}.e30.`,
                    'null',
                    "' OR 1=1 --"
                ]) {
                    const revoked = await forum.form('/oauth/revoke', { token }, basicOf(confidential));
                    expect([revoked.status, revoked.text], token.slice(0, 50)).to.equal([200, '{}']);
                    const { status, body } = await forum.form('/oauth/introspect', { token }, basicOf(confidential));
                    expect([status, body], token.slice(0, 50)).to.equal([200, { active: false }]);
                }
                expect(await countRows(database.dataSource)).to.equal(rows);
            });

            it('treat a header without credentials as failed authentication', async () => {
                for (const authorization of [
                    'Basic',
                    'Basic ',
                    'Basic !!!',
                    'Basic eA==',
                    `Basic ${Buffer.from(':').toString('base64')}`,
                    `Basic ${Buffer.from('%zz:%zz').toString('base64')}`,
                    `Basic ${Buffer.from([0xff, 0x3a, 0xff]).toString('base64')}`,
                    `Basic ${Buffer.from('a\0b:c\0d').toString('base64')}`,
                    `Basic ${'A'.repeat(8000)}`,
                    'Bearer x',
                    'Digest x',
                    'x'
                ]) {
                    for (const path of ['/oauth/revoke', '/oauth/introspect', '/oauth/token']) {
                        const fields = { token: 'x', grant_type: 'authorization_code', code: 'x' };
                        const answer = await forum.form(path, fields, { authorization });
                        expect([answer.status, answer.body.error], `${path} ${authorization.slice(0, 50)}`).to.equal([
                            401,
                            'invalid_client'
                        ]);
                        expect(answer.headers['www-authenticate']).to.match(/^Basic/);
                    }
                }
            });
        });

        describe('/oauth/userinfo', () => {
            it('refuses malformed tokens, and accepts a form or no body', async () => {
                for (const token of ['\t', '😀', 'x'.repeat(12_000), 'a.b.c', '..', '{}', '"', 'a b', ',']) {
                    const headers = { authorization: `Bearer ${Buffer.from(token).toString('latin1')}` };
                    for (const method of ['GET', 'POST']) {
                        const { status, body } = await send(method, '/oauth/userinfo', undefined, headers);
                        expect([status, body?.error], `${method} ${token.slice(0, 50)}`).to.equal([
                            401,
                            'invalid_token'
                        ]);
                    }
                }
                await expectFormOnly('/oauth/userinfo', { x: 'y' });
                const { access_token: token } = await signInTo(forum, app);
                const bodies: [string | undefined, Record<string, string>][] = [
                    [undefined, {}],
                    ['', { 'content-type': 'application/json' }],
                    ['x=y&access_token=z', { 'content-type': FORM }]
                ];
                for (const [payload, headers] of bodies) {
                    const { status, body } = await send('POST', '/oauth/userinfo', payload, {
                        ...headers,
                        ...bearer(token)
                    });
                    expect([status, body], payload ?? 'none').to.equal([200, { sub: FRIGG }]);
                }
                for (const type of ['application/json', 'text/plain', 'multipart/form-data', 'nonsense']) {
                    await expectRefused(type, () =>
                        send('POST', '/oauth/userinfo', '{}', { 'content-type': type, ...bearer(token) })
                    );
                }
                await expectRefused('a megabyte', () =>
                    send('POST', '/oauth/userinfo', MEGABYTE, { 'content-type': FORM, ...bearer(token) })
                );
            });
        });
    });
}

describe('bad input to the authorization endpoint over a real connection', () => {
    const database = useDatabase(lab);
    const forum = useForum(lab, { database });

    before(async () => {
        await forum.server.start();
    });

    /** Sends bytes and returns the status line of the response. */
    function raw(lines: (string | Buffer)[]): Promise<string> {
        return new Promise((resolve, reject) => {
            const socket = connect(Number(forum.server.info.port), '127.0.0.1', () => {
                for (const line of lines) {
                    socket.write(line);
                }
            });
            const chunks: Buffer[] = [];
            socket.on('data', (chunk) => chunks.push(chunk));
            socket.on('error', reject);
            socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1').split('\r\n', 1)[0]!));
        });
    }

    it('never gets a 500', async () => {
        const app = await createApp(forum);
        const rows = await countRows(database.dataSource);
        const query = new URLSearchParams(parametersOf(app)).toString();
        const rest = `\r\nHost: 127.0.0.1\r\nCookie: session=${FRIGG}\r\nConnection: close\r\n\r\n`;
        const targets: (string | Buffer)[] = [
            '/api/oauth/authorize?client_id=%',
            '/api/oauth/authorize?client_id=\\x00',
            `/api/oauth/authorize#?${query}`,
            `//evil.example/api/oauth/authorize?${query}`,
            `/api/oauth/authorize?${'x'.repeat(15_000)}`,
            `/api/oauth/authorize?${'x'.repeat(40_000)}`,
            Buffer.concat([Buffer.from('/api/oauth/authorize?client_id='), Buffer.from([0xff, 0xfe, 0xc3])]),
            'http:///api/oauth/authorize',
            'http://[/api/oauth/authorize',
            '*',
            '/api/oauth/authorize/consent?request_id=%00'
        ];
        for (const target of targets) {
            const status = await raw(['GET ', target, ` HTTP/1.1${rest}`]);
            expect(status, String(target).slice(0, 80)).to.match(/^HTTP\/1\.1 4\d\d /);
        }
        expect(await countRows(database.dataSource)).to.equal(rows);
        const good = await raw([`GET /api/oauth/authorize?${query} HTTP/1.1${rest}`]);
        expect(good).to.equal('HTTP/1.1 303 See Other');
    });
});
