import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import {
    OAuthAuthorizationCode,
    OAuthAuthorizationRequest,
    OAuthClient,
    OAuthDeviceAuthorization,
    OAuthGrant
} from '../../entities';
import type { Account, ClientDescription } from '../../plugin';
import type { Forum } from '../support/forum';
import { basic, DEVICE_CODE, FRIGG, LOKI, ODIN, type Tokens } from '../support/forum';
import { authorizationCodeRow, authorizationRequestRow, insertRows } from '../support/rows';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const SCOPE = 'openid offline_access READ_PUBLISHED_THREADS';
const PENDING = [OAuthDeviceAuthorization, OAuthAuthorizationRequest, OAuthAuthorizationCode];

for (const kind of ['server', 'embedded'] as const) {
    describe(`deleting an application (${kind} database)`, () => {
        const database = useDatabase(lab, kind);
        const forum = useForum(lab, {
            database,
            options: async () => ({
                accounts: {
                    find: async (id): Promise<Account | null> => {
                        const happens = meanwhile;
                        meanwhile = null;
                        await happens?.();
                        return structuredClone(forum.accounts.get(id) ?? null);
                    }
                }
            })
        });
        /** Runs once while the plugin waits for an account. */
        let meanwhile: (() => Promise<unknown>) | null = null;

        before(async () => {
            forum.server.route({
                method: 'GET',
                path: '/threads',
                options: { auth: { strategy: 'oauth', access: { scope: ['READ_PUBLISHED_THREADS'] } } },
                handler: () => 'threads'
            });
        });

        const deviceClient = async (owner = ODIN): Promise<ClientDescription> => {
            const { client } = await forum.createClient(owner, {
                name: 'A phone',
                type: 'public',
                allowed_grants: [DEVICE_CODE, 'refresh_token'],
                allowed_scopes: SCOPE.split(' ')
            });
            return client;
        };

        const remove = (client: ClientDescription, owner = ODIN): Promise<{ status: number }> =>
            forum.as(owner, 'DELETE', `/auth/oauth/clients/${client.id}`);

        const signIn = (client: ClientDescription, account: string): Promise<Tokens> =>
            forum.signIn(account, { client_id: client.client_id, scope: SCOPE });

        const refresh = (client: ClientDescription, token: string): ReturnType<Forum['refresh']> =>
            forum.refresh(token, { client_id: client.client_id });

        const liveGrants = (client: ClientDescription): Promise<number> =>
            database.dataSource
                .getRepository(OAuthGrant)
                .createQueryBuilder('g')
                .where('g.oauthClientId = :id AND g.endedAt IS NULL', { id: client.id })
                .getCount();

        /** Stores an authorization request and a code as the authorization endpoint does. */
        const authorize = async (client: ClientDescription): Promise<void> => {
            const row = { oauthClientId: client.id, createdAt: forum.now };
            await insertRows(database.dataSource, OAuthAuthorizationRequest, [authorizationRequestRow(row)]);
            await insertRows(database.dataSource, OAuthAuthorizationCode, [authorizationCodeRow(row)]);
        };

        const pending = async (client: ClientDescription): Promise<number[]> => {
            const counts: number[] = [];
            for (const entity of PENDING) {
                counts.push(await database.dataSource.getRepository(entity).countBy({ oauthClientId: client.id }));
            }
            return counts;
        };

        it('revokes its grants of every account, and leaves issued access tokens valid', async () => {
            const client = await deviceClient();
            const tokens = await Promise.all(
                [FRIGG, LOKI, ODIN].map(async (account) => {
                    forum.account(account).permissions = [
                        ...new Set([...forum.account(account).permissions, 'USE_OAUTH_CLIENTS'])
                    ];
                    return signIn(client, account);
                })
            );
            forum.pass(5);
            expect((await remove(client)).status).to.equal(204);
            for (const { access_token: accessToken, refresh_token: refreshToken } of tokens) {
                const refused = await refresh(client, refreshToken);
                expect([refused.status, refused.body.error]).to.equal([401, 'invalid_client']);
                const headers = { authorization: `Bearer ${accessToken}` };
                expect((await forum.server.inject({ url: '/threads', headers })).statusCode).to.equal(200);
            }
            expect(await liveGrants(client)).to.equal(0);
            const list = await forum.as(FRIGG, 'GET', `/auth/oauth/tokens?oauth_client_id=${client.id}`);
            expect(list.body.tokens).to.have.length(1);
            expect(list.body.tokens[0].client_name).to.equal('A phone');
            expect(list.body.tokens[0].revoked_at).to.equal(new Date(forum.now).toISOString());
            const grants = await database.dataSource.getRepository(OAuthGrant).findBy({ oauthClientId: client.id });
            expect(grants.map(({ endReason }) => endReason)).to.equal(Array(3).fill('client_deleted'));
        });

        it('removes what is pending for it, and nothing of another application', async () => {
            const [client, other] = [await deviceClient(), await deviceClient()];
            const devices = await Promise.all(
                [client, client, other].map(({ client_id }) => forum.device({ client_id, scope: SCOPE }))
            );
            await forum.decide(FRIGG, devices[0]!.user_code);
            await forum.decide(FRIGG, devices[2]!.user_code);
            await authorize(client);
            await authorize(other);
            expect(await pending(client)).to.equal([2, 1, 1]);
            expect((await remove(client)).status).to.equal(204);
            expect(await pending(client)).to.equal([0, 0, 0]);
            expect(await pending(other)).to.equal([1, 1, 1]);

            const poll = { grant_type: DEVICE_CODE, client_id: client.client_id, device_code: devices[0]!.device_code };
            expect((await forum.token(poll)).body.error).to.equal('invalid_client');
            const typed = await forum.as(FRIGG, 'GET', `/oauth/device/consent?user_code=${devices[1]!.user_code}`);
            expect([typed.status, typed.body.error]).to.equal([400, 'invalid_request']);
            const theirs = { ...poll, client_id: other.client_id, device_code: devices[2]!.device_code };
            expect((await forum.token(theirs)).status).to.equal(200);
        });

        it('erases its secrets', async () => {
            const { client, client_secret: first } = await forum.createClient(ODIN);
            const rotated = await forum.as(ODIN, 'POST', `/auth/oauth/clients/${client.id}/secret`, {
                overlap_seconds: 3600
            });
            expect((await remove(client)).status).to.equal(204);
            for (const secret of [first, rotated.body.client_secret as string]) {
                const { status } = await forum.token(
                    { grant_type: 'client_credentials' },
                    basic(client.client_id, secret)
                );
                expect(status).to.equal(401);
            }
            const row = await database.dataSource.getRepository(OAuthClient).findOneByOrFail({ id: client.id });
            expect([row.secretHash, row.previousSecretHash]).to.equal([null, null]);
        });

        it('takes effect once', async () => {
            const client = await deviceClient();
            const answers = await Promise.all(Array.from({ length: 5 }, () => remove(client)));
            expect(answers.map(({ status }) => status).sort()).to.equal([204, 404, 404, 404, 404]);
            expect(
                forum.events.filter((event) => event.type === 'client_deleted' && event.oauth_client_id === client.id)
            ).to.have.length(1);
        });

        it('leaves no grant when a device code is exchanged at the same time', async () => {
            const client = await deviceClient();
            const device = await forum.device({ client_id: client.client_id, scope: SCOPE });
            await forum.decide(FRIGG, device.user_code);
            meanwhile = () => remove(client);
            const answer = await forum.token({
                grant_type: DEVICE_CODE,
                client_id: client.client_id,
                device_code: device.device_code
            });
            expect([answer.status, answer.body.error]).to.equal([400, 'invalid_grant']);
            expect(await liveGrants(client)).to.equal(0);
        });

        it('lets no refresh succeed that runs at the same time', async () => {
            const client = await deviceClient();
            const { refresh_token: token } = await signIn(client, FRIGG);
            meanwhile = () => remove(client);
            const answer = await refresh(client, token);
            expect([answer.status, answer.body.error]).to.equal([400, 'invalid_grant']);
            expect(await liveGrants(client)).to.equal(0);
        });

        it('lets no device code be approved at the same time', async () => {
            const client = await deviceClient();
            const device = await forum.device({ client_id: client.client_id, scope: SCOPE });
            await forum.as(FRIGG, 'GET', `/oauth/device/consent?user_code=${device.user_code}`);
            meanwhile = () => remove(client);
            const decided = await forum.as(FRIGG, 'POST', '/oauth/device/consent', {
                user_code: device.user_code,
                decision: 'approve'
            });
            expect([decided.status, decided.body.error]).to.equal([400, 'invalid_request']);
        });

        it('is complete when exchanges, refreshes, changes and rotations run at the same time', async () => {
            for (let round = 0; round < 12; ++round) {
                const client = await deviceClient();
                const bot = await forum.createClient(ODIN);
                const { refresh_token: token } = await signIn(client, FRIGG);
                const device = await forum.device({ client_id: client.client_id, scope: SCOPE });
                await forum.decide(FRIGG, device.user_code);
                const exchange = {
                    grant_type: DEVICE_CODE,
                    client_id: client.client_id,
                    device_code: device.device_code
                };
                const path = `/auth/oauth/clients/${client.id}`;
                const work = [
                    () => remove(client),
                    () => forum.token(exchange),
                    () => refresh(client, token),
                    () => forum.as(ODIN, 'PATCH', path, { name: 'Renamed' }),
                    () => remove(bot.client),
                    () => forum.as(ODIN, 'POST', `/auth/oauth/clients/${bot.client.id}/secret`, { overlap_seconds: 60 })
                ];
                const shifted = [...work.slice(round % 6), ...work.slice(0, round % 6)];
                const answers = await Promise.all(shifted.map((act) => act()));
                const at = (index: number): Awaited<ReturnType<Forum['token']>> =>
                    answers[(index + 6 - (round % 6)) % 6] as Awaited<ReturnType<Forum['token']>>;
                expect([at(0).status, at(4).status]).to.equal([204, 204]);
                expect([200, 400, 401], at(1).text).to.include(at(1).status);
                expect([200, 400, 401], at(2).text).to.include(at(2).status);
                expect([200, 404], at(3).text).to.include(at(3).status);
                expect([200, 404], at(5).text).to.include(at(5).status);

                expect(await liveGrants(client)).to.equal(0);
                expect(await pending(client)).to.equal([0, 0, 0]);
                expect((await forum.as(ODIN, 'GET', path)).status).to.equal(404);
                for (const handedOut of [at(1), at(2)].filter(({ status }) => status === 200)) {
                    const { status } = await refresh(client, handedOut.body.refresh_token as string);
                    expect(status).to.equal(401);
                }
                const row = await database.dataSource.getRepository(OAuthClient).findOneByOrFail({ id: bot.client.id });
                expect([row.secretHash, row.previousSecretHash]).to.equal([null, null]);
            }
        });
    });
}
