import { connect } from 'node:net';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gunzipSync, inflateSync } from 'node:zlib';
import type { RequestRoute, ServerInjectResponse } from '@hapi/hapi';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import * as fc from 'fast-check';
import * as OAuth from '../../plugin';
import { pages } from '../../plugin/pages';
import { explore, numberOf, seedOf } from '../support/exploration';
import { Forum, ISSUER } from '../support/forum';
import { accountOf, faultOf, faultOfLog, forgetAll, forgetPublished, isSpecial } from './answers';
import { bytesOf, draftOf, finish, recipe, type Recipe, type Sent } from './requests';
import { Setting } from './setting';
import { useDatabase } from '../support/setup';

/*
 * Malformed requests of every route that the plugin and its pages add to a server, whatever routes these are: half of
 * them are right but for a mutation or two, with clients, tokens and codes that there are. No answer may be a failure,
 * misshapen, or tell what it should not.
 *
 *     FUZZ_SEED=1 npm test -- test/fuzz              with what a run that failed has named
 *     FUZZ_REQUESTS=100000 npm test -- test/fuzz     so many, with counts and memory on standard output
 *     FUZZ_LIMITS=1 …                                with the default limits, which then answer most of them
 *
 * The requests follow from the seed; ids and secrets in them are the server's own and random.
 */

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const SECONDS = numberOf('FUZZ_SECONDS') ?? 2;
const REQUESTS = numberOf('FUZZ_REQUESTS');
/** Requests to one setting, and the least that are made. */
const PART = REQUESTS === undefined ? 250 : 1000;
const LIMITED = numberOf('FUZZ_LIMITS') === 1;
/** Requests after which counts and memory are reported. */
const REPORT_EVERY = numberOf('FUZZ_REPORT_EVERY') ?? 100_000;

describe('requests of any kind', () => {
    const database = useDatabase(lab);
    let forum: Forum;
    /** Of the same database and the same time, without limits: where a setting is made. */
    let unlimited: Forum;

    before(async () => {
        const signingKeys = [await OAuth.generateSigningKey('ES256')];
        unlimited = await Forum.create(database.dataSource, { signingKeys, limits: false });
        forum = await Forum.create(
            database.dataSource,
            {
                signingKeys,
                clock: () => unlimited.now,
                resources: [{ identifier: ISSUER }, { identifier: `${ISSUER}/mcp`, scopes: ['CREATE_POST'] }],
                registration: {},
                // Nothing is fetched: names are resolved by nobody here.
                clientMetadataDocuments: { allow: () => false },
                ...(!LIMITED && { limits: false })
            },
            '/api',
            { server: { host: '127.0.0.1', port: 0 } }
        );
        await forum.server.register({ plugin: pages });
        forum.server.route({
            method: 'GET',
            path: '/threads',
            options: { auth: { strategy: 'oauth', access: { scope: ['READ_PUBLISHED_THREADS'] } } },
            handler: ({ auth }) => ({ reader: auth.credentials.accountId })
        });
        await forum.server.start();
    });

    after(async () => {
        await forum.stop();
        await unlimited.stop();
    });

    it('are answered as each route should', { timeout: 0 }, async () => {
        const fuzzer = new Fuzzer(forum);
        const made = await explore(
            {
                name: 'Requests of any kind',
                again: (seed) => `FUZZ_SEED=${seed}${REQUESTS === undefined ? '' : ` FUZZ_REQUESTS=${PART}`}`,
                seed: seedOf('FUZZ_SEED'),
                part: PART,
                runs: REQUESTS,
                seconds: SECONDS
            },
            async () => {
                const setting = await Setting.create(unlimited, forum);
                return fc.asyncProperty(recipe, (each) => fuzzer.try(setting, each));
            }
        );
        await fuzzer.stop();
        expect(made).to.be.at.least(Math.min(PART, REQUESTS ?? PART));
        expect(fuzzer.routesAnswered).to.be.above(0);
    });

    it('are made of every route of the table', async () => {
        const routes = forum.server.table();
        const setting = await Setting.create(unlimited, forum);
        const [made] = fc.sample(recipe, { numRuns: 1, seed: 1 });
        for (const [place, route] of routes.entries()) {
            const valid = { ...made!, route: place, isNearlyValid: true, mutations: [] };
            const { request } = await forum.server.inject(finish(draftOf(setting, route, valid)));
            expect([request.route.method, request.route.path]).to.equal([route.method, route.path]);
        }
        expect(routes.length).to.be.above(40);
    });
});

class Fuzzer {
    readonly #routes: RequestRoute[];
    readonly #statuses = new Map<string, number>();
    readonly #seen = new Set<RequestRoute>();
    readonly #rejections: unknown[] = [];
    #made = 0;

    constructor(private readonly forum: Forum) {
        this.#routes = forum.server.table();
        process.on('unhandledRejection', this.#onRejection);
    }

    readonly #onRejection = (reason: unknown): void => {
        this.#rejections.push(reason);
    };

    get routesAnswered(): number {
        return this.#seen.size;
    }

