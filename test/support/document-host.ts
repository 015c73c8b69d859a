import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { generate } from 'selfsigned';
import { authorize, pkce } from './authorization';
import type { Answer, Forum } from './forum';

const REDIRECT = 'https://agent.example/cb';

/** The host of applications that describe themselves by metadata documents, at `https://agent.example` on a port of its own. */
export class DocumentHost {
    /** The paths that were fetched. */
    readonly fetches: string[] = [];
    /** What the host answers. */
    answer: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;
    #made = 0;

    private constructor(
        private readonly server: Server,
        readonly ca: string,
        readonly origin: string
    ) {
        this.answer = (request, response) => this.send(response, this.document(`${origin}${request.url}`));
    }

    static async start(): Promise<DocumentHost> {
        const made = await generate([{ name: 'commonName', value: 'agent.example' }], {
            algorithm: 'sha256',
            extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'agent.example' }] }]
        });
        const server = createServer({ key: made.private, cert: made.cert });
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        const origin = `https://agent.example:${(server.address() as AddressInfo).port}`;
        const host = new DocumentHost(server, made.cert, origin);
        server.on('request', (request: IncomingMessage, response: ServerResponse) => {
            host.fetches.push(request.url!);
            void host.answer(request, response);
        });
        return host;
    }

    stop(): void {
        this.server.close();
        this.server.closeAllConnections();
    }

    /** The option `clientMetadataDocuments` that finds this host. */
    options(more: object = {}): object {
        return { resolve: () => Promise.resolve(['127.0.0.1']), ca: this.ca, ...more };
    }

    newUrl(): string {
        this.#made += 1;
        return `${this.origin}/client-${this.#made}`;
    }

    document(url: string, changes: object = {}): object {
        return {
            client_id: url,
            client_name: 'An agent',
            redirect_uris: [REDIRECT],
            grant_types: ['authorization_code', 'refresh_token'],
            token_endpoint_auth_method: 'none',
            ...changes
        };
    }

    send(response: ServerResponse, body: object | string, headers: Record<string, string> = {}): void {
        response.writeHead(200, { 'content-type': 'application/json', ...headers });
        response.end(typeof body === 'string' ? body : JSON.stringify(body));
    }

    /** Answers each request with the document of its URL, changed. */
    serve(changes: object = {}, headers: Record<string, string> = {}): void {
        this.answer = (request, response) =>
            this.send(response, this.document(`${this.origin}${request.url}`, changes), headers);
    }

    fail(status: number): void {
        this.answer = (_request, response) => {
            response.writeHead(status).end();
        };
    }

    /** Holds the next answer back, until it is released. */
    hold(changes: object = {}, headers: Record<string, string> = {}): { asked: Promise<void>; release: () => void } {
        let release!: () => void;
        const released = new Promise<void>((resolve) => (release = resolve));
        const asked = new Promise<void>((resolve) => {
            this.answer = async (request, response) => {
                resolve();
                await released;
                this.send(response, this.document(`${this.origin}${request.url}`, changes), headers);
            };
        });
        return { asked, release };
    }
}

/** Asks for authorization as the application of a document. */
export function askAs(
    forum: Forum,
    account: string | null,
    url: string,
    changes: Record<string, string> = {},
    headers: Record<string, string> = {}
): Promise<Answer> {
    const query = new URLSearchParams({
        response_type: 'code',
        client_id: url,
        redirect_uri: REDIRECT,
        scope: 'openid READ_PUBLISHED_THREADS',
        code_challenge: pkce().challenge,
        code_challenge_method: 'S256',
        ...changes
    });
    return authorize(forum, account, query.toString(), headers);
}

/** The consent request that a redirect leads to; null where it leads elsewhere. */
export function requestIdOf({ headers }: Answer): string | null {
    const { location } = headers;
    return location === undefined ? null : new URL(location).searchParams.get('request_id');
}
