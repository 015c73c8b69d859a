import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import * as client from 'openid-client';
import { generateSigningKey } from '../../plugin';
import type { Browser } from '../support/browser';
import type { CreatedClient, OpenDatabase } from '../support/forum';
import { changeApp } from '../support/authorization';
import { CLI, DEVICE_CODE, FRIGG, LOKI, ODIN, openDatabase } from '../support/forum';
import { CALLBACK, RunningForum, THREADS } from '../support/running-forum';

export const lab = Lab.script();
const { after, before, describe, it } = lab;

const SCOPE = 'openid profile email offline_access READ_PUBLISHED_THREADS';

const FORUMS = [
    { name: 'a forum at the root of its origin, with an RSA key', alg: 'RS256', path: '', prefix: '/api' },
    { name: 'a forum below a path, with a P-256 key', alg: 'ES256', path: '/community', prefix: '/community/api' },
    { name: 'a forum with an Ed25519 key', alg: 'EdDSA', path: '', prefix: '/api/v1' }
] as const;

const METHODS = [
    { name: 'a public client', type: 'public', authentication: () => client.None() },
    {
        name: 'a confidential client by client_secret_basic',
        type: 'confidential',
        authentication: (secret: string) => client.ClientSecretBasic(secret)
    },
    {
        name: 'a confidential client by client_secret_post',
        type: 'confidential',
        authentication: (secret: string) => client.ClientSecretPost(secret)
    }
] as const;

type Flow = Awaited<ReturnType<typeof signIn>>;

