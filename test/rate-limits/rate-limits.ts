import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { LimitsOptions, Options } from '../../plugin/index';
import { RateLimits } from '../../plugin/rate-limits/rate-limits';
import { Tally } from '../../plugin/rate-limits/tally';
import { readOptions } from '../../plugin/options/read-options';
import { pages } from '../../plugin/pages';
import { Macs } from '../../plugin/tokens/macs';
import { authorize, createApp, parametersOf } from '../support/authorization';
import { basic, CLI, DEVICE_CODE, Forum, FRIGG, ISSUER, signingKey, unique, type Answer } from '../support/forum';
import { Visitor } from '../support/visitor';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, describe, it } = lab;

const CONSENT = '/oauth/device/consent';

/** The statements that a forum's database is sent. */
class MeasuredLog {
    readonly #statements: string[] = [];
    readonly #stop: () => void;

    constructor({ dataSource }: Forum) {
        const { logger } = dataSource;
        const silent = (): void => undefined;
        dataSource.logger = {
            logQuery: (query) => void this.#statements.push(query),
            logQueryError: silent,
            logQuerySlow: silent,
            logSchemaBuild: silent,
            logMigration: silent,
            log: silent
        };
        this.#stop = () => (dataSource.logger = logger);
    }

    stop(): string[] {
        this.#stop();
        return this.#statements;
    }
}

/** A header that sets the client address of a request. */
const from = (address: string): Record<string, string> => ({ 'x-address': address });

