import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { beginRequest, createApp, decideRequest, obtainCode, redeem, type App } from '../support/authorization';
import { CLI, DEVICE_CODE, Forum, FRIGG, type Answer } from '../support/forum';
import { startOwnServers } from '../support/own-servers';
import { connectTo, writeInBulk } from '../support/topologies';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

/** How often each race is run. */
const ROUNDS = Number(process.env.CLUSTER_ROUNDS ?? 12);

/** How many nodes are killed, each in a cluster of its own. */
const KILLS = Number(process.env.CLUSTER_KILLS ?? 1);

const LIBRARIES = ['/usr/lib/galera/libgalera_smm.so', '/usr/lib64/galera-4/libgalera_smm.so'];
const isHere = LIBRARIES.some((path) => existsSync(path));
if (!isHere) {
    console.log('Galera is not on this machine (apt-get install galera-4): its tests are left out.');
}

/** A race of refreshes on a busy machine takes some 100 ms. */
const timeout = 20_000 + ROUNDS * 1000;

for (const syncWait of [0, 1]) {
    describe(`two forums on two busy Galera nodes with wsrep_sync_wait=${syncWait}`, { skip: !isHere, timeout }, () => {
        let servers: Awaited<ReturnType<typeof startOwnServers>>;
        let one: Forum;
        let other: Forum;
        let app: App;
        /** Answers with 503. Every other race takes one for a failure. */
        let unavailable = 0;
        let stopWriting: (() => Promise<void>) | undefined;

        before({ timeout: 60_000 }, async () => {
            servers = await startOwnServers('galera-1', 'galera-2');
            for (const url of [servers.urls['galera-1']!, servers.urls['galera-2']!]) {
                const node = await connectTo(url);
                await node.query(`SET GLOBAL wsrep_sync_wait = ${syncWait}`);
                await node.destroy();
            }
            const first = await connectTo(servers.urls['galera-1']!);
            const second = await connectTo(servers.urls['galera-2']!);
            await first.runMigrations();
            one = await Forum.create(first);
            other = await Forum.create(second);
            other.now = one.now;
            app = await createApp(one);
            stopWriting = await writeInBulk([first, second]);
        });

        after(async () => {
            await stopWriting?.();
            if (process.env.CLUSTER_ROUNDS !== undefined) {
                console.log(`\nwsrep_sync_wait=${syncWait}: ${unavailable} answers with 503`);
            }
            for (const forum of [one, other]) {
                await forum?.stop();
                await forum?.dataSource.destroy();
            }
            await servers?.stop();
        });

        /** Runs a race again and again, each time with the other node first. */
        const race = async (run: (here: Forum, there: Forum) => Promise<void>): Promise<void> => {
            for (let round = 0; round < ROUNDS; ++round) {
                await (round % 2 === 0 ? run(one, other) : run(other, one));
            }
        };

        const expectDead = async (...tokens: (string | undefined)[]): Promise<void> => {
            for (const token of tokens) {
                for (const forum of token === undefined ? [] : [one, other]) {
                    expect((await forum.refresh(token!)).body.error).to.equal('invalid_grant');
                }
            }
        };

        const revoke = (forum: Forum, token: string): Promise<Answer> => forum.form('/oauth/revoke', { ...CLI, token });

        it('lose no grant when a successor is used on the other node at once', () =>
            race(async (here, there) => {
                let { refresh_token: token } = await here.signIn();
                for (const forum of [there, here, there]) {
                    const { status, body, text } = await forum.refresh(token);
                    expect(status, text).to.equal(200);
                    token = body.refresh_token as string;
                }
            }));

        it('give both the same successor when both refresh one token', () =>
            race(async (here, there) => {
                const { refresh_token: token } = await here.signIn();
                const answers = await Promise.all([here.refresh(token), there.refresh(token)]);
                expect(answers.map(({ status }) => status)).to.equal([200, 200]);
                const [mine, theirs] = answers.map(({ body }) => body.refresh_token as string);
                expect(mine).to.equal(theirs);
                expect((await there.refresh(mine!)).status).to.equal(200);
            }));

        it('have no token that works once a revocation has answered', () =>
            race(async (here, there) => {
                const { refresh_token: token } = await here.signIn();
                const [rotated, revoked] = await Promise.all([here.refresh(token), revoke(there, token)]);
                expect(revoked.status).to.equal(200);
                await expectDead(token, rotated.body.refresh_token as string | undefined);

                const { refresh_token: fresh } = await there.signIn();
                expect((await revoke(here, fresh)).status).to.equal(200);
                await expectDead(fresh);
            }));

        it('exchange a code once, whichever of them is asked', () =>
            race(async (here, there) => {
                const code = await obtainCode(here, app, { scope: 'openid offline_access' });
                const answers = await Promise.all([redeem(here, code), redeem(there, code)]);
                unavailable += answers.filter(({ status }) => status === 503).length;
                const exchanged = answers.filter(({ status }) => status === 200);
                expect(exchanged.length).to.be.at.most(1);
                // The second request was a replay, which ends what the first one got.
                const token = exchanged[0]?.body.refresh_token as string | undefined;
                for (const forum of token === undefined ? [] : [one, other]) {
                    const fields = { client_id: app.client_id };
                    expect((await forum.refresh(token!, fields)).body.error).to.equal('invalid_grant');
                }
            }));

        it('exchange a code of the other node, and its device code once', () =>
            race(async (here, there) => {
                expect((await redeem(there, await obtainCode(here, app))).status).to.equal(200);
                const device = await here.device();
                expect((await there.decide(FRIGG, device.user_code)).status).to.equal(200);
                const fields = { grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: device.device_code };
                const answers = await Promise.all([here.token(fields), there.token(fields)]);
                expect(answers.map(({ status }) => status).sort()).to.equal([200, 400]);
            }));

        it('take one decision, and show it to both', () =>
            race(async (here, there) => {
                const request = await beginRequest(here, app);
                const both = await Promise.all([
                    decideRequest(here, FRIGG, request),
                    decideRequest(there, FRIGG, request, 'deny')
                ]);
                expect(both.map(({ status }) => status)).to.equal([200, 200]);
                expect(both[0].body).to.equal(both[1].body);
            }));

        it('change and delete a client that the other node has just made', () =>
            race(async (here, there) => {
                const { client } = await here.createClient(FRIGG);
                const path = `/auth/oauth/clients/${client.id}`;
                expect((await there.as(FRIGG, 'PATCH', path, { description: 'New' })).status).to.equal(200);
                expect((await here.as(FRIGG, 'GET', path)).body.description).to.equal('New');
                expect((await there.as(FRIGG, 'DELETE', path)).status).to.equal(204);
                expect((await here.as(FRIGG, 'GET', path)).status).to.equal(404);
            }));
    });
}