describe('openid-client', () => {
    let database: OpenDatabase;

    before(async () => {
        database = await openDatabase();
    });

    after(() => database.done());

    for (const { name, alg, path, prefix } of FORUMS) {
        describe(`at ${name}`, () => {
            let running: RunningForum;

            before(async () => {
                running = await RunningForum.start(database.dataSource, {
                    path,
                    prefix,
                    options: {
                        // The first key signs access tokens, the first RS256 key ID tokens.
                        signingKeys: [await generateSigningKey(alg), await generateSigningKey('RS256')],
                        lifetimes: { devicePollInterval: 1 }
                    }
                });
            });

            after(() => running.stop());

            it('discovers the forum as an OpenID provider and as an OAuth server', async () => {
                for (const algorithm of ['oidc', 'oauth2'] as const) {
                    const metadata = (await discover(running, 'anybody', client.None(), algorithm)).serverMetadata();

                    expect(metadata.issuer).to.equal(running.issuer);
                    expect(metadata.supportsPKCE()).to.be.true();
                    expect(metadata.token_endpoint).to.equal(`${running.origin}${prefix}/oauth/token`);
                }
            });

            for (const method of METHODS) {
                it(`signs a member in with ${method.name}, keeps them signed in and signs them out`, async () => {
                    const application = await running.createApplication(method.type);
                    const config = await discover(
                        running,
                        application.client.client_id,
                        method.authentication(application.client_secret)
                    );

                    const { tokens } = await signIn(running, config, running.browser());

                    expect<unknown>(tokens.claims()).to.include({
                        sub: FRIGG,
                        aud: application.client.client_id,
                        preferred_username: 'frigg',
                        email: 'frigg@forum.example'
                    });
                    expect(tokens.scope).to.equal(SCOPE);
                    expect(algorithmOf(tokens.access_token)).to.equal(alg);
                    expect(algorithmOf(tokens.id_token!)).to.equal('RS256');
                    expect<unknown>(await client.fetchUserInfo(config, tokens.access_token, FRIGG)).to.equal({
                        sub: FRIGG,
                        name: 'Frigg',
                        preferred_username: 'frigg',
                        email: 'frigg@forum.example',
                        email_verified: false
                    });
                    expect(await readThreads(running, config, tokens.access_token)).to.equal({ reader: FRIGG });

                    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token!);
                    expect(refreshed.claims()?.sub).to.equal(FRIGG);
                    expect(refreshed.refresh_token).to.be.a.string().and.not.equal(tokens.refresh_token);

                    if (method.type === 'confidential') {
                        await expectActive(config, refreshed.access_token, true);
                        await expectActive(config, refreshed.refresh_token!, true);
                        await expectActive(config, tokens.refresh_token!, false);
                    }

                    await client.tokenRevocation(config, refreshed.refresh_token!, {
                        token_type_hint: 'refresh_token'
                    });

                    const refusal = await expect(client.refreshTokenGrant(config, refreshed.refresh_token!)).to.reject(
                        client.ResponseBodyError
                    );
                    expect(refusal.error).to.equal('invalid_grant');
                    if (method.type === 'confidential') {
                        await expectActive(config, refreshed.refresh_token!, false);
                        await expectActive(config, refreshed.access_token, false);
                    }
                });
            }

            it('waits for a member to approve a device, and goes on from there', async () => {
                const config = await discover(running, CLI.client_id, client.None());
                const device = await client.initiateDeviceAuthorization(config, { scope: CLI.scope });
                const polling = client.pollDeviceAuthorizationGrant(config, device);
                // To be told to wait once is enough; at the other forums the first answer has tokens.
                if (name === FORUMS[0].name) {
                    await nextAnswer(running, `${prefix}/oauth/token`);
                }

                await running.browser().open(device.verification_uri_complete!);
                const tokens = await polling;

                expect<unknown>(tokens.claims()).to.include({ sub: FRIGG, preferred_username: 'frigg' });
                const userinfo = await client.fetchUserInfo(config, tokens.access_token, FRIGG);
                expect(userinfo.preferred_username).to.equal('frigg');
                expect(await readThreads(running, config, tokens.access_token)).to.equal({ reader: FRIGG });

                const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token!);
                expect(refreshed.claims()?.sub).to.equal(FRIGG);
                await client.tokenRevocation(config, refreshed.refresh_token!);
                await expect(client.refreshTokenGrant(config, refreshed.refresh_token!)).to.reject(
                    client.ResponseBodyError
                );
            });

            it('lets a bot act by client credentials as its owner', async () => {
                for (const method of METHODS.slice(1)) {
                    const bot = await running.createApplication('confidential', {
                        redirect_uris: [],
                        allowed_grants: ['client_credentials'],
                        allowed_scopes: ['READ_PUBLISHED_THREADS', 'CREATE_POST']
                    });
                    const config = await discover(
                        running,
                        bot.client.client_id,
                        method.authentication(bot.client_secret)
                    );

                    const tokens = await client.clientCredentialsGrant(config, {
                        scope: 'READ_PUBLISHED_THREADS',
                        resource: running.issuer
                    });

                    expect(tokens.scope).to.equal('READ_PUBLISHED_THREADS');
                    expect(tokens.refresh_token).to.be.undefined();
                    expect(await readThreads(running, config, tokens.access_token)).to.equal({ reader: FRIGG });
                    await expectActive(config, tokens.access_token, true);
                }
            });
        });
    }

    describe('as it validates what it is told', () => {
        let running: RunningForum;
        let application: CreatedClient;
        let config: client.Configuration;

        before(async () => {
            running = await RunningForum.start(database.dataSource, {
                options: { lifetimes: { devicePollInterval: 1 } }
            });
            application = await running.createApplication('confidential');
            // To an application that nobody vouches for, errors are not redirected.
            await changeApp(database.dataSource, application.client, { verified: true });
            config = await discover(
                running,
                application.client.client_id,
                client.ClientSecretBasic(application.client_secret)
            );
        });

        after(() => running.stop());

        it('learns that the person denied, from the issuer that it asked', async () => {
            const denial = await expect(signIn(running, config, running.browser(FRIGG, 'deny'))).to.reject(
                client.AuthorizationResponseError
            );

            expect(denial.error).to.equal('access_denied');
            expect(denial.cause.get('iss')).to.equal(running.issuer);
        });

        it('learns that someone may not approve applications', async () => {
            const denial = await expect(signIn(running, config, running.browser(LOKI))).to.reject(
                client.AuthorizationResponseError
            );

            expect(denial.error).to.equal('access_denied');
        });

        it('learns the reason of every error that is redirected', async () => {
            const errors: [Record<string, string>, string][] = [
                [{ scope: 'openid nonsense' }, 'invalid_scope'],
                [{ resource: 'https://elsewhere.example' }, 'invalid_target'],
                [{ response_mode: 'fragment' }, 'invalid_request'],
                [{ request: 'e30.e30.' }, 'request_not_supported'],
                [{ prompt: 'none' }, 'login_required']
            ];

            for (const [parameters, error] of errors) {
                const denial = await expect(signIn(running, config, running.browser(), parameters)).to.reject(
                    client.AuthorizationResponseError
                );
                expect(denial.error).to.equal(error);
            }
        });

        it('accepts the resource of the forum, at the authorization and at the exchange', async () => {
            const resource = `${running.issuer}/`;

            const { tokens } = await signIn(running, config, running.browser(), { resource }, {}, { resource });

            expect(tokens.claims()?.sub).to.equal(FRIGG);
        });

        it('asks for a recent sign-in and sees when it was', async () => {
            const browser = running.browser();
            const { tokens } = await signIn(running, config, browser);
            const first = tokens.claims()!.auth_time;
            const detours = browser.visited.filter(({ pathname }) => pathname === '/login').length;

            const recent = await signIn(running, config, browser, { max_age: '600' }, { maxAge: 600 });
            expect(browser.visited.filter(({ pathname }) => pathname === '/login')).to.have.length(detours);
            expect(recent.tokens.claims()!.auth_time).to.equal(first);

            const demands: Record<string, string>[] = [{ prompt: 'login' }, { max_age: '0' }];
            for (const parameters of demands) {
                const before = browser.visited.filter(({ pathname }) => pathname === '/login').length;
                const again = await signIn(running, config, browser, parameters, { maxAge: 5 });
                expect(browser.visited.filter(({ pathname }) => pathname === '/login')).to.have.length(before + 1);
                expect(again.tokens.claims()!.auth_time!).to.be.at.least(first!);
            }
        });

        it('sees who is who when two members sign in with one client', async () => {
            const [frigg, odin] = await Promise.all([
                signIn(running, config, running.browser(FRIGG)),
                signIn(running, config, running.browser(ODIN))
            ]);

            expect(frigg.tokens.claims()!.sub).to.equal(FRIGG);
            expect(odin.tokens.claims()!.sub).to.equal(ODIN);
            const mistaken = await expect(client.fetchUserInfo(config, odin.tokens.access_token, FRIGG)).to.reject(
                client.ClientError
            );
            expect(mistaken.code).to.equal('OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED');
            expect(await readThreads(running, config, odin.tokens.access_token)).to.equal({ reader: ODIN });
        });

        it('is refused a code twice, and what the first use began has ended', async () => {
            const flow = await signIn(running, config, running.browser());

            const refusal = await expect(exchange(config, flow)).to.reject(client.ResponseBodyError);

            expect(refusal.error).to.equal('invalid_grant');
            const ended = await expect(client.refreshTokenGrant(config, flow.tokens.refresh_token!)).to.reject(
                client.ResponseBodyError
            );
            expect(ended.error).to.equal('invalid_grant');
        });

        it('reads the challenge of a protected route', async () => {
            const { tokens } = await signIn(running, config, running.browser(), { scope: 'openid' });

            const narrow = await expect(readThreads(running, config, tokens.access_token)).to.reject(
                client.WWWAuthenticateChallengeError
            );
            expect(narrow.cause).to.equal([
                {
                    scheme: 'bearer',
                    parameters: { error: 'insufficient_scope', scope: 'READ_PUBLISHED_THREADS' }
                }
            ]);

            const unusable = await expect(readThreads(running, config, tokens.id_token!)).to.reject(
                client.WWWAuthenticateChallengeError
            );
            expect(unusable.cause[0]!.parameters.error).to.equal('invalid_token');
        });

        it('is told of wrong credentials in a way that it understands', async () => {
            const { client_id: clientId } = application.client;

            const byForm = await discover(running, clientId, client.ClientSecretPost('wrong'));
            const inBody = await expect(client.refreshTokenGrant(byForm, 'sdort_nothing')).to.reject(
                client.ResponseBodyError
            );
            expect([inBody.status, inBody.error]).to.equal([401, 'invalid_client']);

            const byHeader = await discover(running, clientId, client.ClientSecretBasic('wrong'));
            const inHeader = await expect(client.refreshTokenGrant(byHeader, 'sdort_nothing')).to.reject(
                client.WWWAuthenticateChallengeError
            );
            expect([inHeader.status, inHeader.cause[0]!.scheme]).to.equal([401, 'basic']);
        });

        it('stops polling when the person denies the device', async () => {
            const device = await running.createApplication('public', {
                redirect_uris: [],
                allowed_grants: [DEVICE_CODE],
                allowed_scopes: ['openid']
            });
            const devices = await discover(running, device.client.client_id, client.None());
            const authorization = await client.initiateDeviceAuthorization(devices, { scope: 'openid' });
            await running.browser(FRIGG, 'deny').open(authorization.verification_uri_complete!);

            const denial = await expect(client.pollDeviceAuthorizationGrant(devices, authorization)).to.reject(
                client.ResponseBodyError
            );

            expect(denial.error).to.equal('access_denied');
        });
    });
});

