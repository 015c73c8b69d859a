import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { LimitsRedis } from '../../plugin/index';
import { RedisLink } from '../../plugin/rate-limits/redis-link';
import { CLI, Forum, FRIGG, basic, unique, type Answer } from '../support/forum';
import { redisUrl, throwawayServer } from '../support/servers';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, afterEach, before, describe, it } = lab;

describe('rate limits in Redis', () => {
    const database = useDatabase(lab, 'embedded');
    let forums: Forum[] = [];
    let clients: Redis[] = [];
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => {
        unhandled.push(reason);
    };

    before(async () => {
        process.on('unhandledRejection', note);
    });

    afterEach(async () => {
        await Promise.all(forums.map((forum) => forum.stop()));
        clients.forEach((client) => client.disconnect());
        forums = [];
        clients = [];
    });

    after(async () => {
        process.off('unhandledRejection', note);
    });

    /** A client that never gives up, like a worker's: its commands stay pending while Redis is away. */
    const connect = (options: RedisOptions = {}, url = redisUrl()): Redis => {
        const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 20, ...options });
        client.on('error', () => undefined);
        clients.push(client);
        return client;
    };

    const ready = async (client: Redis): Promise<Redis> => {
        if (client.status !== 'ready') {
            await once(client, 'ready');
        }
        return client;
    };

    /** A unique issuer, because other tests count in the same Redis. */
    const issuerOf = (name: string): string => `https://${unique(name)}.example`;

    const limited = async (redis: LimitsRedis, issuer: string, points = 3): Promise<Forum> => {
        const forum = await Forum.create(database.dataSource, {
            issuer,
            limits: { redis, refresh: { points, seconds: 600 }, clientAuthentication: { points, seconds: 600 } }
        });
        forums.push(forum);
        return forum;
    };

    /** Repeats a scenario if Redis was too busy to answer in time, which happens on a loaded machine. */
    const undisturbed = async (scenario: () => Promise<void>): Promise<void> => {
        for (let rounds = 1; ; ++rounds) {
            const before = forums.length;
            try {
                return await scenario();
            } catch (error) {
                if (rounds === 5 || !forums.slice(before).some((forum) => logged(forum, LOST) > 0)) {
                    throw error;
                }
            }
        }
    };

    /** Sends forged tokens, which count, and are answered 400 while they are within the limit. */
    const tries = async (forum: Forum, times: number): Promise<number[]> => {
        const statuses: number[] = [];
        for (let done = 0; done < times; ++done) {
            statuses.push((await forum.refresh('x')).status);
        }
        return statuses;
    };

    const logged = (forum: Forum, text: string): number => forum.log.filter((line) => line.includes(text)).length;
    const LOST = 'Redis does not answer';
    const BACK = 'Redis answers again';

    /** Sends requests until one finds that Redis is back. */
    const untilBack = async (forum: Forum): Promise<void> => {
        while (logged(forum, BACK) === 0) {
            await forum.signIn();
            await forum.token({ grant_type: 'client_credentials' }, basic(unique('nobody'), 'x'));
            await sleep(50);
        }
    };

    it('are shared by all processes of a forum, and with no other forum', async () => {
        await undisturbed(async () => {
            const redis = await ready(connect());
            const issuer = issuerOf('shared');
            const [first, second, other] = [
                await limited(redis, issuer),
                await limited(await ready(connect()), issuer),
                await limited(redis, issuerOf('other'))
            ];
            expect(await tries(first, 2)).to.equal([400, 400]);
            expect(await tries(second, 2)).to.equal([400, 429]);
            expect(await tries(first, 1)).to.equal([429]);
            const { headers } = await first.refresh('x');
            expect(Number(headers['retry-after'])).to.be.within(1, 600);
            expect(await tries(other, 3)).to.equal([400, 400, 400]);
        });
    });

    it('are shared for failed authentications too', async () => {
        await undisturbed(async () => {
            const issuer = issuerOf('secrets');
            const first = await limited(await ready(connect()), issuer);
            const second = await limited(await ready(connect()), issuer);
            const { client, client_secret: secret } = await first.createClient(FRIGG);
            const attempt = (forum: Forum, word: string): Promise<Answer> =>
                forum.token({ grant_type: 'client_credentials' }, basic(client.client_id, word));
            expect((await attempt(first, secret)).status).to.equal(200);
            for (const forum of [first, second, first]) {
                expect((await attempt(forum, 'wrong')).status).to.equal(401);
            }
            expect((await attempt(second, 'wrong')).status).to.equal(429);
            expect((await attempt(first, 'wrong')).status).to.equal(429);
            expect((await attempt(second, secret)).status).to.equal(200);
        });
    });

    it('store MACs that expire, by client and address and by address, and one for all clients that do not exist', async () => {
        await undisturbed(async () => {
            const redis = await ready(connect());
            const before = new Set(await redis.keys('oauth-limit:*'));
            const forum = await limited(redis, issuerOf('keys'));
            await forum.refresh('x');
            await forum.refresh('x');
            await Promise.all(
                Array.from({ length: 20 }, () =>
                    forum.token({ grant_type: 'refresh_token', refresh_token: 'x', client_id: unique('nobody') })
                )
            );
            const keys = (await redis.keys('oauth-limit:*')).filter(
                (key) => !before.has(key) && !key.endsWith(':probe')
            );
            expect(keys.filter((key) => key.includes(':refresh:')).length).to.equal(2);
            expect(keys.filter((key) => key.includes(':clientAuthentication:')).length).to.equal(2);
            // Without the forum's secret, an address cannot be found by trying all of them.
            for (const text of ['127.0.0.1', `${CLI.client_id} 127.0.0.1`]) {
                const plain = createHash('sha256').update(text).digest('base64url');
                expect(keys.some((key) => key.endsWith(plain))).to.be.false();
            }
            for (const key of keys) {
                expect(key).to.match(/^oauth-limit:[\w-]{12}:(refresh|clientAuthentication):[\w-]{43}$/);
                expect(await redis.ttl(key)).to.be.within(1, 600);
            }
        });
    });

    it('leave the host’s Redis client open', async () => {
        const redis = await ready(connect());
        const forum = await limited(redis, issuerOf('open'));
        await forum.refresh('x');
        await forum.stop();
        expect(await redis.ping()).to.equal('PONG');
    });

    it('continue in memory when Redis is killed, and in Redis when it is back', async () => {
        const server = throwawayServer('redis');
        if (!server) {
            return;
        }
        const redis = await ready(connect());
        const forum = await limited(redis, issuerOf('killed'));
        const { refresh_token: token } = await forum.signIn();
        const answers = Promise.all(Array.from({ length: 20 }, () => forum.signIn()));
        await server.kill();
        await answers;
        while (redis.status === 'ready') {
            await sleep(1);
        }
        expect((await forum.refresh(token)).status).to.equal(200);
        // One of the three in this process's memory is used.
        expect(await tries(forum, 3)).to.equal([400, 400, 429]);
        expect(logged(forum, LOST)).to.equal(1);
        await server.start();
        await untilBack(forum);
        // This Redis restarted empty.
        while ((await redis.keys('oauth-limit:*:refresh:*')).length === 0) {
            await forum.refresh('x');
        }
        expect(unhandled).to.equal([]);
    });

    it('continue in memory when Redis hangs, and wait for it only once', async () => {
        const server = throwawayServer('redis');
        if (!server) {
            return;
        }
        const redis = await ready(connect());
        const forum = await limited(redis, issuerOf('hung'));
        let sent = 0;
        const send = redis.sendCommand.bind(redis);
        redis.sendCommand = (...command) => {
            sent += 1;
            return send(...command);
        };
        await server.pause();
        try {
            expect((await forum.signIn()).token_type).to.equal('Bearer');
            const asked = sent;
            expect(await tries(forum, 20)).to.equal([400, 400, 400, ...Array<number>(17).fill(429)]);
            // A probe may have run beside the requests.
            expect(sent - asked).to.be.at.most(1);
            expect(logged(forum, LOST)).to.equal(1);
        } finally {
            await server.resume();
        }
        await untilBack(forum);
        expect(unhandled).to.equal([]);
    });

    it('do not use a Redis whose answers are late, and log it once', async () => {
        const now = performance.now.bind(performance);
        let passed = 0;
        let late = 150;
        let asked = 0;
        const slow = {
            status: 'ready',
            defineCommand: () => undefined,
            rlflxIncr: () => {
                asked += 1;
                passed += late;
                return Promise.resolve([1, 1000]);
            }
        };
        const changes: string[] = [];
        performance.now = () => now() + passed;
        try {
            const link = new RedisLink(slow, 'late', {
                lost: () => changes.push('lost'),
                back: () => changes.push('back')
            });
            const looks = async (): Promise<boolean> => {
                passed += 1000;
                link.isReachable();
                await turn();
                return link.isReachable();
            };
            link.lost('no answer');
            expect([await looks(), await looks(), await looks()]).to.equal([false, false, false]);
            expect(changes).to.equal(['lost']);
            late = 0;
            // A busy machine may need several.
            for (let more = 0; more < 10 && !(await looks()); ++more) {}
            expect(link.isReachable()).to.be.true();
            expect(changes).to.equal(['lost', 'back']);
            expect(asked).to.be.at.least(4);
        } finally {
            performance.now = now;
        }
    });

    it('are counted in memory when Redis was never reachable', async () => {
        const listener = createServer().listen(0, '127.0.0.1');
        await once(listener, 'listening');
        const { port } = listener.address() as AddressInfo;
        listener.close();
        const redis = connect({ retryStrategy: () => 60_000 }, `redis://127.0.0.1:${port}`);
        while (redis.status !== 'reconnecting') {
            await sleep(1);
        }
        const forum = await limited(redis, issuerOf('never'));
        expect((await forum.signIn()).token_type).to.equal('Bearer');
        expect(await tries(forum, 4)).to.equal([400, 400, 400, 429]);
        expect(logged(forum, `${LOST} (the client is reconnecting)`)).to.equal(1);
        expect(unhandled).to.equal([]);
    });

    it('are counted in memory when Redis refuses to count', async () => {
        const redis = await ready(connect());
        const forum = await limited(redis, issuerOf('refused'));
        redis.defineCommand('rlflxIncr', { numberOfKeys: 1, lua: "return redis.error_reply('OOM no memory')" });
        expect((await forum.signIn()).token_type).to.equal('Bearer');
        expect(await tries(forum, 4)).to.equal([400, 400, 400, 429]);
        expect(logged(forum, LOST)).to.equal(1);
        expect(logged(forum, BACK)).to.equal(0);
    });

    it('connect a client that connects on first use', async () => {
        const redis = connect({ lazyConnect: true });
        const forum = await limited(redis, issuerOf('lazy'));
        while (redis.status !== 'ready') {
            expect((await forum.form('/oauth/device_authorization', CLI)).status).to.equal(200);
            await sleep(10);
        }
        expect(logged(forum, BACK)).to.equal(0);
    });

    it('accept the client of a Redis Cluster', () => {
        const cluster: LimitsRedis = new Cluster([{ port: 1 }], { lazyConnect: true });
        expect(cluster.status).to.equal('wait');
    });
});
