import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket, type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { generate } from 'selfsigned';
import { OAuthClient } from '../../entities';
import { isDocumentUrl } from '../../plugin/clients/document-url';
import { DocumentCache } from '../../plugin/documents/document-cache';
import { FetchError } from '../../plugin/documents/fetch-error';
import { fetchDocument } from '../../plugin/documents/guarded-fetch';
import { isPublicAddress } from '../../plugin/documents/public-address';
import { readOptions } from '../../plugin/options/read-options';
import { authorize, pkce, readRequest, decideRequest, redeem } from '../support/authorization';
import { Forum, FRIGG, ODIN, signingKey, type Answer } from '../support/forum';
import { openDatabase } from '../support/database';
import { openForum, useDatabase } from '../support/setup';
import { REAL_CLIENTS } from './real-clients';

const lab = Lab.script();
export { lab };
const { after, before, beforeEach, describe, it } = lab;

/** A forum on a loopback host: there, a test may say where hosts are. */
const ISSUER = 'http://localhost:3000';
const REDIRECT = 'https://agent.example/cb';

describe('the address of a metadata document', () => {
    const INSIDE = [
        ['0.0.0.0', '10.0.0.1', '100.64.0.1', '127.0.0.1', '169.254.169.254', '172.16.0.1', '192.0.0.8', '192.0.2.1'],
        ['192.88.99.1', '192.168.0.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1'],
        ['255.255.255.255', '::', '::1', '::ffff:8.8.8.8', '64:ff9b::808:808', '64:ff9b:1::1', '100::1', '2001::1'],
        ['2001:2::1', '2001:db8::1', '2002:808:808::1', '3fff::1', '5f00::1', 'fc00::1', 'fd00::1', 'fe80::1'],
        ['fec0::1', 'ff02::1', '::8.8.8.8', 'localhost', '', '8.8.8']
    ].flat();

    it('must be public', () => {
        for (const address of INSIDE) {
            expect(isPublicAddress(address), address).to.be.false();
        }
        for (const address of ['8.8.8.8', '1.1.1.1', '93.184.215.14', '2606:4700::1111', '2a00:1450:4001::1']) {
            expect(isPublicAddress(address), address).to.be.true();
        }
    });

    it('is refused where any of its host’s addresses is not, and is dialled as it was checked', async () => {
        let dialled = 0;
        const connect = Reflect.get(Socket.prototype, 'connect') as (...values: unknown[]) => Socket;
        Socket.prototype.connect = function (this: Socket, ...values: unknown[]) {
            dialled += 1;
            return connect.apply(this, values);
        };
        try {
            for (const host of ['localhost', 'localhost.']) {
                await expect(fetchDocument(`https://${host}/x`)).to.reject(/not on the public internet|no address/);
            }
            // What a test says of a host is checked too, but for the loopback interface.
            for (const address of INSIDE.filter((each) => !each.startsWith('127.') && each !== 'localhost')) {
                for (const addresses of [[address], ['8.8.8.8', address], [address, '2606:4700::1111']]) {
                    const resolve = () => Promise.resolve(addresses);
                    await expect(fetchDocument('https://agent.example/x', { resolve })).to.reject(
                        /not on the public internet/
                    );
                }
            }
            expect(dialled).to.equal(0);

            // A name that changes meanwhile: it is asked once, and what was checked is dialled.
            let asked = 0;
            const resolve = () => Promise.resolve(asked++ === 0 ? ['127.0.0.1'] : ['10.0.0.1']);
            await expect(fetchDocument('https://agent.example:1/x', { resolve })).to.reject('ECONNREFUSED');
            expect([asked, dialled]).to.equal([1, 1]);
        } finally {
            Socket.prototype.connect = connect;
        }
    });

    it('has one plain form, on no host of the forum’s own', async () => {
        const embedded = await openDatabase('embedded');
        const settings = readOptions({
            issuer: 'https://forum.example',
            dataSource: embedded.dataSource,
            accounts: { find: () => Promise.resolve(null) },
            session: { strategy: 'session', origins: ['https://app.forum.example'] },
            signingKeys: [await signingKey()],
            urls: { login: 'https://id.example/in' },
            resources: [{ identifier: 'https://api.example/v1' }]
        });
        for (const url of [
            'https://agent.example/client',
            'https://agent.example:8443/a?b=c',
            'https://a.example/%20'
        ]) {
            expect(isDocumentUrl(url, settings), url).to.be.true();
        }
        for (const url of [
            'http://agent.example/client',
            'https://agent.example/',
            'https://agent.example',
            'https://agent.example/client#x',
            'https://agent.example/client#',
            'https://me@agent.example/client',
            'https://:x@agent.example/client',
            'https://127.0.0.1/client',
            'https://2130706433/client',
            'https://[::1]/client',
            'https://agent.example./client',
            'https://agent.example/../client',
            'https://AGENT.example/client',
            'https://agent.example:443/client',
            'https://forum.example/client',
            'https://api.example/client',
            'https://id.example/client',
            'https://app.forum.example/client',
            `https://agent.example/${'x'.repeat(500)}`
        ]) {
            expect(isDocumentUrl(url, settings), url).to.be.false();
        }
        await embedded.close();
    });
});