/** A client that checks what it can: the issuer, `iss`, and signatures against the published keys. */
function discover(
    running: RunningForum,
    clientId: string,
    authentication: client.ClientAuth,
    algorithm: 'oidc' | 'oauth2' = 'oidc'
): Promise<client.Configuration> {
    return client.discovery(new URL(running.issuer), clientId, undefined, authentication, {
        algorithm,
        execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks]
    });
}

/** The whole code flow, with PKCE, state and nonce. */
async function signIn(
    running: RunningForum,
    config: client.Configuration,
    browser: Browser,
    parameters: Record<string, string> = {},
    checks: client.AuthorizationCodeGrantChecks = {},
    atExchange: Record<string, string> = {}
) {
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const expectedState = client.randomState();
    const expectedNonce = client.randomNonce();
    const address = client.buildAuthorizationUrl(config, {
        redirect_uri: CALLBACK,
        scope: SCOPE,
        state: expectedState,
        nonce: expectedNonce,
        code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256',
        ...parameters
    });
    const callback = await browser.authorize(address);
    const allChecks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true, ...checks };
    const tokens = await client.authorizationCodeGrant(config, callback, allChecks, atExchange);
    return { callback, checks: allChecks, tokens };
}

function exchange(config: client.Configuration, { callback, checks }: Pick<Flow, 'callback' | 'checks'>) {
    return client.authorizationCodeGrant(config, callback, checks);
}

async function readThreads(running: RunningForum, config: client.Configuration, accessToken: string): Promise<unknown> {
    const response = await client.fetchProtectedResource(config, accessToken, new URL(THREADS, running.origin), 'GET');
    return response.json();
}

async function expectActive(config: client.Configuration, token: string, active: boolean): Promise<void> {
    const introspection = await client.tokenIntrospection(config, token);
    expect(introspection.active).to.equal(active);
    expect(introspection.sub).to.equal(active ? FRIGG : undefined);
}

function nextAnswer(running: RunningForum, path: string): Promise<void> {
    return new Promise((resolve) => {
        running.forum.server.events.on('response', (request) => {
            if (request.path === path) {
                resolve();
            }
        });
    });
}

function algorithmOf(jwt: string): unknown {
    return (JSON.parse(Buffer.from(jwt.split('.')[0]!, 'base64url').toString()) as { alg: unknown }).alg;
}
