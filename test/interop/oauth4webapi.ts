import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import * as oauth from 'oauth4webapi';
import { generateSigningKey } from '../../plugin';
import type { Browser } from '../support/browser';
import type { CreatedClient, OpenDatabase } from '../support/forum';
import { CLI, FRIGG, ODIN, openDatabase } from '../support/forum';
import { CALLBACK, RunningForum, THREADS } from '../support/running-forum';

export const lab = Lab.script();
const { after, before, describe, it } = lab;

const HTTP = { [oauth.allowInsecureRequests]: true };

const SCOPE = 'openid profile offline_access READ_PUBLISHED_THREADS';

const FORUMS = [
    { name: 'a forum at the root of its origin, with an RSA key', alg: 'RS256', path: '', prefix: '/api' },
    { name: 'a forum below a path, with a P-256 key', alg: 'ES256', path: '/p/q', prefix: '/api' },
    { name: 'a forum with an Ed25519 key', alg: 'EdDSA', path: '', prefix: '/api/v1' }
] as const;

/** A client and how it proves who it is. */
interface Application {
    client: oauth.Client;
    authentication: oauth.ClientAuth;
}

describe('oauth4webapi', () => {
    let database: OpenDatabase;

    before(async () => {
        database = await openDatabase();
    });

    after(() => database.done());

    for (const { name, alg, path, prefix } of FORUMS) {
        describe(`at ${name}`, () => {
            let running: RunningForum;
            let as: oauth.AuthorizationServer;
            let site: Application;
            let phone: Application;

            before(async () => {
                running = await RunningForum.start(database.dataSource, {
                    path,
                    prefix,
                    options: { signingKeys: [await generateSigningKey(alg)], audience: 'https://api.forum.example' }
                });
                as = await discover(running, 'oidc');
                site = confidential(await running.createApplication('confidential'));
                phone = unauthenticated((await running.createApplication('public')).client.client_id);
            });

            after(() => running.stop());

            const codeFlow = async (
                { client, authentication }: Application,
                browser: Browser,
                parameters: Record<string, string> = {},
                maxAge?: number
            ): Promise<oauth.TokenEndpointResponse> => {
                const verifier = oauth.generateRandomCodeVerifier();
                const state = oauth.generateRandomState();
                const nonce = oauth.generateRandomNonce();
                const address = new URL(as.authorization_endpoint!);
                address.search = new URLSearchParams({
                    client_id: client.client_id,
                    redirect_uri: CALLBACK,
                    response_type: 'code',
                    scope: SCOPE,
                    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
                    code_challenge_method: 'S256',
                    state,
                    nonce,
                    ...parameters
                }).toString();
                const callback = await browser.authorize(address);
                const answer = oauth.validateAuthResponse(as, client, callback, state);
                const response = await oauth.authorizationCodeGrantRequest(
                    as,
                    client,
                    authentication,
                    answer,
                    CALLBACK,
                    verifier,
                    HTTP
                );
                const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
                    expectedNonce: nonce,
                    requireIdToken: true,
                    ...(maxAge !== undefined && { maxAge })
                });
                await oauth.validateApplicationLevelSignature(as, response, HTTP);
                return tokens;
            };

            const refresh = async (
                { client, authentication }: Application,
                refreshToken: string
            ): Promise<oauth.TokenEndpointResponse> => {
                const response = await oauth.refreshTokenGrantRequest(as, client, authentication, refreshToken, HTTP);
                const tokens = await oauth.processRefreshTokenResponse(as, client, response);
                await oauth.validateApplicationLevelSignature(as, response, HTTP);
                return tokens;
            };

            const claimsOf = (accessToken: string, audience = 'https://api.forum.example') => {
                const headers = { authorization: `Bearer ${accessToken}` };
                const request = new Request('https://api.forum.example/threads', { headers });
                return oauth.validateJwtAccessToken(as, request, audience, { ...HTTP, signingAlgorithms: [alg] });
            };

            it('finds the same metadata in both documents', async () => {
                expect<unknown>(await discover(running, 'oauth2')).to.equal(as);
                expect(as.issuer).to.equal(running.issuer);
            });

            it('completes the code flow with PKCE as a public and as a confidential client', async () => {
                for (const application of [phone, site]) {
                    const tokens = await codeFlow(application, running.browser());

                    const idToken = oauth.getValidatedIdTokenClaims(tokens)!;
                    expect<unknown>(idToken).to.include({ sub: FRIGG, aud: application.client.client_id });
                    const response = await oauth.userInfoRequest(as, application.client, tokens.access_token, HTTP);
                    expect<unknown>(
                        await oauth.processUserInfoResponse(as, application.client, idToken.sub, response)
                    ).to.equal({ sub: FRIGG, name: 'Frigg', preferred_username: 'frigg' });
                }
            });

            it('takes the access token for a JWT of RFC 9068, for this audience only', async () => {
                const { access_token: accessToken, id_token: idToken } = await codeFlow(site, running.browser());

                const claims = await claimsOf(accessToken);
                expect<unknown>(claims).to.include({
                    iss: running.issuer,
                    sub: FRIGG,
                    client_id: site.client.client_id,
                    scope: SCOPE
                });
                await expect(claimsOf(accessToken, 'https://elsewhere.example')).to.reject(
                    oauth.OperationProcessingError
                );
                await expect(claimsOf(idToken!, site.client.client_id)).to.reject(oauth.OperationProcessingError);
            });

            it('opens a route of the forum with it', async () => {
                const { access_token: accessToken } = await codeFlow(phone, running.browser(ODIN));

                const response = await oauth.protectedResourceRequest(
                    accessToken,
                    'GET',
                    new URL(THREADS, running.origin),
                    undefined,
                    undefined,
                    HTTP
                );

                expect(await response.json()).to.equal({ reader: ODIN });
            });

            it('checks when the person signed in', async () => {
                const tokens = await codeFlow(site, running.browser(), { max_age: '60' }, 60);

                const { auth_time: authTime } = oauth.getValidatedIdTokenClaims(tokens)!;
                expect(authTime).to.be.a.number();

                const refreshed = await refresh(site, tokens.refresh_token!);
                expect(oauth.getValidatedIdTokenClaims(refreshed)!.auth_time).to.equal(authTime);
            });

            it('refreshes, and ends the grant by revocation', async () => {
                for (const application of [phone, site]) {
                    const tokens = await codeFlow(application, running.browser());
                    const refreshed = await refresh(application, tokens.refresh_token!);
                    expect(oauth.getValidatedIdTokenClaims(refreshed)!.sub).to.equal(FRIGG);
                    expect((await claimsOf(refreshed.access_token)).sub).to.equal(FRIGG);

                    await oauth.processRevocationResponse(
                        await oauth.revocationRequest(
                            as,
                            application.client,
                            application.authentication,
                            tokens.refresh_token!,
                            HTTP
                        )
                    );

                    const refusal = await expect(refresh(application, refreshed.refresh_token!)).to.reject(
                        oauth.ResponseBodyError
                    );
                    expect(refusal.error).to.equal('invalid_grant');
                }
            });

            it('revokes by an access token', async () => {
                const { access_token: accessToken } = await codeFlow(phone, running.browser());

                const response = await oauth.revocationRequest(as, phone.client, oauth.None(), accessToken, HTTP);

                expect(await oauth.processRevocationResponse(response)).to.be.undefined();
            });

            it('introspects its own tokens and nobody else’s', async () => {
                const introspect = async (token: string): Promise<oauth.IntrospectionResponse> =>
                    oauth.processIntrospectionResponse(
                        as,
                        site.client,
                        await oauth.introspectionRequest(as, site.client, site.authentication, token, HTTP)
                    );
                const own = await codeFlow(site, running.browser());
                const foreign = await codeFlow(phone, running.browser());

                expect<unknown>(await introspect(own.access_token)).to.include({
                    active: true,
                    sub: FRIGG,
                    client_id: site.client.client_id,
                    iss: running.issuer,
                    scope: SCOPE
                });
                expect<unknown>(await introspect(own.refresh_token!)).to.include({ active: true, sub: FRIGG });
                for (const token of [foreign.access_token, foreign.refresh_token!, own.id_token!]) {
                    expect<unknown>(await introspect(token)).to.equal({ active: false });
                }
            });

            it('completes the device flow', async () => {
                const cli = unauthenticated(CLI.client_id);
                const device = await oauth.processDeviceAuthorizationResponse(
                    as,
                    cli.client,
                    await oauth.deviceAuthorizationRequest(as, cli.client, oauth.None(), { scope: CLI.scope }, HTTP)
                );
                const poll = async (): Promise<oauth.TokenEndpointResponse> => {
                    const response = await oauth.deviceCodeGrantRequest(
                        as,
                        cli.client,
                        cli.authentication,
                        device.device_code,
                        HTTP
                    );
                    const tokens = await oauth.processDeviceCodeResponse(as, cli.client, response);
                    await oauth.validateApplicationLevelSignature(as, response, HTTP);
                    return tokens;
                };
                for (const error of ['authorization_pending', 'slow_down']) {
                    const pending = await expect(poll()).to.reject(oauth.ResponseBodyError);
                    expect(pending.error).to.equal(error);
                }
                await running.browser().open(device.verification_uri_complete!);

                const tokens = await poll();

                expect(oauth.getValidatedIdTokenClaims(tokens)!.sub).to.equal(FRIGG);
                expect((await claimsOf(tokens.access_token)).client_id).to.equal(CLI.client_id);
                expect((await refresh(cli, tokens.refresh_token!)).refresh_token).to.be.a.string();
                const again = await expect(poll()).to.reject(oauth.ResponseBodyError);
                expect(again.error).to.equal('invalid_grant');
            });

            it('completes client credentials, by header and by form', async () => {
                const bot = await running.createApplication('confidential', {
                    redirect_uris: [],
                    allowed_grants: ['client_credentials'],
                    allowed_scopes: ['CREATE_POST']
                });
                const { client } = confidential(bot);
                for (const authentication of [
                    oauth.ClientSecretBasic(bot.client_secret),
                    oauth.ClientSecretPost(bot.client_secret)
                ]) {
                    const response = await oauth.clientCredentialsGrantRequest(
                        as,
                        client,
                        authentication,
                        { scope: 'CREATE_POST', resource: 'https://api.forum.example/' },
                        HTTP
                    );
                    const tokens = await oauth.processClientCredentialsResponse(as, client, response);

                    expect<unknown>(await claimsOf(tokens.access_token)).to.include({
                        sub: FRIGG,
                        scope: 'CREATE_POST'
                    });
                }
            });

            it('reads the challenges of userinfo', async () => {
                const { id_token: idToken } = await codeFlow(phone, running.browser());
                const bot = confidential(
                    await running.createApplication('confidential', {
                        redirect_uris: [],
                        allowed_grants: ['client_credentials'],
                        allowed_scopes: ['CREATE_POST']
                    })
                );
                const { access_token: narrow } = await oauth.processClientCredentialsResponse(
                    as,
                    bot.client,
                    await oauth.clientCredentialsGrantRequest(as, bot.client, bot.authentication, {}, HTTP)
                );

                for (const [token, error] of [
                    [idToken!, 'invalid_token'],
                    [narrow, 'insufficient_scope']
                ] as const) {
                    const response = await oauth.userInfoRequest(as, phone.client, token, HTTP);
                    const challenge = await expect(
                        oauth.processUserInfoResponse(as, phone.client, oauth.skipSubjectCheck, response)
                    ).to.reject(oauth.WWWAuthenticateChallengeError);
                    expect(challenge.cause[0]!.scheme).to.equal('bearer');
                    expect(challenge.cause[0]!.parameters.error).to.equal(error);
                }
            });
        });
    }
});

async function discover(running: RunningForum, algorithm: 'oidc' | 'oauth2'): Promise<oauth.AuthorizationServer> {
    const issuer = new URL(running.issuer);
    return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...HTTP }));
}

function confidential({ client, client_secret: secret }: CreatedClient): Application {
    return { client: { client_id: client.client_id }, authentication: oauth.ClientSecretBasic(secret) };
}

function unauthenticated(clientId: string): Application {
    return { client: { client_id: clientId }, authentication: oauth.None() };
}
