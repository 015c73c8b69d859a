import * as Boom from '@hapi/boom';
import { expect } from '@hapi/code';
import type { Server } from '@hapi/hapi';
import * as Lab from '@hapi/lab';
import { DataSource } from 'typeorm';
import { entities, ManagementError, migrations, OAuthError, type Account } from '../../plugin';
import { createDatabase } from '../support/database';
import {
    basic,
    CLI,
    DEVICE_CODE,
    Forum,
    FRIGG,
    openDatabase,
    START,
    type Answer,
    type OpenDatabase
} from '../support/forum';

const lab = Lab.script();
export { lab };
const { after, afterEach, before, describe, it } = lab;

let database: OpenDatabase;
let forums: Forum[] = [];

before(async () => {
    database = await openDatabase('embedded');
});

afterEach(async () => {
    await Promise.all(forums.map((forum) => forum.stop()));
    forums = [];
});

after(() => database.done());

async function create(...parameters: Parameters<typeof Forum.create>): Promise<Forum> {
    const forum = await Forum.create(...parameters);
    forums.push(forum);
    return forum;
}

const failingAccounts = (failure: () => Promise<Account | null>): Promise<Forum> =>
    create(database.dataSource, { accounts: { find: failure } });

/** A host with a server-wide extension that refuses. */
const refusing = (error: () => Error, on: 'onPreAuth' | 'onRequest' | 'onPreHandler' = 'onPreAuth'): Promise<Forum> =>
    create(database.dataSource, {}, '/api', {
        prepare: (server: Server) =>
            server.ext(on, () => {
                throw error();
            })
    });

