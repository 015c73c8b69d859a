// How each library is used, by its documentation. Each function takes the forum's addresses, a client, and `approve`, which
// opens an authorization URL in the member's browser. It signs in with PKCE and returns the tokens, and how the library
// refreshes and revokes.

import { OAuth2Client as BadgatewayClient, generateCodeVerifier } from '@badgateway/oauth2-client';
import * as arctic from 'arctic';
import { InMemoryWebStorage, OidcClient, WebStorageStateStore } from 'oidc-client-ts';
import { Issuer, generators } from 'openid-client-5';
import PassportStrategy from 'passport-oauth2';
import { createHash, randomBytes } from 'node:crypto';
import { AuthorizationCode } from 'simple-oauth2';
import { SCOPE } from '../lib/work.mjs';

const random = () => randomBytes(32).toString('base64url');

export async function oidcClientTs({ issuer, client, redirectUri, approve }) {
    const library = new OidcClient({
        authority: issuer,
        client_id: client.id,
        client_secret: client.secret,
        redirect_uri: redirectUri,
        scope: SCOPE.join(' '),
        loadUserInfo: true,
        stateStore: new WebStorageStateStore({ store: new InMemoryWebStorage() })
    });
    const { url } = await library.createSigninRequest({});
    let last = await library.processSigninResponse(await approve(url));
    if (last.profile.sub !== 'member') {
        throw new Error('The ID token and userinfo name another account');
    }
    return {
        access: last.access_token,
        refresh: last.refresh_token,
        renew: async () => {
            last = await library.useRefreshToken({ state: last });
            return { access: last.access_token, refresh: last.refresh_token };
        },
        revoke: () => library.revokeToken(last.refresh_token, 'refresh_token'),
        revokeAccess: () => library.revokeToken(last.access_token, 'access_token')
    };
}

export async function simpleOauth2({ endpoints, client, redirectUri, approve }) {
    const path = (url) => new URL(url).pathname;
    const library = new AuthorizationCode({
        client,
        auth: {
            tokenHost: new URL(endpoints.token_endpoint).origin,
            tokenPath: path(endpoints.token_endpoint),
            revokePath: path(endpoints.revocation_endpoint),
            authorizePath: path(endpoints.authorization_endpoint)
        }
    });
    const verifier = random();
    const url = library.authorizeURL({
        redirect_uri: redirectUri,
        scope: SCOPE,
        state: random(),
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256'
    });
    const code = new URL(await approve(url)).searchParams.get('code');
    let last = await library.getToken({ code, redirect_uri: redirectUri, code_verifier: verifier });
    const tokens = () => ({ access: last.token.access_token, refresh: last.token.refresh_token });
    return {
        ...tokens(),
        renew: async () => {
            last = await last.refresh();
            return tokens();
        },
        // The access token first, and then the refresh token.
        revoke: () => last.revokeAll()
    };
}

export async function passportOauth2({ endpoints, client, redirectUri, approve, revokeByForm }) {
    const signedIn = {};
    signedIn.promise = new Promise((resolve, reject) => Object.assign(signedIn, { resolve, reject }));
    const strategy = new PassportStrategy(
        {
            authorizationURL: endpoints.authorization_endpoint,
            tokenURL: endpoints.token_endpoint,
            clientID: client.id,
            clientSecret: client.secret,
            callbackURL: redirectUri,
            scope: SCOPE,
            state: true,
            pkce: true
        },
        (access, refresh, _profile, done) => done(null, { access, refresh })
    );
    const session = {};
    strategy.error = signedIn.reject;
    strategy.fail = (reason) => signedIn.reject(new Error(JSON.stringify(reason)));
    strategy.success = signedIn.resolve;
    strategy.redirect = (url) =>
        approve(url).then((location) => {
            const query = Object.fromEntries(new URL(location).searchParams);
            strategy.authenticate({ query, session });
        }, signedIn.reject);
    strategy.authenticate({ query: {}, session });
    let { access, refresh } = await signedIn.promise;
    return {
        access,
        refresh,
        // As passport-oauth2-refresh does: by the strategy's own client.
        renew: () =>
            new Promise((resolve, reject) => {
                const fields = { grant_type: 'refresh_token' };
                strategy._oauth2.getOAuthAccessToken(refresh, fields, (error, newAccess, newRefresh) => {
                    if (error) {
                        reject(new Error(JSON.stringify(error)));
                        return;
                    }
                    [access, refresh] = [newAccess, newRefresh];
                    resolve({ access, refresh });
                });
            }),
        // The library cannot revoke.
        revoke: () => revokeByForm(client, refresh)
    };
}

export async function badgateway({ issuer, client, redirectUri, approve }) {
    const library = new BadgatewayClient({
        server: issuer,
        discoveryEndpoint: '/.well-known/oauth-authorization-server',
        clientId: client.id,
        clientSecret: client.secret
    });
    const codeVerifier = await generateCodeVerifier();
    const state = random();
    const url = await library.authorizationCode.getAuthorizeUri({
        redirectUri,
        state,
        codeVerifier,
        scope: SCOPE
    });
    const location = await approve(url);
    let last = await library.authorizationCode.getTokenFromCodeRedirect(location, {
        redirectUri,
        state,
        codeVerifier
    });
    const tokens = () => ({ access: last.accessToken, refresh: last.refreshToken });
    return {
        ...tokens(),
        renew: async () => {
            last = await library.refreshToken(last);
            return tokens();
        },
        revoke: () => library.revoke(last, 'refresh_token'),
        revokeAccess: () => library.revoke(last)
    };
}

export async function arcticClient({ endpoints, client, redirectUri, approve }) {
    const library = new arctic.OAuth2Client(client.id, client.secret, redirectUri);
    const verifier = arctic.generateCodeVerifier();
    const url = library.createAuthorizationURLWithPKCE(
        endpoints.authorization_endpoint,
        arctic.generateState(),
        arctic.CodeChallengeMethod.S256,
        verifier,
        SCOPE
    );
    const code = new URL(await approve(url)).searchParams.get('code');
    let last = await library.validateAuthorizationCode(endpoints.token_endpoint, code, verifier);
    const tokens = () => ({ access: last.accessToken(), refresh: last.refreshToken() });
    return {
        ...tokens(),
        renew: async () => {
            last = await library.refreshAccessToken(endpoints.token_endpoint, last.refreshToken(), []);
            return tokens();
        },
        revoke: () => library.revokeToken(endpoints.revocation_endpoint, last.refreshToken()),
        revokeAccess: () => library.revokeToken(endpoints.revocation_endpoint, last.accessToken())
    };
}

export async function openidClient5({ issuer, client, redirectUri, approve }) {
    const { Client } = await Issuer.discover(issuer);
    const library = new Client({ client_id: client.id, client_secret: client.secret, redirect_uris: [redirectUri] });
    const [verifier, state, nonce] = [generators.codeVerifier(), generators.state(), generators.nonce()];
    const url = library.authorizationUrl({
        scope: SCOPE.join(' '),
        state,
        nonce,
        code_challenge: generators.codeChallenge(verifier),
        code_challenge_method: 'S256'
    });
    const parameters = library.callbackParams(await approve(url));
    let last = await library.callback(redirectUri, parameters, { code_verifier: verifier, state, nonce });
    await library.userinfo(last);
    return {
        access: last.access_token,
        refresh: last.refresh_token,
        renew: async () => {
            last = await library.refresh(last);
            return { access: last.access_token, refresh: last.refresh_token };
        },
        revoke: () => library.revoke(last.refresh_token, 'refresh_token'),
        revokeAccess: () => library.revoke(last.access_token, 'access_token')
    };
}