describe('clients with a metadata document', () => {
    const database = useDatabase(lab);
    let server: Server;
    let ca: string;
    let origin: string;
    let fetches: string[];
    let answer: (request: IncomingMessage, response: ServerResponse) => void;
    let forum: Forum;
    /** Another one for each test: an account brings few documents an hour. */
    let member: string;

    before(async () => {
        const made = await generate([{ name: 'commonName', value: 'agent.example' }], {
            algorithm: 'sha256',
            extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'agent.example' }] }]
        });
        ca = made.cert;
        server = createServer({ key: made.private, cert: made.cert }, (request, response) => {
            fetches.push(request.url!);
            answer(request, response);
        });
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        origin = `https://agent.example:${(server.address() as AddressInfo).port}`;
        forum = await open();
    });

    after(() => {
        server.close();
    });

    beforeEach(() => {
        fetches = [];
        member = forum.addAccount();
        serve(({ url }) => document(`${origin}${url}`));
    });

    const open = (documents: object = {}): Promise<Forum> =>
        openForum(database, {
            issuer: ISSUER,
            clientMetadataDocuments: { resolve: () => Promise.resolve(['127.0.0.1']), ca, ...documents }
        });

    const document = (url: string, changes: object = {}): object => ({
        client_id: url,
        client_name: 'An agent',
        redirect_uris: [REDIRECT],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'none',
        ...changes
    });

    /** What the agent's host answers. */
    const serve = (make: (request: IncomingMessage) => object | string, headers: Record<string, string> = {}): void => {
        answer = (request, response) => {
            const body = make(request);
            response.writeHead(200, { 'content-type': 'application/json', ...headers });
            response.end(typeof body === 'string' ? body : JSON.stringify(body));
        };
    };

    let made = 0;
    const newUrl = (): string => `${origin}/client-${++made}`;

    const ask = (
        url: string,
        changes: Record<string, string> = {},
        at = forum,
        account: string | null = at === forum ? member : FRIGG
    ): Promise<Answer> => {
        const query = new URLSearchParams({
            response_type: 'code',
            client_id: url,
            redirect_uri: REDIRECT,
            scope: 'openid READ_PUBLISHED_THREADS',
            code_challenge: pkce().challenge,
            code_challenge_method: 'S256',
            ...changes
        });
        return authorize(at, account, query.toString());
    };

    const requestOf = ({ headers, text }: Answer): string => {
        const id = new URL(headers.location ?? `x:${text}`).searchParams.get('request_id');
        if (id === null) {
            throw new Error(`No consent: ${headers.location} ${text}`);
        }
        return id;
    };

    const rowOf = (clientId: string) => database.dataSource.getRepository(OAuthClient).findOneBy({ clientId });

    const refused = ({ status, body, headers }: Answer): void => {
        expect([status, body?.error, headers.location]).to.equal([400, 'invalid_client', undefined]);
    };

    it('are announced in the metadata where the option is on', async () => {
        const path = '/.well-known/oauth-authorization-server';
        expect((await forum.as(null, 'GET', path)).body.client_id_metadata_document_supported).to.be.true();
        const plain = await openForum(database);
        expect((await plain.as(null, 'GET', path)).body.client_id_metadata_document_supported).to.be.undefined();
        const { status, body } = await ask(newUrl(), {}, plain);
        expect([status, body.error]).to.equal([400, 'invalid_client']);
        expect(fetches).to.equal([]);
    });

    it('sign people in with nothing registered', async () => {
        const url = newUrl();
        const { verifier, challenge } = pkce();
        const request = requestOf(await ask(url, { code_challenge: challenge }));
        const { body: consent } = await readRequest(forum, member, request);
        expect(consent).to.include({
            client_id: url,
            client_name: 'An agent',
            client_source: 'metadata_document',
            verified: false,
            loopback_only: false,
            client_host: new URL(url).host,
            redirect_host: 'agent.example'
        });
        expect(consent.granted_scopes).to.equal(['openid', 'READ_PUBLISHED_THREADS', 'offline_access']);
        const { body: decided } = await decideRequest(forum, member, request);
        const code = new URL(decided.location as string).searchParams.get('code')!;
        const app = { id: '', client_id: url, redirectUri: REDIRECT };
        const { status, body: tokens } = await redeem(forum, { app, code, redirectUri: REDIRECT, verifier });
        expect(status).to.equal(200);
        // The host may be away: tokens and lists need the stored document only.
        serve(() => {
            throw new Error('away');
        });
        expect((await forum.refresh(tokens.refresh_token as string, { client_id: url })).status).to.equal(200);
        expect(fetches.length).to.equal(1);
        const row = (await rowOf(url))!;
        expect(row).to.include({ accountId: null, source: 'metadata_document', type: 'public', verified: false });
        const { body } = await forum.as(ODIN, 'GET', `/admin/oauth/clients/${row.id}`);
        expect(body.metadata_fetched_at).to.equal(new Date(forum.now).toISOString());
        expect(
            forum.events.some((event) => event.type === 'client_discovered' && event.client_id === url)
        ).to.be.true();
    });

    it('are fetched for a person who is signed in, and for nobody else', async () => {
        const url = newUrl();
        const { status, headers } = await ask(url, {}, forum, null);
        expect([status, headers.location!.startsWith(`${ISSUER}/login?`)]).to.equal([303, true]);
        expect((await ask(url, { prompt: 'none' }, forum, null)).body.error).to.equal('login_required');
        for (const path of ['/oauth/token', '/oauth/device_authorization', '/oauth/revoke']) {
            const fields = { grant_type: 'refresh_token', refresh_token: 'x', client_id: url, token: 'x' };
            expect((await forum.form(path, fields)).body.error).to.equal('invalid_client');
        }
        expect(fetches).to.equal([]);
    });

    it('are fetched once while they are fresh, once at a time, and once in ten seconds', async () => {
        const url = newUrl();
        await Promise.all(Array.from({ length: 5 }, () => ask(url)));
        expect(fetches.length).to.equal(1);
        forum.pass(299);
        await ask(url);
        expect(fetches.length).to.equal(1);
        forum.pass(2);
        await ask(url);
        expect(fetches.length).to.equal(2);

        const broken = newUrl();
        serve(() => '{');
        refused(await ask(broken));
        const again = await ask(broken);
        expect([again.status, again.body.error]).to.equal([429, 'temporarily_unavailable']);
        expect(Number(again.headers['retry-after'])).to.be.between(0, 11);
        forum.pass(10);
        refused(await ask(broken));
    });

    it('follow Cache-Control within bounds', async () => {
        for (const [header, seconds] of [
            ['max-age=1', 60],
            ['no-store', 60],
            ['public, max-age=7200', 7200],
            ['max-age=99999999', 86_400]
        ] as const) {
            const url = newUrl();
            serve(() => document(url), { 'cache-control': header });
            await ask(url);
            forum.pass(seconds - 1);
            await ask(url);
            expect(fetches.length, header).to.equal(1);
            forum.pass(2);
            await ask(url);
            expect(fetches.length, header).to.equal(2);
            fetches = [];
            forum.pass(60);
        }
    });

    it('are refused with one message, whatever is wrong with the answer, and the log has the reason', async () => {
        const status = (code: number) => (): void => {
            answer = (_request, response) => response.writeHead(code, { location: '/other' }).end('{}');
        };
        const wrong: [string, () => void][] = [
            ['status is 302', status(302)],
            ['status is 403', status(403)],
            ['status is 500', status(500)],
            ['no JSON', () => serve(() => '<html>', { 'content-type': 'text/html' })],
            ['no JSON object', () => serve(() => '[]')],
            ['no JSON object', () => serve(() => '{')],
            ['too long', () => serve(() => document('x', { more: 'x'.repeat(6000) }))],
            [
                'decompressed',
                () => {
                    answer = (_request, response) => {
                        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
                        response.end(gzipSync('0'.repeat(1_000_000)));
                    };
                }
            ],
            ['too long', () => serve(() => JSON.stringify(document('x')) + ' '.repeat(5 * 1024))],
            [
                'too long',
                () => {
                    answer = (_request, response) => {
                        response.writeHead(200, { 'content-type': 'application/json' });
                        // Without an end.
                        const write = (): void => void (response.write('[1,'.repeat(1000), write) || undefined);
                        write();
                    };
                }
            ],
            [
                'member twice',
                () => serve(({ url }) => JSON.stringify(document(origin + url!)).replace('{', '{"client_name":"B",'))
            ],
            [
                'member twice',
                () =>
                    serve(({ url }) =>
                        JSON.stringify(document(origin + url!, { more: [{ a: 1 }] })).replace(
                            '{"a"',
                            '{"a":2,"\\u0061"'
                        )
                    )
            ],
            [
                'UTF-8',
                () => {
                    answer = (_request, response) => {
                        response.writeHead(200, { 'content-type': 'application/json' });
                        response.end(Buffer.from('{"client_name":"\xff"}', 'latin1'));
                    };
                }
            ],
            ['not its URL', () => serve(() => document(`${origin}/another`))],
            ['has a secret', () => serve(({ url }) => document(origin + url!, { client_secret: 'x' }))],
            [
                'private key',
                () => serve(({ url }) => document(origin + url!, { jwks: { keys: [{ kty: 'oct', k: 'x' }] } }))
            ],
            [
                'none',
                () => serve(({ url }) => document(origin + url!, { token_endpoint_auth_method: 'private_key_jwt' }))
            ],
            ['no redirect_uris', () => serve(({ url }) => document(origin + url!, { redirect_uris: [] }))],
            [
                'redirect URI',
                () => serve(({ url }) => document(origin + url!, { redirect_uris: ['http://agent.example'] }))
            ],
            ['grant type', () => serve(({ url }) => document(origin + url!, { grant_types: ['client_credentials'] }))]
        ];
        const messages = new Set<string>();
        for (const [reason, set] of wrong) {
            forum.log.length = 0;
            set();
            const said = await ask(newUrl(), {}, forum, forum.addAccount());
            refused(said);
            messages.add(said.body.error_description as string);
            expect(forum.log.join(), reason).to.contain(reason);
            forum.pass(60);
        }
        expect(messages.size).to.equal(1);
        expect(fetches).to.not.include('/other');
        // A host that certifies itself by nobody that the forum trusts.
        const strict = await open({ ca: undefined });
        refused(await ask(newUrl(), {}, strict));
    });

    it('are not waited for longer than five seconds', { timeout: 20_000 }, async () => {
        const drips = new Set<NodeJS.Timeout>();
        const slow: ((response: ServerResponse) => void)[] = [
            () => undefined,
            (response) => {
                response.writeHead(200, { 'content-type': 'application/json' });
                drips.add(setInterval(() => response.write(' '), 100));
            }
        ];
        answer = ({ url }, response) => slow[Number(url!.slice(-1))]!(response);
        const began = performance.now();
        const said = await Promise.all([0, 1].map((kind) => ask(`${newUrl()}/${kind}`, {}, forum, forum.addAccount())));
        said.forEach(refused);
        expect(performance.now() - began).to.be.between(4900, 9000);
        drips.forEach((drip) => clearInterval(drip));
    });

    it('are stood in for by the stored document for a week, unless they are gone or unacceptable', async () => {
        const url = newUrl();
        await ask(url);
        answer = (_request, response) => response.writeHead(403).end();
        forum.pass(6 * 24 * 3600);
        expect(requestOf(await ask(url))).to.be.a.string();
        // Also while the URL must not be tried.
        expect(requestOf(await ask(url))).to.be.a.string();
        forum.pass(2 * 24 * 3600);
        refused(await ask(url));

        const gone = newUrl();
        serve(() => document(gone));
        await ask(gone);
        forum.pass(400);
        answer = (_request, response) => response.writeHead(404).end();
        refused(await ask(gone));
    });

    it('can change: a name or a redirect URI costs their verification, and a URI that is gone can only be denied', async () => {
        const url = newUrl();
        const pending = requestOf(await ask(url));
        const row = (await rowOf(url))!;
        const path = `/admin/oauth/clients/${row.id}`;
        expect((await forum.as(ODIN, 'PATCH', path, { verified: true })).status).to.equal(200);
        forum.pass(301);
        serve(() => document(url, { redirect_uris: ['https://agent.example/new'], client_name: 'Another' }));
        const answerNow = await ask(url);
        expect(answerNow.status).to.equal(400);
        expect(await rowOf(url)).to.include({ name: 'Another', verified: false });
        expect(forum.events.at(-1)).to.include({ type: 'client_metadata_changed', client_id: url });
        expect((await decideRequest(forum, member, pending)).status).to.equal(400);
        expect((await decideRequest(forum, member, pending, 'deny')).body).to.equal({ status: 'denied' });
    });

    it('are named by their host where their name must not be shown', async () => {
        const url = newUrl();
        serve(() => document(url, { client_name: 'St\u043eryden', client_uri: 'javascript:alert(1)' }));
        await ask(url);
        expect(await rowOf(url)).to.include({ name: new URL(url).host, clientUri: null });
    });

    it('can be pinned, trusted and refused by the host', async () => {
        const [pinned, trusted, unwanted] = [newUrl(), newUrl(), newUrl()];
        const own = await open({
            pinned: { [pinned]: document(pinned, { client_name: 'Pinned' }) },
            trusted: [trusted],
            allow: (url: string) => url !== unwanted
        });
        const consentOf = async (url: string) =>
            (await readRequest(own, FRIGG, requestOf(await ask(url, {}, own)))).body;
        expect(await consentOf(pinned)).to.include({ client_name: 'Pinned', verified: true });
        expect(fetches).to.equal([]);
        expect(await consentOf(trusted)).to.include({ verified: true });
        const stopped = await ask(unwanted, {}, own);
        expect([stopped.status, stopped.body.error]).to.equal([400, 'unauthorized_client']);

        // The option is off now: its clients are as suspended.
        const off = await openForum(database, { issuer: ISSUER });
        expect((await ask(trusted, {}, off)).body.error).to.equal('unauthorized_client');
    });

    it('can be suspended, which no document undoes', async () => {
        const url = newUrl();
        await ask(url);
        const { id } = (await rowOf(url))!;
        await forum.as(ODIN, 'PATCH', `/admin/oauth/clients/${id}`, { status: 'suspended' });
        forum.pass(400);
        const stopped = await ask(url);
        expect([stopped.status, stopped.body.error]).to.equal([400, 'unauthorized_client']);
        expect((await rowOf(url))!.status).to.equal('suspended');
    });

    it('are limited: ten unknown ones an hour for an account', async () => {
        const account = forum.addAccount();
        for (let times = 0; times < 10; ++times) {
            expect((await ask(newUrl(), {}, forum, account)).status).to.equal(303);
        }
        expect((await ask(newUrl(), {}, forum, account)).status).to.equal(429);
        forum.pass(3600);
        expect((await ask(newUrl(), {}, forum, account)).status).to.equal(303);
    });

    it('make room for new ones at their cap', async () => {
        const small = await open({ maxClients: 1 });
        small.now = forum.now;
        const before = await database.dataSource.getRepository(OAuthClient).countBy({ source: 'metadata_document' });
        expect(before).to.be.above(1);
        const url = newUrl();
        expect((await ask(url, {}, small)).status).to.equal(303);
        // Deleted ones come back when they are brought again.
        const { id } = (await rowOf(url))!;
        await small.as(ODIN, 'DELETE', `/admin/oauth/clients/${id}`);
        small.pass(400);
        expect((await ask(url, {}, small)).status).to.equal(303);
        expect((await rowOf(url))!.deletedAt).to.be.null();
    });

    it('make room for new ones by what was unused longest', async () => {
        const own = await openDatabase();
        const small = await openForum(own, {
            issuer: ISSUER,
            clientMetadataDocuments: { resolve: () => Promise.resolve(['127.0.0.1']), ca, maxClients: 2 }
        });
        const [used, unused, newest] = [newUrl(), newUrl(), newUrl()];
        const clients = own.dataSource.getRepository(OAuthClient);
        await ask(used, {}, small);
        small.pass(60);
        await ask(unused, {}, small);
        small.pass(60);
        await clients.update({ clientId: used }, { usedAt: small.now });
        small.pass(60);
        expect((await ask(newest, {}, small)).status).to.equal(303);
        const gone = async (clientId: string) => (await clients.findOneByOrFail({ clientId })).deletedAt !== null;
        expect([await gone(used), await gone(unused), await gone(newest)]).to.equal([false, true, false]);
        await own.close();
    });

    it('are tried thirty times a minute on one host, whatever their ports', async () => {
        const cache = new DocumentCache(
            () => Promise.reject(new FetchError('no answer')),
            () => 0
        );
        const tryPort = (port: number): Promise<unknown> => cache.find(`https://agent.example:${port}/x`);
        for (let port = 1; port <= 30; ++port) {
            await expect(tryPort(port)).to.reject(FetchError);
        }
        await expect(tryPort(31)).to.reject(/too often/);
    });

    it('may have text with quotes and colons', async () => {
        const url = newUrl();
        serve(() => document(url, { contacts: ['a', ':b', 'c":"d', '\\'] }));
        expect((await ask(url)).status).to.equal(303);
    });

    for (const { name, url, document: real, redirects, grants } of REAL_CLIENTS) {
        it(`are taken as ${name} describes itself`, async () => {
            const own = await open({ pinned: { [url]: real } });
            for (const redirect of redirects) {
                expect(requestOf(await ask(url, { redirect_uri: redirect }, own)), redirect).to.be.a.string();
            }
            const row = (await rowOf(url))!;
            expect(row.allowedGrants.split(' ')).to.equal(grants);
            const foreign = await ask(url, { redirect_uri: 'https://evil.example/cb' }, own);
            expect(foreign.body.error).to.equal('invalid_request');
        });
    }

    it('are no test’s where the forum is on the internet', async () => {
        await expect(
            Forum.create(database.dataSource, { clientMetadataDocuments: { resolve: () => Promise.resolve([]) } })
        ).to.reject(/for tests/);
        await expect(
            Forum.create(database.dataSource, { clientMetadataDocuments: { scopes: ['ADMINISTRATOR'] } })
        ).to.reject(/ADMINISTRATOR/);
    });
});