describe('a Galera cluster that loses the node that has just answered', { skip: !isHere }, () => {
    it('loses no grant and no revocation with it', { timeout: 60_000 + KILLS * 30_000 }, async () => {
        for (let kill = 0; kill < KILLS; ++kill) {
            const servers = await startOwnServers('galera-1', 'galera-2', 'galera-3');
            const dying = await connectTo(servers.urls['galera-3']!);
            await dying.runMigrations();
            const one = await Forum.create(dying);
            const other = await Forum.create(await connectTo(servers.urls['galera-2']!));
            other.now = one.now;
            const { refresh_token: revoked } = await one.signIn();
            const { refresh_token: first } = await one.signIn();
            expect((await one.form('/oauth/revoke', { ...CLI, token: revoked })).status).to.equal(200);
            const { refresh_token: second } = (await one.refresh(first)).body as { refresh_token: string };
            await servers.act('galera-3', 'kill');

            // The others first have to agree that it is gone.
            const patiently = async (token: string): Promise<Answer> => {
                const deadline = Date.now() + 20_000;
                let answer = await other.refresh(token);
                while (answer.status === 503 && Date.now() < deadline) {
                    await sleep(100);
                    answer = await other.refresh(token);
                }
                return answer;
            };
            const answer = await patiently(second);
            expect(answer.status, answer.text).to.equal(200);
            expect((await patiently(revoked)).body.error).to.equal('invalid_grant');
            const events = other.events.map(({ type }) => type);
            expect(events).to.not.include('refresh_token_reused');
            expect(events).to.not.include('refresh_token_lost');
            await other.stop();
            await other.dataSource.destroy();
            await one.stop();
            await dying.destroy().catch(() => undefined);
            await servers.stop();
        }
    });
});
