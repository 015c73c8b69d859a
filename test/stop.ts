import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@hapi/code';
import * as Hapi from '@hapi/hapi';
import * as Lab from '@hapi/lab';
import type { DataSource } from 'typeorm';
import { OAuthDeviceAuthorization } from '../entities';
import * as OAuth from '../plugin';
import type { Options } from '../plugin';
import { pages } from '../plugin/pages';
import { CLI, DEVICE_CODE, Forum, FRIGG, ISSUER, openDatabase, type OpenDatabase } from './support/forum';
import { eventually, keys, WatchedWorker } from './support/maintenance';

const lab = Lab.script();
export { lab };
const { after, afterEach, before, describe, it } = lab;

/** A door that can be shut in front of what passes. */
class Door {
    waiting = 0;
    #open: (() => void) | undefined;
    #opened: Promise<void> = Promise.resolve();

    shut(): this {
        this.#opened = new Promise((resolve) => (this.#open = resolve));
        return this;
    }

    open(): void {
        this.#open?.();
    }

    async pass(): Promise<void> {
        this.waiting += 1;
        await this.#opened;
        this.waiting -= 1;
    }
}

/** A data source whose queries have to pass a door. */
function behind(door: Door, dataSource: DataSource): DataSource {
    const guarded = Object.create(dataSource) as DataSource;
    guarded.query = async (...parameters: Parameters<DataSource['query']>) => {
        await door.pass();
        return dataSource.query(...parameters);
    };
    return guarded;
}

const LISTENING: Hapi.ServerOptions = { host: '127.0.0.1', port: 0 };

/** A request over a connection of its own. */
function send(
    { server }: Forum,
    method: string,
    path: string,
    { headers = {}, body = '', agent }: { headers?: Record<string, string>; body?: string; agent?: Agent } = {}
): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
        const sent = request(`${server.info.uri}${path}`, { method, agent: agent ?? false, headers }, (response) => {
            let text = '';
            response.setEncoding('utf8').on('data', (data: string) => (text += data));
            response.once('end', () => resolve({ status: response.statusCode!, text }));
        });
        sent.once('error', reject);
        sent.end(body);
    });
}

function token(forum: Forum, fields: Record<string, string>): Promise<{ status: number; text: string }> {
    return send(forum, 'POST', '/api/oauth/token', {
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ client_id: CLI.client_id, ...fields }).toString()
    });
}

/** What keeps this process alive, and who listens to it. */
function held(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const resource of process.getActiveResourcesInfo()) {
        counts[resource] = (counts[resource] ?? 0) + 1;
    }
    for (const name of process.eventNames()) {
        counts[`on ${String(name)}`] = process.listenerCount(name);
    }
    return counts;
}

/** Connections take some turns to be gone. */
async function expectHeld(before: Record<string, number>): Promise<void> {
    for (let looks = 0; looks < 200 && JSON.stringify(held()) !== JSON.stringify(before); ++looks) {
        await sleep(10);
    }
    expect(held()).to.equal(before);
}