function expectProtocol(answer: Answer, status: number, error: string): void {
    expect(answer.status, answer.text).to.equal(status);
    expect(Object.keys(answer.body)).to.equal(['error', 'error_description']);
    expect(answer.body.error).to.equal(error);
    // The characters of RFC 6749 §5.2.
    expect(answer.body.error_description).to.match(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
    expectUncached(answer, status);
}

function expectManagement(answer: Answer, status: number, error: string): void {
    expect(answer.status, answer.text).to.equal(status);
    expect(Object.keys(answer.body)).to.equal(['error', 'message', 'error_description', 'suggested', 'metadata']);
    expect(answer.body.error).to.equal(error);
    expect(answer.body.message).to.match(/\S/);
    expect(answer.body.suggested).to.match(/\S/);
    expect(answer.body.metadata).to.be.an.object();
    expectUncached(answer, status);
}

function expectUncached({ headers }: Answer, status: number): void {
    expect(headers['content-type']).to.match(/^application\/json\b/);
    expect(headers['cache-control']).to.equal('no-store');
    expect(headers.pragma).to.equal('no-cache');
    if (status === 503 || status === 429) {
        expect(Number(headers['retry-after'])).to.be.above(0);
    } else {
        expect(headers['retry-after']).to.be.undefined();
    }
}

describe('an answer to a failure that nobody expected', () => {
    it('is a 500 in the shape of the endpoint, which says nothing of what it was', async () => {
        const failures: (() => Promise<Account | null>)[] = [
            () => Promise.reject(new Error('SELECT * FROM users WHERE password = hunter2')),
            () => {
                throw new TypeError('hunter2 is not a function');
            },
            () => Promise.resolve({ hunter2: true } as unknown as Account),
            () => Promise.resolve('hunter2' as unknown as Account),
            () => Promise.resolve({ id: 5, permissions: [] } as unknown as Account)
        ];
        for (const failure of failures) {
            const forum = await failingAccounts(failure);
            const answers = [
                await forum.as(FRIGG, 'GET', '/auth/oauth/clients'),
                await forum.as(FRIGG, 'GET', '/oauth/device/consent?user_code=AAAA-AAAA')
            ];
            expectManagement(answers[0]!, 500, 'internal_error');
            expectProtocol(answers[1]!, 500, 'server_error');
            for (const { text } of answers) {
                expect(text).to.not.contain('hunter2');
                expect(text).to.not.contain('SELECT');
                expect(text).to.not.contain(__dirname);
            }
        }
    });

    it('leaves the failure itself to the log of the host', async () => {
        const forum = await failingAccounts(() => Promise.reject(new Error('the accounts table is gone')));
        await forum.as(FRIGG, 'GET', '/auth/oauth/clients');
        expect(forum.log.some((entry) => entry.includes('the accounts table is gone'))).to.be.true();
    });
});

describe('an answer while a database is out of reach', () => {
    it('is a 503 where the accounts are', async () => {
        for (const code of ['ECONNREFUSED', 'ETIMEDOUT', 'PROTOCOL_CONNECTION_LOST']) {
            const forum = await failingAccounts(() => Promise.reject(Object.assign(new Error('10.0.0.5'), { code })));
            expectManagement(await forum.as(FRIGG, 'GET', '/auth/oauth/tokens'), 503, 'unavailable');
            const consent = await forum.as(FRIGG, 'GET', '/oauth/device/consent?user_code=AAAA-AAAA');
            expectProtocol(consent, 503, 'temporarily_unavailable');
            expect(consent.text).to.not.contain('10.0.0.5');
        }
    });

    it("is a 503 where the plugin's own tables are", async () => {
        const gone = await openDatabase();
        const forum = await create(gone.dataSource);
        const { refresh_token: token } = await forum.signIn();
        await gone.done();
        expectProtocol(await forum.form('/oauth/device_authorization', CLI), 503, 'temporarily_unavailable');
        expectProtocol(await forum.refresh(token), 503, 'temporarily_unavailable');
        expectManagement(await forum.as(FRIGG, 'GET', '/auth/oauth/clients'), 503, 'unavailable');
        const log = forum.log.join('\n');
        expect(log).to.not.contain(token);
    });

    it('is a 503 when the pool has no connection to spare, and as before when it has', async () => {
        const small = await createDatabase();
        const source = await new DataSource({
            ...small.options,
            entities,
            migrations,
            extra: { connectionLimit: 1, queueLimit: 1 }
        }).initialize();
        await source.runMigrations();
        const forum = await create(source);
        await forum.device();
        const runner = source.createQueryRunner();
        await runner.connect();
        const waiting = forum.as(FRIGG, 'GET', '/auth/oauth/clients');
        await new Promise((resolve) => setImmediate(resolve));
        const answers = await Promise.all([
            forum.as(FRIGG, 'GET', '/auth/oauth/tokens'),
            forum.form('/oauth/device_authorization', CLI)
        ]);
        expectManagement(answers[0], 503, 'unavailable');
        expectProtocol(answers[1], 503, 'temporarily_unavailable');
        await runner.release();
        expect((await waiting).status).to.equal(200);
        expect((await forum.form('/oauth/device_authorization', CLI)).status).to.equal(200);
        await source.destroy();
        await small.drop();
    });
});

describe('an answer of the host in the place of the plugin', () => {
    it('has the shape of the endpoint when it limits requests or is unavailable', async () => {
        for (const [error, status, management] of [
            [() => Boom.tooManyRequests('10.0.0.5 is greedy'), 429, 'rate_limited'],
            [() => Boom.serverUnavailable('db-5 is away'), 503, 'unavailable']
        ] as const) {
            for (const on of ['onPreAuth', 'onPreHandler'] as const) {
                const forum = await refusing(error, on);
                const answers = [
                    await forum.form('/oauth/token', CLI),
                    await forum.as(FRIGG, 'GET', '/auth/oauth/clients')
                ];
                expectProtocol(answers[0]!, status, 'temporarily_unavailable');
                expectManagement(answers[1]!, status, management);
                expect(answers.map(({ text }) => text).join('')).to.not.match(/greedy|db-5/);
            }
        }
    });

    it('keeps the time after which the host wants to be asked again', async () => {
        for (const name of ['Retry-After', 'retry-after']) {
            const forum = await refusing(() => {
                const error = Boom.tooManyRequests();
                error.output.headers[name] = '120';
                return error;
            });
            expect((await forum.form('/oauth/token', CLI)).headers['retry-after']).to.equal('120');
            expect((await forum.as(FRIGG, 'GET', '/auth/oauth/clients')).headers['retry-after']).to.equal('120');
        }
    });

    it('says nothing that the host said to itself', async () => {
        for (const error of [
            Boom.badRequest('hunter2'),
            Boom.forbidden('hunter2'),
            Boom.internal('hunter2'),
            Boom.notFound('hunter2')
        ]) {
            const forum = await refusing(() => error);
            for (const answer of [
                await forum.form('/oauth/token', CLI),
                await forum.as(FRIGG, 'GET', '/auth/oauth/clients')
            ]) {
                expect(answer.status).to.be.at.least(400);
                expect(answer.body.error).to.be.a.string();
                expect(answer.body.error).to.match(/^[a-z_]+$/);
                expect(answer.text).to.not.contain('hunter2');
                expectUncached(answer, answer.status);
            }
        }
    });

    it('is nobody’s business at the routes of the host', async () => {
        const forum = await create(database.dataSource, {}, '/api', {
            prepare: (server) =>
                server.route({
                    method: 'GET',
                    path: '/api/own',
                    handler: () => {
                        throw Boom.tooManyRequests('Slowly.');
                    }
                })
        });
        const { status, body, headers } = await forum.as(null, 'GET', '/own');
        expect(status).to.equal(429);
        expect(body).to.equal({ statusCode: 429, error: 'Too Many Requests', message: 'Slowly.' });
        expect(headers['retry-after']).to.be.undefined();
        expect(headers['access-control-allow-origin']).to.be.undefined();
    });
});

describe('too many wrong codes', () => {
    it('are a 429 that says when the next is welcome', async () => {
        const forum = await create(database.dataSource);
        const path = '/oauth/device/consent?user_code=AAAA-AAAA';
        for (let attempt = 0; attempt < 10; ++attempt) {
            expectProtocol(await forum.as(FRIGG, 'GET', path), 400, 'invalid_request');
        }
        const limited = await forum.as(FRIGG, 'GET', path);
        expectProtocol(limited, 429, 'temporarily_unavailable');
        expect(limited.headers['retry-after']).to.equal('600');
        expect(forum.now).to.equal(START);
    });
});

describe('the errors that the module exports', () => {
    it('are errors with a stable code and the answer that hapi gives', () => {
        const oauth = OAuthError.invalidGrant('It was used');
        expect(oauth).to.be.an.error(Error, 'It was used');
        expect(oauth.name).to.equal('OAuthError');
        expect(oauth.output).to.include({ statusCode: 400 });
        expect(oauth.output.payload).to.equal({ error: 'invalid_grant', error_description: 'It was used' });
        for (const [code, status] of [
            ['invalid_request', 400],
            ['unauthorized', 401],
            ['forbidden', 403],
            ['not_found', 404],
            ['conflict', 409],
            ['rate_limited', 429],
            ['unavailable', 503],
            ['internal_error', 500]
        ] as const) {
            const error = new ManagementError(code, 'What.', 'Do.', { field: 'x' });
            expect(error).to.be.an.error(Error, 'What.');
            expect(error.output.statusCode).to.equal(status);
            expect(error.output.payload).to.equal({
                error: code,
                message: 'What.',
                error_description: 'What.',
                suggested: 'Do.',
                metadata: { field: 'x' }
            });
        }
    });
});

describe('a host with a page of its own for errors', () => {
    const polite = (): Promise<Forum> =>
        create(database.dataSource, {}, '/api', {
            prepare: (server: Server) =>
                server.ext('onPreResponse', ({ response }, h) =>
                    'isBoom' in response
                        ? h.response('<h1>Something went wrong</h1>').code(response.output.statusCode)
                        : h.continue
                )
        });

    it('leaves what a client is told as it is', async () => {
        const forum = await polite();
        const { device_code: code } = await forum.device();
        const poll = { grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: code };
        expectProtocol(await forum.token(poll), 400, 'authorization_pending');
        const unknown = await forum.token({ grant_type: 'client_credentials' }, basic('nobody', 'x'));
        expectProtocol(unknown, 401, 'invalid_client');
        expect(unknown.headers['www-authenticate']).to.match(/^Basic/);
        expectProtocol(await forum.form('/oauth/device_authorization', { client_id: 'nobody' }), 401, 'invalid_client');
        const userinfo = await forum.as(null, 'GET', '/oauth/userinfo');
        expectProtocol(userinfo, 401, 'invalid_token');
        expect(userinfo.headers['www-authenticate']).to.equal('Bearer');
    });

    it('leaves what a member is told as it is', async () => {
        const forum = await polite();
        const member = forum.addAccount();
        const consent = '/oauth/device/consent?user_code=0000-0000';
        expectProtocol(await forum.as(null, 'GET', consent), 401, 'login_required');
        expectProtocol(await forum.as(member, 'GET', consent), 400, 'invalid_request');
        const elsewhere = { origin: 'https://elsewhere.example' };
        expectProtocol(await forum.as(member, 'GET', consent, undefined, elsewhere), 403, 'access_denied');
        const clients = '/auth/oauth/clients';
        expectManagement(await forum.as(null, 'GET', clients), 401, 'unauthorized');
        expectManagement(await forum.as(member, 'POST', clients, {}), 400, 'invalid_request');
        expectManagement(await forum.as(member, 'DELETE', `${clients}/nothing`), 404, 'not_found');
        expectManagement(await forum.as(member, 'POST', clients, {}, elsewhere), 403, 'forbidden');
    });
});