describe('rate limits by client address', () => {
    const database = useDatabase(lab, 'embedded');
    const forums: Forum[] = [];

    after(async () => {
        await Promise.all(forums.map((forum) => forum.stop()));
    });

    /** A forum with its own limits, counted in its process. */
    const limited = async (limits: LimitsOptions | false, options: Partial<Options> = {}): Promise<Forum> => {
        const forum = await Forum.create(database.dataSource, {
            limits: limits && { address: ({ headers }) => headers['x-address'] as string | undefined, ...limits },
            ...options
        });
        forums.push(forum);
        return forum;
    };

    const refresh = (forum: Forum, token: string, address: string, clientId = CLI.client_id): Promise<Answer> =>
        forum.token({ grant_type: 'refresh_token', client_id: clientId, refresh_token: token }, from(address));

    /** A new application that uses the device flow. */
    const deviceApp = async (forum: Forum): Promise<string> => {
        const { client } = await forum.createClient(FRIGG, {
            type: 'public',
            allowed_grants: [DEVICE_CODE, 'refresh_token'],
            allowed_scopes: ['openid', 'offline_access']
        });
        return client.client_id;
    };

    const isLimited = (answer: Answer, seconds: number): void => {
        expect(answer.status, answer.text).to.equal(429);
        expect(Object.keys(answer.body)).to.equal(['error', 'error_description']);
        expect(answer.body.error).to.equal('temporarily_unavailable');
        expect(answer.body.error_description)
            .to.be.a.string()
            .and.match(/^Too many /);
        expect(answer.headers['retry-after']).to.match(/^[1-9]\d*$/);
        expect(Number(answer.headers['retry-after'])).to.be.at.most(seconds);
        expect(answer.headers['cache-control']).to.equal('no-store');
        expect(answer.headers.pragma).to.equal('no-cache');
        expect(answer.headers).to.not.include('www-authenticate');
    };

    describe('on refreshes', () => {
        it('answer 429 to one client at one address and use no token', async () => {
            const forum = await limited({ refresh: { points: 3 } });
            const app = await deviceApp(forum);
            const other = await forum.signIn(FRIGG, { client_id: app, scope: 'openid offline_access' });
            let { refresh_token: token } = await forum.signIn();
            for (let times = 0; times < 3; ++times) {
                const { status, body } = await refresh(forum, token, '192.0.2.1');
                expect(status).to.equal(200);
                token = body.refresh_token;
            }
            isLimited(await refresh(forum, token, '192.0.2.1'), 60);
            isLimited(await refresh(forum, 'no token', '192.0.2.1'), 60);
            isLimited(await refresh(forum, token, '::ffff:192.0.2.1'), 60);

            const rows = await database.dataSource.query(
                'SELECT MAX(generation) AS last FROM oauth_refresh_tokens WHERE grant_id IN (SELECT grant_id FROM oauth_refresh_tokens WHERE oauth_client_id = (SELECT id FROM oauth_clients WHERE client_id = ?))',
                [CLI.client_id]
            );
            expect(Number(rows[0].last)).to.equal(3);
            expect((await refresh(forum, other.refresh_token, '192.0.2.1', app)).status).to.equal(200);
            expect((await refresh(forum, token, '192.0.2.2')).status).to.equal(200);
        });

        it('allow pages of other origins to read the 429', async () => {
            const forum = await limited({ refresh: { points: 1 } });
            await refresh(forum, 'no token', '192.0.2.1');
            const answer = await forum.token(
                { grant_type: 'refresh_token', client_id: CLI.client_id, refresh_token: 'no token' },
                { ...from('192.0.2.1'), origin: 'https://elsewhere.example' }
            );
            isLimited(answer, 60);
            expect(answer.headers['access-control-allow-origin']).to.equal('https://elsewhere.example');
            expect(answer.headers['access-control-expose-headers']).to.contain('Retry-After');
        });

        it('do not revoke a token family whose token is used again while it is limited', async () => {
            const forum = await limited({ refresh: { points: 1 } }, { lifetimes: { refreshRetryWindow: 0 } });
            const { refresh_token: first } = await forum.signIn();
            const { body } = await refresh(forum, first, '192.0.2.1');
            isLimited(await refresh(forum, first, '192.0.2.1'), 60);
            expect((await refresh(forum, body.refresh_token, '192.0.2.2')).status).to.equal(200);
        });

        it('count failed requests, but nothing under the id of a client that does not exist', async () => {
            const forum = await limited({ refresh: { points: 2 } });
            for (let times = 0; times < 5; ++times) {
                expect((await refresh(forum, 'x', '192.0.2.1', unique('nobody'))).status).to.equal(401);
            }
            expect((await refresh(forum, 'x', '192.0.2.1')).body.error).to.equal('invalid_grant');
            expect((await refresh(forum, `sdort_${'x'.repeat(60)}`, '192.0.2.1')).status).to.equal(400);
            isLimited(await refresh(forum, 'x', '192.0.2.1'), 60);
        });

        it('allow two hundred requests of one client at once by default', async () => {
            const forum = await Forum.create(database.dataSource);
            forums.push(forum);
            const { refresh_token: token } = await forum.signIn();
            const answers = await Promise.all(Array.from({ length: 200 }, () => forum.refresh(token)));
            expect(new Set(answers.map(({ status }) => status))).to.equal(new Set([200]));
            expect(new Set(answers.map(({ body }) => body.refresh_token)).size).to.equal(1);
        });

        it('allow a thousand sign-ins a minute from one address by default', async () => {
            const settings = readOptions({
                issuer: ISSUER,
                dataSource: database.dataSource,
                accounts: { find: () => Promise.resolve(null) },
                session: { strategy: 'session' },
                signingKeys: [await signingKey()]
            });
            const silent = { lost: () => undefined, back: () => undefined };
            const limits = new RateLimits(settings, new Macs(settings.secrets), silent);
            const client = { clientId: CLI.client_id, address: '192.0.2.1' };
            for (let signIns = 0; signIns < 1000; ++signIns) {
                await (await limits.begin('deviceAuthorization', client)).admit(client);
                await limits.mayEnterCode('192.0.2.1');
                await (await limits.begin('refresh', client)).admit(client);
                await limits.authorization(`account${signIns}`, new Tally());
            }
            limits.clear();
        });
    });

    describe('on device authorization requests', () => {
        it('answer 429 to one client at one address and store nothing', async () => {
            const forum = await limited({ deviceAuthorization: { points: 2 } });
            const app = await deviceApp(forum);
            const ask = (address: string, clientId = CLI.client_id, scope = CLI.scope): Promise<Answer> =>
                forum.form('/oauth/device_authorization', { client_id: clientId, scope }, from(address));
            const stored = async (): Promise<number> => {
                const [row] = await database.dataSource.query('SELECT COUNT(*) AS n FROM oauth_device_authorizations');
                return Number(row.n);
            };
            expect((await ask('192.0.2.1')).status).to.equal(200);
            expect((await ask('192.0.2.1', CLI.client_id, 'nonsense')).body.error).to.equal('invalid_scope');
            const before = await stored();
            isLimited(await ask('192.0.2.1'), 60);
            expect(await stored()).to.equal(before);
            expect((await ask('192.0.2.1', app, 'openid')).status).to.equal(200);
            expect((await ask('192.0.2.2')).status).to.equal(200);
        });
    });

    describe('on failed authentications of clients', () => {
        const CREDENTIALS = { grant_type: 'client_credentials' };

        it('count those of all endpoints together and then refuse wrong secrets, never the right one', async () => {
            const forum = await limited({ clientAuthentication: { points: 3 } });
            const { client, client_secret: secret } = await forum.createClient(FRIGG);
            const other = await forum.createClient(FRIGG);
            const attempts = (word: string, address: string, id = client.client_id): (() => Promise<Answer>)[] => {
                const headers = { ...basic(id, word), ...from(address) };
                return [
                    () => forum.token(CREDENTIALS, headers),
                    () => forum.form('/oauth/revoke', { token: 'x' }, headers),
                    () => forum.form('/oauth/introspect', { token: 'x' }, headers),
                    () => forum.form('/oauth/revoke', { token: `sdort_${'x'.repeat(60)}` }, headers),
                    () => forum.token({ grant_type: 'refresh_token', refresh_token: 'x' }, headers)
                ];
            };
            // Successful authentications never count.
            for (let times = 0; times < 5; ++times) {
                const answer = await forum.token(CREDENTIALS, {
                    ...basic(client.client_id, secret),
                    ...from('192.0.2.1')
                });
                expect(answer.status).to.equal(200);
            }
            for (const attempt of attempts('wrong', '192.0.2.1').slice(0, 3)) {
                expect((await attempt()).body.error).to.equal('invalid_client');
            }
            for (const attempt of attempts('wrong', '192.0.2.1')) {
                isLimited(await attempt(), 60);
            }
            for (const attempt of attempts(secret, '192.0.2.1').slice(0, 3)) {
                expect((await attempt()).status).to.equal(200);
            }
            for (const [answer, address, id, word] of [
                ['served', '192.0.2.2', client.client_id, secret],
                ['served', '192.0.2.1', other.client.client_id, other.client_secret]
            ] as const) {
                for (const attempt of attempts(word, address, id).slice(0, 3)) {
                    expect((await attempt()).status, answer).to.equal(200);
                }
            }
        });

        it('count all clients that do not exist as one, so that made-up ids gain nothing', async () => {
            const forum = await limited({ clientAuthentication: { points: 3 } });
            const { client, client_secret: secret } = await forum.createClient(FRIGG);
            const ask = (): Promise<Answer> =>
                forum.form('/oauth/device_authorization', { client_id: unique('nobody') }, from('192.0.2.1'));
            for (let times = 0; times < 3; ++times) {
                expect((await ask()).status).to.equal(401);
            }
            isLimited(await ask(), 60);
            isLimited(await forum.token(CREDENTIALS, { ...basic(unique('nobody'), 'x'), ...from('192.0.2.1') }), 60);
            const answer = await forum.token(CREDENTIALS, { ...basic(client.client_id, secret), ...from('192.0.2.1') });
            expect(answer.status).to.equal(200);
        });

        it('never refuse a public client, which has no secret to guess', async () => {
            const forum = await limited({ clientAuthentication: { points: 2 } });
            const withSecret = (): Promise<Answer> =>
                forum.form('/oauth/device_authorization', { ...CLI, client_secret: 'x' }, from('192.0.2.1'));
            expect((await withSecret()).status).to.equal(401);
            expect(
                (await forum.form('/oauth/introspect', { token: 'x', client_id: CLI.client_id }, from('192.0.2.1')))
                    .status
            ).to.equal(401);
            isLimited(await withSecret(), 60);
            isLimited(
                await forum.token(
                    { grant_type: DEVICE_CODE, client_id: CLI.client_id, client_secret: 'x' },
                    from('192.0.2.1')
                ),
                60
            );
            expect((await forum.form('/oauth/device_authorization', CLI, from('192.0.2.1'))).status).to.equal(200);
            expect((await refresh(forum, 'x', '192.0.2.1')).body.error).to.equal('invalid_grant');
        });
    });

    describe('on wrong user codes', () => {
        let typed = 0;
        const wrong = (): string => `0000-${String(typed++).padStart(4, '0')}`;

        const read = (forum: Forum, account: string, code: string, address: string): Promise<Answer> =>
            forum.as(account, 'GET', `${CONSENT}?user_code=${code}`, undefined, from(address));

        it('count those of all accounts at one address and then refuse right codes too', async () => {
            const forum = await limited({ userCode: { points: 4, seconds: 600 } });
            const { user_code: code } = await forum.device();
            for (let accounts = 0; accounts < 3; ++accounts) {
                expect((await read(forum, forum.addAccount(), wrong(), '192.0.2.1')).status).to.equal(400);
            }
            const claimant = forum.addAccount();
            expect((await read(forum, claimant, code, '192.0.2.1')).status).to.equal(200);
            const decision = { user_code: wrong(), decision: 'deny' };
            expect((await forum.as(claimant, 'POST', CONSENT, decision, from('192.0.2.1'))).status).to.equal(400);

            const approval = { user_code: code, decision: 'approve' };
            const origin = { origin: 'https://forum.example' };
            const answer = await forum.as(claimant, 'POST', CONSENT, approval, { ...from('192.0.2.1'), ...origin });
            isLimited(answer, 600);
            expect(answer.headers['access-control-allow-origin']).to.equal('https://forum.example');
            expect(answer.headers['access-control-expose-headers']).to.contain('Retry-After');
            isLimited(await read(forum, claimant, code, '192.0.2.1'), 600);
            isLimited(await read(forum, forum.addAccount(), wrong(), '192.0.2.1'), 600);
            expect((await forum.as(claimant, 'POST', CONSENT, approval, from('192.0.2.2'))).body).to.equal({
                status: 'approved'
            });
        });

        it('count for the consent page, and for the host’s own code when it passes the address', async () => {
            const forum = await limited({ userCode: { points: 2, seconds: 600 } });
            await forum.server.register({ plugin: pages, options: {} });
            const { deviceConsent } = forum.server.plugins['hapi-forum-oauth'];
            const account = forum.addAccount();
            const visitor = new Visitor(forum.server, account);
            const page = () => visitor.enterCode(wrong(), '/oauth/consent', from('192.0.2.1'));
            expect((await page()).status).to.equal(400);
            await expect(deviceConsent.read(account, wrong())).to.reject(/unknown, expired/);
            await expect(
                deviceConsent.decide(account, wrong(), { decision: 'deny', authTime: null, address: '192.0.2.1' })
            ).to.reject(/unknown, expired/);
            await expect(deviceConsent.read(account, wrong(), '192.0.2.1')).to.reject(/Too many wrong codes/);
            const shown = await page();
            expect(shown.status).to.equal(429);
            expect(Number(shown.headers['retry-after'])).to.be.within(1, 600);
            expect(shown.html).to.contain('Too many incorrect codes');
        });
    });

    it('end when their time is over', async () => {
        const forum = await limited({ deviceAuthorization: { points: 1, seconds: 1 } });
        const ask = (): Promise<Answer> => forum.form('/oauth/device_authorization', CLI, from('192.0.2.1'));
        const until = async (status: number): Promise<Answer> => {
            for (;;) {
                const answer = await ask();
                if (answer.status === status) {
                    return answer;
                }
                await sleep(status === 429 ? 0 : 50);
            }
        };
        isLimited(await until(429), 1);
        await until(200);
    });

    it('can be turned off', async () => {
        const forum = await limited(false);
        const { client, client_secret: secret } = await forum.createClient(FRIGG);
        const attempt = (word: string): Promise<Answer> =>
            forum.token({ grant_type: 'client_credentials' }, basic(client.client_id, word));
        const answers = await Promise.all(Array.from({ length: 301 }, () => attempt('wrong')));
        expect(new Set(answers.map(({ status }) => status))).to.equal(new Set([401]));
        expect((await attempt(secret)).status).to.equal(200);
        expect((await forum.signIn()).token_type).to.equal('Bearer');
    });

    it('use the address of the connection, and no header, when the host names no address', async () => {
        const forum = await Forum.create(database.dataSource, { limits: { refresh: { points: 2 } } });
        const silent = await Forum.create(database.dataSource, {
            limits: { refresh: { points: 2 }, address: ({ headers }) => headers['x-real-ip'] as string | undefined }
        });
        forums.push(forum, silent);
        for (const { server } of [forum, silent]) {
            const ask = async (remoteAddress: string, forwarded: string): Promise<number> => {
                const { statusCode } = await server.inject({
                    method: 'POST',
                    url: '/api/oauth/token',
                    remoteAddress,
                    headers: {
                        'content-type': 'application/x-www-form-urlencoded',
                        'x-forwarded-for': forwarded,
                        forwarded: `for=${forwarded}`
                    },
                    payload: `grant_type=refresh_token&refresh_token=x&client_id=${CLI.client_id}`
                });
                return statusCode;
            };
            expect(await ask('198.51.100.7', '192.0.2.1')).to.equal(400);
            expect(await ask('198.51.100.7', '192.0.2.2')).to.equal(400);
            expect(await ask('198.51.100.7', '192.0.2.3')).to.equal(429);
            expect(await ask('198.51.100.8', '192.0.2.1')).to.equal(400);
        }
    });

    it('count by the address alone too, so that made-up clients do not multiply them', async () => {
        const forum = await limited({ refresh: { points: 2 } });
        const statuses: number[] = [];
        for (let client = 0; client < 6; ++client) {
            const app = await deviceApp(forum);
            for (let times = 0; times < 2; ++times) {
                statuses.push((await refresh(forum, 'x', '192.0.2.1', app)).status);
            }
        }
        expect(statuses).to.equal([...Array(8).fill(400), ...Array(4).fill(429)]);
        expect((await refresh(forum, 'x', '192.0.2.1', unique('nobody'))).status).to.equal(429);
        expect((await refresh(forum, 'x', '192.0.2.2')).status).to.equal(400);
    });

    it('look nothing up for a request that is over the limit of its address', async () => {
        const forum = await limited({ refresh: { points: 1 } });
        const ask = (): Promise<Answer> => refresh(forum, 'x', '192.0.2.1', unique('nobody'));
        for (let times = 0; times < 4; ++times) {
            expect((await ask()).status).to.equal(401);
        }
        const queries = new MeasuredLog(forum);
        isLimited(await ask(), 60);
        expect(queries.stop()).to.equal([]);
    });

    it('count the IPv6 networks around a /64 with larger limits, and 6to4 by its IPv4 address', async () => {
        const forum = await limited({ refresh: { points: 1 } });
        const accepted = async (addressOf: (at: number) => string, count: number): Promise<number> => {
            let times = 0;
            for (let at = 0; at < count; ++at) {
                times += (await refresh(forum, 'x', addressOf(at))).status === 400 ? 1 : 0;
            }
            return times;
        };
        expect(await accepted((at) => `2001:db8:1:${at.toString(16)}::1`, 30)).to.equal(16);
        expect(await accepted((at) => `2001:db8:2:${(at * 256).toString(16)}::1`, 100)).to.equal(64);
        expect(await accepted((at) => `2002:c000:201:${at.toString(16)}::1`, 5)).to.equal(1);
        expect((await refresh(forum, 'x', '192.0.2.1')).status).to.equal(429);
    });

    it('count authorization requests by account, and tokens of client credentials by client', async () => {
        const forum = await limited({ authorize: { points: 2 }, clientCredentials: { points: 2 } });
        const app = await createApp(forum);
        const [one, other] = [forum.addAccount(), forum.addAccount()];
        const ask = (account: string, address: string): Promise<Answer> =>
            authorize(forum, account, parametersOf(app), from(address));
        expect([(await ask(one, '192.0.2.1')).status, (await ask(one, '192.0.2.2')).status]).to.equal([303, 303]);
        isLimited(await ask(one, '192.0.2.3'), 60);
        expect((await ask(other, '192.0.2.3')).status).to.equal(303);

        const { client, client_secret: secret } = await forum.createClient(FRIGG);
        const bot = (address: string): Promise<Answer> =>
            forum.token({ grant_type: 'client_credentials' }, { ...basic(client.client_id, secret), ...from(address) });
        expect([(await bot('192.0.2.1')).status, (await bot('192.0.2.2')).status]).to.equal([200, 200]);
        isLimited(await bot('192.0.2.3'), 60);
    });

    it('are told in every response of a limited endpoint, errors included', async () => {
        const forum = await limited({
            refresh: { points: 5, seconds: 50 },
            clientAuthentication: { points: 7 },
            userCode: { points: 9, seconds: 600 },
            authorize: { points: 3 }
        });
        const told = ({ headers }: Answer): (number | undefined)[] =>
            ['limit', 'remaining', 'reset'].map((name) => {
                const value = headers[`x-ratelimit-${name}`];
                return value === undefined ? undefined : Number(value);
            });
        const { refresh_token: token } = await forum.signIn();
        expect(told(await refresh(forum, token, '192.0.2.1'))).to.equal([5, 4, 50]);
        expect(told(await refresh(forum, 'x', '192.0.2.1')).slice(0, 2)).to.equal([5, 3]);
        const poll = { grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: 'x' };
        expect(told(await forum.token(poll, from('192.0.2.1')))).to.equal([28, 28, 60]);
        const revoked = await forum.form('/oauth/revoke', { client_id: 'nobody', token: 'x' }, from('192.0.2.1'));
        expect(told(revoked).slice(0, 2)).to.equal([7, 6]);
        const code = await forum.as(FRIGG, 'GET', `${CONSENT}?user_code=AAAAAAAA`, undefined, from('192.0.2.1'));
        expect([code.status, ...told(code).slice(0, 2)]).to.equal([400, 9, 8]);
        const app = await createApp(forum);
        const asked = await authorize(forum, FRIGG, parametersOf(app));
        expect(told(asked).slice(0, 2)).to.equal([3, 2]);
        expect(told(await forum.as(null, 'GET', '/oauth/jwks'))).to.equal([undefined, undefined, undefined]);
        const silent = await limited(false);
        expect(told(await silent.refresh('x'))).to.equal([undefined, undefined, undefined]);
    });

    it('count an IPv6 /64 network as one address', async () => {
        const forum = await limited({ refresh: { points: 2 } });
        expect((await refresh(forum, 'x', '2001:db8:1:2::1')).status).to.equal(400);
        expect((await refresh(forum, 'x', '2001:db8:1:2:ffff::1')).status).to.equal(400);
        isLimited(await refresh(forum, 'x', '2001:db8:1:2::3'), 60);
        expect((await refresh(forum, 'x', '2001:db8:1:3::1')).status).to.equal(400);
    });

    it('accept any text as an address, however long', async () => {
        const forum = await limited({ refresh: { points: 1 } });
        const long = 'a'.repeat(5000);
        expect((await refresh(forum, 'x', long)).status).to.equal(400);
        isLimited(await refresh(forum, 'x', long), 60);
        expect((await refresh(forum, 'x', `${long}b`)).status).to.equal(400);
    });

    it('count all requests over a Unix socket, which have no address, as one', async () => {
        const directory = await mkdtemp(join(tmpdir(), 'forum-'));
        const socketPath = join(directory, 'socket');
        const forum = await Forum.create(database.dataSource, { limits: { refresh: { points: 1 } } }, '/api', {
            server: { port: socketPath }
        });
        await forum.server.start();
        const ask = async (): Promise<number | undefined> => {
            const sent = request({
                socketPath,
                method: 'POST',
                path: '/api/oauth/token',
                agent: false,
                headers: { 'content-type': 'application/x-www-form-urlencoded' }
            });
            sent.end(`grant_type=refresh_token&refresh_token=x&client_id=${CLI.client_id}`);
            const [response] = (await once(sent, 'response')) as [IncomingMessage];
            response.resume();
            return response.statusCode;
        };
        expect([await ask(), await ask()]).to.equal([400, 429]);
        await forum.stop();
        await rm(directory, { recursive: true });
    });

    it('refuse an address that is not text and say so', async () => {
        for (const wrong of [5, ['192.0.2.1'], Promise.resolve('192.0.2.1')]) {
            const forum = await limited({ address: () => wrong as unknown as string });
            expect((await refresh(forum, 'no token', '')).status).to.equal(500);
            expect(forum.log.join()).to.contain('limits.address must answer a string or nothing');
        }
    });

    it('are forgotten when the server stops and keep no process alive', async () => {
        const forum = await Forum.create(database.dataSource, { limits: { refresh: { points: 1 } } });
        const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
        await forum.refresh('x');
        expect((await forum.refresh('x')).status).to.equal(429);
        expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length).to.equal(before);
        await forum.stop();
        expect((await forum.refresh('x')).status).to.equal(400);
        await forum.stop();
    });
});