/** True once a promise is settled; looks after everything that can happen at once has happened. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
    let settled = false;
    const note = (): void => void (settled = true);
    promise.then(note, note);
    for (let turns = 0; turns < 50; ++turns) {
        await turn();
    }
    return settled;
}

describe('a server that stops', () => {
    let database: OpenDatabase;
    let dataSource: DataSource;
    let restore: (() => void) | undefined;

    before(async () => {
        database = await openDatabase('embedded');
        dataSource = database.dataSource;
    });

    afterEach(() => {
        restore?.();
        restore = undefined;
    });

    after(() => database.done());

    const start = async (options: Partial<Options> = {}): Promise<Forum> => {
        const forum = await Forum.create(dataSource, options, '/api', { server: LISTENING });
        await forum.server.register({ plugin: pages });
        await forum.server.start();
        return forum;
    };

    /** Lets waits of five seconds be over at once. Returns how long each wait was to be, milliseconds. */
    const hurry = (): number[] => {
        const { setTimeout: original } = globalThis;
        const waits: number[] = [];
        restore = () => (globalThis.setTimeout = original);
        globalThis.setTimeout = ((callback: () => void, milliseconds: number, ...rest: []) => {
            waits.push(milliseconds);
            return original(callback, milliseconds === 5000 ? 0 : milliseconds, ...rest);
        }) as typeof setTimeout;
        return waits;
    };

    // Not for the sake of the time that it takes, but of machines that have other things to do.
    const patient = { timeout: 60_000 };

    it('finishes the requests under way with their right answers, and leaves nothing behind', patient, async () => {
        const before = held();
        const door = new Door();
        const forum = await start({
            jobs: 'in-process',
            accounts: {
                find: async (id) => {
                    await door.pass();
                    return forum.accounts.get(id) ?? null;
                }
            }
        });
        const { refresh_token: refreshToken } = await forum.signIn();
        const approved = await forum.device();
        await forum.decide(FRIGG, approved.user_code);
        const agent = new Agent({ keepAlive: true });
        expect((await send(forum, 'GET', '/api/oauth/jwks', { agent })).status).to.equal(200);

        door.shut();
        const underWay = Promise.all([
            token(forum, { grant_type: 'refresh_token', refresh_token: refreshToken }),
            token(forum, { grant_type: 'refresh_token', refresh_token: refreshToken }),
            token(forum, { grant_type: DEVICE_CODE, device_code: approved.device_code }),
            send(forum, 'GET', '/settings/connected-apps', { headers: { cookie: `session=${FRIGG}` } })
        ]);
        await eventually(() => door.waiting === 4);
        const { listener } = forum.server;
        const stopped = forum.server.stop({ timeout: 60_000 });
        await eventually(() => !listener.listening);
        expect(await isSettled(stopped)).to.equal(false);
        door.open();

        const [refreshed, again, exchanged, page] = await underWay;
        await stopped;
        expect([refreshed, again, exchanged, page].map(({ status }) => status)).to.equal([200, 200, 200, 200]);
        const tokens = [refreshed, again, exchanged].map(({ text }) => JSON.parse(text) as { refresh_token: string });
        expect(tokens[1]!.refresh_token).to.equal(tokens[0]!.refresh_token);
        expect(page.text).to.include('Storyden');
        const refresh = { refreshToken: tokens[0]!.refresh_token, other: tokens[2]!.refresh_token };
        const elsewhere = await Forum.create(dataSource);
        for (const kept of Object.values(refresh)) {
            expect((await elsewhere.refresh(kept)).status).to.equal(200);
        }
        expect(forum.log.filter((line) => line.includes('error'))).to.equal([]);
        agent.destroy();
        await expectHeld(before);
    });

    it('finishes the batch in hand of a cleanup, and begins no other', async () => {
        const door = new Door().shut();
        const forum = await Forum.create(behind(door, dataSource), { jobs: 'in-process' }, '/api', {
            server: LISTENING
        });
        const elsewhere = await Forum.create(dataSource);
        await dataSource.getRepository(OAuthDeviceAuthorization).clear();
        await elsewhere.device();
        forum.pass(2 * 60 * 60);
        await forum.server.start();
        await eventually(() => door.waiting === 1);
        const stopped = forum.stop();
        expect(await isSettled(stopped)).to.equal(false);
        door.open();
        await stopped;
        const swept = forum.events.filter((event) => event.type === 'sweep_completed');
        expect(swept.map(({ job }) => job)).to.equal(['expire-device-codes']);
        expect(swept[0]!.counts).to.include({ device_authorizations: 1 });
        expect(await dataSource.getRepository(OAuthDeviceAuthorization).count()).to.equal(0);
    });

    it('waits no longer than five seconds for a database that does not answer', async () => {
        const unhandled: unknown[] = [];
        const note = (reason: unknown): void => void unhandled.push(reason);
        process.on('unhandledRejection', note);
        const door = new Door().shut();
        const forum = await Forum.create(behind(door, dataSource), { jobs: 'in-process', limits: false }, '/api', {
            server: LISTENING
        });
        const elsewhere = await Forum.create(dataSource);
        const { refresh_token: refreshToken } = await elsewhere.signIn();
        await forum.server.start();
        const arrived = once(forum.server.listener, 'request');
        const request = token(forum, { grant_type: 'refresh_token', refresh_token: refreshToken });
        const failed = request.catch((error: NodeJS.ErrnoException) => error.code);
        await arrived;
        await eventually(() => door.waiting === 1);
        const waits = hurry();
        await forum.stop();
        // For the cleanup, by hapi for the request, and for listeners, of which there are none.
        expect(waits.filter((milliseconds) => milliseconds >= 1000)).to.equal([5000, 5000, 5000]);
        expect(await failed).to.equal('ECONNRESET');

        door.open();
        await eventually(() => forum.events.length === 2);
        expect(forum.events.map(({ type }) => type).sort()).to.equal(['sweep_completed', 'token_issued']);
        process.off('unhandledRejection', note);
        expect(unhandled).to.equal([]);
    });

    it('waits for who listens to its events, and no longer than five seconds', async () => {
        const done: string[] = [];
        const door = new Door().shut();
        const forum = await start();
        const listen = async ({ type }: OAuth.TimedOAuthEvent): Promise<void> => {
            await door.pass();
            done.push(type);
        };
        forum.server.events.on('oauth', listen as (event: OAuth.TimedOAuthEvent) => void);
        await forum.device();
        await forum.device();
        const stopped = forum.stop();
        expect(await isSettled(stopped)).to.equal(false);
        door.open();
        await stopped;
        expect(done).to.equal(['device_authorization_requested', 'device_authorization_requested']);

        await forum.server.start();
        door.shut();
        await forum.device();
        const waits = hurry();
        await forum.stop();
        expect(waits.filter((milliseconds) => milliseconds >= 1000)).to.equal([5000, 5000]);
        expect(done).to.have.length(2);
        door.open();
        await eventually(() => done.length === 3);
    });

    it('may be stopped again, before it was started, and after it could not start', async () => {
        const before = held();
        const forum = await start({ jobs: 'in-process' });
        await forum.stop();
        await forum.stop();

        const initialized = await Forum.create(dataSource, { jobs: 'in-process' });
        await initialized.stop();
        await initialized.stop();
        expect(initialized.events).to.equal([]);

        const occupied = createServer().listen(0, '127.0.0.1');
        await eventually(() => occupied.listening);
        const { port } = occupied.address() as AddressInfo;
        const unlucky = await Forum.create(dataSource, { jobs: 'in-process' }, '/api', {
            server: { host: '127.0.0.1', port }
        });
        await expect(unlucky.server.start()).to.reject(/EADDRINUSE/);
        await unlucky.stop();
        expect(unlucky.events).to.equal([]);
        occupied.close();
        await expectHeld(before);
    });

    it('leaves as little behind after forty times as after one', patient, async () => {
        const before = held();
        const signingKey = await OAuth.generateSigningKey('EdDSA');
        for (let times = 0; times < 40; ++times) {
            const server = Hapi.server({ ...LISTENING, debug: false });
            server.auth.scheme('nobody', () => ({ authenticate: (_request, h) => h.unauthenticated(new Error()) }));
            server.auth.strategy('session', 'nobody');
            await server.register({
                plugin: OAuth,
                routes: { prefix: '/api' },
                options: {
                    issuer: ISSUER,
                    dataSource,
                    accounts: { find: () => Promise.resolve(null) },
                    session: { strategy: 'session' },
                    signingKeys: [signingKey],
                    jobs: 'in-process'
                }
            });
            await server.start();
            await server.stop();
            // The plugin itself hangs on to none of the server's events.
            for (const name of ['log', 'request', 'response', 'route', 'start', 'stop', 'closing', 'oauth']) {
                expect(server.events.hasListeners(name)).to.equal(false);
            }
        }
        const again = await start({ jobs: 'in-process' });
        for (let times = 0; times < 20; ++times) {
            await again.stop();
            await again.server.start();
        }
        await again.stop();
        await expectHeld(before);
    });
});

describe('a worker that is closed', () => {
    it('waits no longer than fifteen seconds for a database that does not answer', async () => {
        const database = await openDatabase('embedded');
        const unhandled: unknown[] = [];
        const note = (reason: unknown): void => void unhandled.push(reason);
        process.on('unhandledRejection', note);
        const before = held();
        const door = new Door().shut();
        const worker = new WatchedWorker({ dataSource: behind(door, database.dataSource), prefix: keys() });
        await eventually(() => door.waiting === 1);
        const { setTimeout: original } = globalThis;
        let waited = 0;
        globalThis.setTimeout = ((callback: () => void, milliseconds: number, ...rest: []) => {
            waited += milliseconds === 5000 ? 5000 : 0;
            return original(callback, milliseconds === 5000 ? 100 : milliseconds, ...rest);
        }) as typeof setTimeout;
        await worker.close();
        globalThis.setTimeout = original;
        expect(waited).to.be.between(4999, 15_001);
        expect(door.waiting).to.equal(1);
        expect(worker.reports).to.equal([]);

        door.open();
        await eventually(() => worker.reports.length === 3);
        await expectHeld(before);
        process.off('unhandledRejection', note);
        expect(unhandled).to.equal([]);
        await database.done();
    });
});
