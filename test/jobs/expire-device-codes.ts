import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { DataSource } from 'typeorm';
import {
    OAuthAuthorizationCode,
    OAuthAuthorizationRequest,
    OAuthDeviceAuthorization,
    OAuthLoginDetour,
    OAuthUserCodeFailure
} from '../../entities';
import { expireDeviceCodes, measureBacklog, pruneRefreshChains } from '../../plugin';
import { CLI, DEVICE_CODE, Forum, FRIGG, START } from '../support/forum';
import { authorizationCodeRow, authorizationRequestRow, insertRows, loginDetourRow } from '../support/rows';
import { storeFirstPartyClient, deleteFamilies, storeFamily } from '../support/stored-family';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, beforeEach, describe, it } = lab;

const MINUTE = 60 * 1000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

for (const kind of ['server', 'embedded'] as const) {
    describe(`expire-device-codes on the ${kind} database`, () => {
        const database = useDatabase(lab, kind);
        let dataSource: DataSource;
        let forum: Forum;

        before(async () => {
            dataSource = database.dataSource;
            forum = await Forum.create(dataSource);
        });

        after(async () => {
            await forum.stop();
        });

        beforeEach(async () => {
            forum.now = START;
            for (const entity of [
                OAuthAuthorizationCode,
                OAuthAuthorizationRequest,
                OAuthDeviceAuthorization,
                OAuthUserCodeFailure
            ]) {
                await dataSource.getRepository(entity).clear();
            }
        });

        const expire = (options: Parameters<typeof expireDeviceCodes>[1] = {}) =>
            expireDeviceCodes(dataSource, { clock: () => forum.now, ...options });

        const poll = async (deviceCode: string): Promise<string> => {
            const { body } = await forum.token({
                grant_type: DEVICE_CODE,
                client_id: CLI.client_id,
                device_code: deviceCode
            });
            return body.error;
        };

        it('keeps an expired code for an hour, so that a polling device is told', async () => {
            const { device_code: deviceCode } = await forum.device();
            forum.pass(599.999);
            expect((await expire()).device_authorizations).to.equal(0);
            expect(await poll(deviceCode)).to.equal('authorization_pending');
            forum.pass(0.001 + 60 * 60);
            expect((await expire()).device_authorizations).to.equal(0);
            expect(await poll(deviceCode)).to.equal('expired_token');
            forum.pass(0.001);
            expect((await expire()).device_authorizations).to.equal(1);
            expect(await poll(deviceCode)).to.equal('invalid_grant');
        });

        it('removes approved, denied and used codes, but no pending one', async () => {
            const approved = await forum.device();
            await forum.decide(FRIGG, approved.user_code);
            const denied = await forum.device();
            await forum.decide(FRIGG, denied.user_code, 'deny');
            await forum.signIn();
            forum.pass(600 + 60 * 60 + 1);
            const waiting = await forum.device();
            expect((await expire()).device_authorizations).to.equal(3);
            expect(await poll(waiting.device_code)).to.equal('authorization_pending');
        });

        it('removes authorization requests and codes an hour after they expired', async () => {
            const client = await storeFirstPartyClient(dataSource);
            for (const expiresAt of [START - 1, START, START + 1].map((time) => time - HOUR)) {
                const row = { oauthClientId: client, expiresAt };
                await insertRows(dataSource, OAuthAuthorizationRequest, [authorizationRequestRow(row)]);
                await insertRows(dataSource, OAuthAuthorizationCode, [authorizationCodeRow(row)]);
            }
            expect(await expire({ dryRun: true })).to.include({ authorization_requests: 1, authorization_codes: 1 });
            expect(await expire()).to.include({ authorization_requests: 1, authorization_codes: 1 });
            expect(await expire()).to.include({ authorization_requests: 0, authorization_codes: 0 });
            expect(await dataSource.getRepository(OAuthAuthorizationCode).count()).to.equal(2);
        });

        it('removes requests that were kept for a sign-in when they expired', async () => {
            const rows = [START - 1, START, START + 1].map((expiresAt) => loginDetourRow({ expiresAt }));
            await insertRows(dataSource, OAuthLoginDetour, rows);
            expect(await expire({ dryRun: true })).to.include({ login_detours: 1 });
            expect(await expire()).to.include({ login_detours: 1 });
            expect(await dataSource.getRepository(OAuthLoginDetour).count()).to.equal(2);
        });

        it('removes wrong user codes when they no longer count', async () => {
            const guesser = forum.addAccount();
            const guess = () => forum.as(guesser, 'GET', '/oauth/device/consent?user_code=AAAA-AAAA');
            for (let guesses = 0; guesses < 10; ++guesses) {
                await guess();
            }
            forum.pass(599);
            await expire();
            expect((await guess()).status).to.equal(429);
            forum.pass(2);
            await expire();
            expect(await dataSource.getRepository(OAuthUserCodeFailure).count()).to.equal(0);
            expect((await guess()).status).to.equal(400);
        });

        it('removes many in small batches, continues after a stop and reports progress', async () => {
            for (let codes = 0; codes < 25; ++codes) {
                await forum.device();
            }
            forum.pass(2 * 60 * 60);
            const stopping = new AbortController();
            const progress: number[] = [];
            const first = await expire({
                batchSize: 4,
                signal: stopping.signal,
                onProgress: (removed) => {
                    progress.push(removed);
                    if (removed === 12) {
                        stopping.abort();
                    }
                }
            });
            expect(first.device_authorizations).to.equal(12);
            expect(progress).to.equal([4, 8, 12]);
            expect((await expire({ batchSize: 4 })).device_authorizations).to.equal(13);
            expect(await dataSource.getRepository(OAuthDeviceAuthorization).count()).to.equal(0);
        });

        it('counts nothing twice when several run at once', async () => {
            for (let codes = 0; codes < 25; ++codes) {
                await forum.device();
            }
            forum.pass(2 * 60 * 60);
            const counts = await Promise.all([expire({ batchSize: 3 }), expire({ batchSize: 4 }), expire()]);
            expect(counts.reduce((sum, count) => sum + count.device_authorizations, 0)).to.equal(25);
        });

        it('has a backlog that says how many rows are due and for how long', async () => {
            await deleteFamilies(dataSource);
            await forum.device();
            forum.pass(600 + 60 * 60 + 90);
            await forum.device();
            await storeFamily(dataSource, [{ createdAt: START - 20 * DAY }], { endedAt: forum.now - 7 * DAY - 5000 });
            await storeFamily(dataSource, [
                { createdAt: START - 40 * DAY, expiresAt: START + DAY },
                { createdAt: START - 39 * DAY, expiresAt: forum.now - 7 * DAY - 9000 }
            ]);
            // Active: one of its tokens is old and superseded, two are its head and the head's predecessor.
            await storeFamily(dataSource, [
                { createdAt: START - 12 * DAY },
                { createdAt: START - 11 * DAY },
                { createdAt: forum.now - 3 * HOUR }
            ]);
            await storeFamily(dataSource, [{ createdAt: START - 20 * DAY }, { createdAt: START - 19 * DAY }]);

            const measure = () => measureBacklog(dataSource, { clock: () => forum.now });
            expect(await measure()).to.equal({
                oauth_device_authorizations: { rows: 1, oldest: 90 },
                oauth_authorization_requests: { rows: 0, oldest: 0 },
                oauth_authorization_codes: { rows: 0, oldest: 0 },
                oauth_refresh_tokens: { rows: 4, oldest: 3 * 60 * 60 }
            });
            await expire();
            await pruneRefreshChains(dataSource, { clock: () => forum.now });
            for (const { rows, oldest } of Object.values(await measure())) {
                expect([rows, oldest]).to.equal([0, 0]);
            }
        });

        it('has a backlog that leaves out tokens kept with their revoked or expired family', async () => {
            await deleteFamilies(dataSource);
            const tokens = [5, 4, 3, 2].map((days) => ({
                createdAt: START - days * DAY,
                expiresAt: START - (days - 2) * DAY
            }));
            await storeFamily(dataSource, tokens);
            await storeFamily(dataSource, tokens, { endedAt: START - DAY / 2 });
            await storeFamily(dataSource, tokens, { endedAt: START + DAY });
            const measure = async (days: number) => {
                const clock = () => START + days * DAY;
                const { refresh_tokens: due } = await pruneRefreshChains(dataSource, { clock, dryRun: true });
                return { due, ...(await measureBacklog(dataSource, { clock })).oauth_refresh_tokens };
            };
            expect(await measure(6.25)).to.equal({ due: 0, rows: 0, oldest: 0 });
            expect(await measure(6.75)).to.equal({ due: 4, rows: 4, oldest: (DAY * 0.25) / 1000 });
            expect(await measure(7.5)).to.equal({ due: 12, rows: 12, oldest: DAY / 1000 });
        });
    });
}
