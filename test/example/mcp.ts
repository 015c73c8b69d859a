import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { UnauthorizedError, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type {
    OAuthClientInformationMixed,
    OAuthClientMetadata,
    OAuthTokens
} from '@modelcontextprotocol/sdk/shared/auth.js';
import { decodeJwt } from 'jose';
import { generate } from 'selfsigned';
import { startForum, type Forum } from '../../example/forum';
import { generateSigningKeys } from '../../plugin';
import { Browser, freePort } from '../support/example';

export const lab = Lab.script();
const { after, before, describe, it } = lab;

const CALLBACK = 'http://127.0.0.1:9/callback';
const HOST = 'agent.example';

/** An agent that knows the address of the forum's MCP endpoint, and nothing else. What it is told it keeps in memory. */
class Agent implements OAuthClientProvider {
    readonly redirectUrl = CALLBACK;
    readonly clientMetadata: OAuthClientMetadata;
    registered: OAuthClientInformationMixed | undefined;
    kept: OAuthTokens | undefined;
    /** Where it sent the browser. */
    address: URL | undefined;
    #verifier = '';

    constructor(
        private readonly endpoint: string,
        grants: string[],
        /** The address of its metadata document. Without one, it registers. */
        readonly clientMetadataUrl?: string
    ) {
        this.clientMetadata = {
            client_name: 'Agent',
            redirect_uris: [CALLBACK],
            grant_types: grants,
            token_endpoint_auth_method: 'none'
        };
    }

    clientInformation(): OAuthClientInformationMixed | undefined {
        return this.registered;
    }

    saveClientInformation(information: OAuthClientInformationMixed): void {
        this.registered = information;
    }

    tokens(): OAuthTokens | undefined {
        return this.kept;
    }

    saveTokens(tokens: OAuthTokens): void {
        this.kept = tokens;
    }

    redirectToAuthorization(address: URL): void {
        this.address = address;
    }

    saveCodeVerifier(verifier: string): void {
        this.#verifier = verifier;
    }

    codeVerifier(): string {
        return this.#verifier;
    }

    /** Does something with the endpoint; where it has to ask, the member approves, and it does it again. */
    async use<Result>(browser: Browser, work: (client: Client) => Promise<Result>): Promise<Result> {
        for (let asked = 0; ; asked += 1) {
            const transport = new StreamableHTTPClientTransport(new URL(this.endpoint), { authProvider: this });
            const client = new Client({ name: 'agent', version: '1.0.0' });
            try {
                await client.connect(transport);
                return await work(client);
            } catch (error) {
                if (!(error instanceof UnauthorizedError) || asked > 0) {
                    throw error;
                }
                await transport.finishAuth(await approve(browser, this.address!));
            } finally {
                await client.close();
            }
        }
    }

    scope(): string[] {
        return String(decodeJwt(this.kept!.access_token).scope).split(' ');
    }
}

/** The way of a member through the forum's consent. @returns the code */
async function approve(browser: Browser, address: URL): Promise<string> {
    const authorization = await browser.send('GET', address.pathname + address.search);
    const page = new URL(authorization.headers.get('location')!, address);
    const consent = `/api/oauth/authorize/consent`;
    const { status, body } = await browser.send('GET', consent + page.search);
    expect(status).to.equal(200);
    const decided = await browser.send('POST', consent, { request_id: body.request_id, decision: 'approve' });
    return new URL(decided.body.location as string).searchParams.get('code')!;
}

const textOf = (result: unknown): string => (result as { content: { text: string }[] }).content[0]!.text;

const list = async (client: Client): Promise<string> => textOf(await client.callTool({ name: 'list_threads' }));

const write = async (client: Client): Promise<{ id: string; title: string; author: { handle: string } }> =>
    JSON.parse(
        textOf(await client.callTool({ name: 'write_thread', arguments: { title: 'By an agent', body: 'Hello' } }))
    ) as { id: string; title: string; author: { handle: string } };

describe('The MCP endpoint of the example forum', () => {
    const home = process.cwd();
    let directory: string;
    let forum: Forum;
    let origin: string;
    let endpoint: string;
    let frigg: Browser;
    let documents: Server;
    let documentsOrigin: string;
    const { log } = console;

    before(async () => {
        directory = await mkdtemp(join(tmpdir(), 'forum-mcp-'));
        // The forum keeps its session secret below the working directory, and writes its events.
        process.chdir(directory);
        console.log = () => undefined;
        const certificate = await generate([{ name: 'commonName', value: HOST }], {
            keySize: 2048,
            extensions: [
                { name: 'basicConstraints', cA: true, critical: true },
                { name: 'subjectAltName', altNames: [{ type: 2, value: HOST }] }
            ]
        });
        documents = createServer({ key: certificate.private, cert: certificate.cert }, ({ url = '' }, response) => {
            response.setHeader('content-type', 'application/json');
            response.end(
                JSON.stringify({
                    client_id: documentsOrigin + url,
                    client_name: 'Agent',
                    redirect_uris: [CALLBACK],
                    grant_types: url.slice(1).split('+'),
                    token_endpoint_auth_method: 'none'
                })
            );
        }).listen(0, '127.0.0.1');
        await once(documents, 'listening');
        documentsOrigin = `https://${HOST}:${(documents.address() as AddressInfo).port}`;

        const port = await freePort();
        origin = `http://localhost:${port}`;
        endpoint = `${origin}/mcp`;
        forum = await startForum(
            {
                port,
                issuer: origin,
                databaseUrl: ':memory:',
                redisUrl: undefined,
                signingKeys: await generateSigningKeys(),
                lifetimes: {}
            },
            { resolve: () => Promise.resolve(['127.0.0.1']), ca: certificate.cert }
        );
        frigg = new Browser(origin);
        await frigg.send('POST', '/api/auth/password/signin', { handle: 'frigg', password: 'password' });
    });

    after(async () => {
        await forum?.stop();
        documents?.close();
        console.log = log;
        process.chdir(home);
        await rm(directory, { recursive: true, force: true });
    });

    const call = (token: string | undefined, path: string, body?: object): Promise<Response> =>
        fetch(origin + path, {
            method: body ? 'POST' : 'GET',
            headers: {
                accept: 'application/json, text/event-stream',
                ...(token !== undefined && { authorization: `Bearer ${token}` }),
                ...(body && { 'content-type': 'application/json' })
            },
            ...(body && { body: JSON.stringify(body) })
        });

    const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_threads', arguments: {} } };

    for (const way of ['registration', 'document'] as const) {
        /** Its document is named after its grants. */
        const agentOf = (grants: string[]): Agent =>
            new Agent(endpoint, grants, way === 'document' ? `${documentsOrigin}/${grants.join('+')}` : undefined);

        it(`lets an agent in that nobody has registered, by ${way}, which steps up for the tool that writes`, async () => {
            const agent = agentOf(['authorization_code']);

            expect(await agent.use(frigg, async (client) => (await client.listTools()).tools.length)).to.equal(3);
            expect(agent.registered!.client_id.startsWith('https://')).to.equal(way === 'document');
            expect(agent.scope()).to.equal(['READ_PUBLISHED_THREADS']);
            expect(agent.kept!.refresh_token).to.be.undefined();
            await agent.use(frigg, list);

            const written = await agent.use(frigg, write);
            expect([written.title, written.author.handle]).to.equal(['By an agent', 'frigg']);
            expect(agent.scope().sort()).to.equal(['CREATE_POST', 'READ_PUBLISHED_THREADS']);
            expect(await agent.use(frigg, list)).to.contain(written.id);
            const read = await agent.use(frigg, (client) =>
                client.callTool({ name: 'read_thread', arguments: { id: written.id } })
            );
            expect(JSON.parse(textOf(read))).to.include({ body: 'Hello' });
        });

        it(`keeps an agent signed in that names the refresh token, by ${way}`, async () => {
            const agent = agentOf(['authorization_code', 'refresh_token']);
            await agent.use(frigg, list);
            expect(agent.kept!.refresh_token).to.be.a.string();
            const { access_token: first } = agent.kept!;

            // The SDK refreshes where the endpoint refuses the token.
            agent.kept = { ...agent.kept!, access_token: 'expired' };
            await agent.use(frigg, list);
            expect(['expired', first]).to.not.include(agent.kept.access_token);
        });
    }

    it('accepts tokens of its own resource only, the first and the second time', async () => {
        const agent = new Agent(endpoint, ['authorization_code']);
        await agent.use(frigg, list);
        const { access_token: token } = agent.kept!;
        expect(decodeJwt(token).aud).to.equal(endpoint);
        for (let times = 0; times < 2; times += 1) {
            expect((await call(token, '/mcp', LIST)).status).to.equal(200);
            const elsewhere = await call(token, '/api/threads');
            expect(elsewhere.status).to.equal(401);
            expect(elsewhere.headers.get('www-authenticate')).to.contain('error="invalid_token"');
        }
    });

    it('leads a client without a token to its metadata', async () => {
        const { status, headers } = await call(undefined, '/mcp', LIST);
        expect(status).to.equal(401);
        expect(headers.get('www-authenticate')).to.equal(
            `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp", scope="READ_PUBLISHED_THREADS"`
        );
        const metadata = (await (await fetch(`${origin}/.well-known/oauth-protected-resource/mcp`)).json()) as object;
        expect(metadata).to.equal({
            resource: endpoint,
            authorization_servers: [origin],
            scopes_supported: ['READ_PUBLISHED_THREADS', 'CREATE_POST'],
            bearer_methods_supported: ['header'],
            resource_name: 'A small forum, for agents'
        });
        expect((await fetch(`${origin}/.well-known/oauth-protected-resource/mcp/more`)).status).to.equal(404);
    });

    it('lets pages of other origins call it', async () => {
        const headers = {
            origin: 'https://inspector.example',
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'authorization, content-type, mcp-protocol-version'
        };
        for (const path of ['/mcp', '/api/oauth/token', '/api/oauth/register']) {
            const preflight = await fetch(origin + path, { method: 'OPTIONS', headers });
            const allowed = preflight.headers.get('access-control-allow-headers')!.toLowerCase();
            expect(allowed).to.contain('mcp-protocol-version').and.to.contain('content-type');
            expect(preflight.headers.get('access-control-allow-origin')).to.not.be.null();
        }
        const refused = await fetch(endpoint, { method: 'POST', headers: { origin: headers.origin } });
        expect(refused.headers.get('access-control-expose-headers')).to.contain('WWW-Authenticate');
    });

    it('answers what it cannot do with the status for it', async () => {
        const agent = new Agent(endpoint, ['authorization_code']);
        await agent.use(frigg, list);
        const { access_token: token } = agent.kept!;
        const stream = await call(token, '/mcp');
        expect([stream.status, stream.headers.get('allow')]).to.equal([405, 'POST']);
        expect((await call(token, '/mcp', { nonsense: true })).status).to.equal(400);
        expect((await call(token, '/mcp', [null])).status).to.be.within(400, 499);
        const unknown = await agent.use(frigg, (client) =>
            client.callTool({ name: 'read_thread', arguments: { id: 'none' } })
        );
        expect(unknown.isError).to.be.true();
    });
});