    /** @throws Error that shows request and answer */
    async try(setting: Setting, made: Recipe): Promise<void> {
        const { forum } = this;
        forum.events.length = 0;
        forum.log.length = 0;
        setting.forum.pass(made.pass);
        const route = this.#routes[made.route % this.#routes.length]!;
        const sent = finish(draftOf(setting, route, made));
        const fault = made.socket
            ? await this.#overSocket(setting, sent, made.socket)
            : await this.#inject(setting, sent);
        const [rejection] = this.#rejections.splice(0);
        if (rejection !== undefined) {
            throw new Error(`a rejection that nobody handles: ${inspect(rejection)}\n${show(sent)}`);
        }
        const logged = faultOfLog(setting);
        if (fault !== undefined || logged !== undefined) {
            throw new Error(`${fault ?? 'an error in the log'}\n${show(sent)}\n${logged ?? ''}`);
        }
        this.#made += 1;
        if (REQUESTS !== undefined && (this.#made % REPORT_EVERY === 0 || this.#made === REQUESTS)) {
            this.#report();
        }
    }

    async #inject(setting: Setting, sent: Sent): Promise<string | undefined> {
        const response = plain(await this.forum.server.inject(sent));
        const { request, statusCode } = response;
        this.#count(statusCode);
        if (!isSpecial(request.route)) {
            this.#seen.add(request.route);
        }
        const fault = await faultOf(setting, sent, response);
        if (fault !== undefined) {
            return `${fault}: ${statusCode} ${JSON.stringify(response.headers)} ${response.payload.slice(0, 2000)}`;
        }
        forgetPublished(setting, sent, response);
        learn(setting, sent, response);
        return undefined;
    }

    async #overSocket(
        setting: Setting,
        sent: Sent,
        spoiled: NonNullable<Recipe['socket']>
    ): Promise<string | undefined> {
        const text = await exchange(this.forum.server.info.port as number, bytesOf(sent, spoiled));
        const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map((match) => Number(match[1]));
        for (const status of statuses) {
            this.#count(status, 'socket ');
        }
        this.#count(statuses.length, 'answers over a socket: ');
        // It may have come through, and be in a name now.
        forgetAll(setting.secrets, sent);
        return statuses.some((status) => status >= 500) ? `the server failed: ${text}` : undefined;
    }

    #count(number: number, what = ''): void {
        const name = `${what}${number}`;
        this.#statuses.set(name, (this.#statuses.get(name) ?? 0) + 1);
    }

    #report(): void {
        setFlagsFromString('--expose-gc');
        (runInNewContext('gc') as () => void)();
        const { heapUsed, rss } = process.memoryUsage();
        const megabytes = (bytes: number): number => Math.round(bytes / 1024 / 1024);
        const statuses = Object.fromEntries([...this.#statuses].sort());
        const report = {
            requests: this.#made,
            seconds: Math.round(process.uptime()),
            routes: this.#seen.size,
            rss: megabytes(rss),
            heap: megabytes(heapUsed),
            statuses
        };
        console.log(`\nFUZZ ${JSON.stringify(report)}`);
    }

    /** Waits until what was left unhandled would have been noticed. */
    async stop(): Promise<void> {
        await new Promise((resolve) => setImmediate(resolve));
        process.off('unhandledRejection', this.#onRejection);
        expect(this.#rejections).to.equal([]);
    }
}

/** An answer whose body is not compressed. */
function plain(response: ServerInjectResponse): ServerInjectResponse {
    const { headers, rawPayload } = response;
    const expand = { gzip: gunzipSync, deflate: inflateSync }[String(headers['content-encoding'])];
    return expand && rawPayload.length > 0 ? { ...response, payload: expand(rawPayload).toString('utf8') } : response;
}

/** Takes over what an answer handed out. */
function learn(setting: Setting, sent: Sent, { headers, payload, statusCode }: ServerInjectResponse): void {
    if (typeof headers.location === 'string') {
        setting.follow(headers.location, accountOf(sent));
    }
    const isMade = statusCode === 200 && sent.method !== 'GET' && sent.method !== 'HEAD';
    if (isMade && String(headers['content-type']).startsWith('application/json')) {
        const clientId = /client_id=([^&]+)/.exec(sent.payload.toString('latin1'))?.[1] ?? '';
        setting.harvest(clientId, JSON.parse(payload));
    }
}

/** Sends bytes and then nothing more; what came back until the server closed. */
function exchange(port: number, bytes: Buffer): Promise<string> {
    return new Promise((resolve, reject) => {
        const chunks: Buffer[] = [];
        const socket = connect({ port, host: '127.0.0.1' }, () => socket.end(bytes));
        socket.on('data', (chunk) => chunks.push(chunk));
        socket.once('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
        // A server that has refused the beginning need not read the rest.
        socket.on('error', (error: NodeJS.ErrnoException) => {
            if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') {
                reject(error);
            }
        });
    });
}

function show({ method, url, headers, payload }: Sent): string {
    const body = payload.length > 2000 ? `${payload.toString('latin1', 0, 2000)}… (${payload.length})` : payload;
    return `${method} ${url.slice(0, 3000)}\n${JSON.stringify(headers).slice(0, 3000)}\n${body.toString()}`;
}
