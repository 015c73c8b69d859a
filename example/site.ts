import { randomBytes } from 'node:crypto';
import * as Hapi from '@hapi/hapi';
import type { Request, ResponseObject, ResponseToolkit, ServerStateCookieOptions } from '@hapi/hapi';
import * as oidc from 'openid-client';
import { escapeHtml } from './html';
import { kept } from './kept';
import { discoverForum } from './site-client';

// A site that has no accounts of its own: people sign in with the forum (OpenID Connect, authorization code flow).

const { ISSUER, SITE_PORT } = process.env;
const issuer = ISSUER || 'http://localhost:3000';
const port = Number(SITE_PORT || 3001);
const origin = `http://localhost:${port}`;
const redirectUri = `${origin}/callback`;

/** What the browser that began a sign-in has to send at its end, encrypted. */
interface PendingSignIn {
    state: string;
    nonce: string;
    codeVerifier: string;
}

/** Who is signed in at this site, encrypted. */
interface Session {
    /** The account's id at the forum: what stays the same when everything else changes. */
    sub: string;
    name: string;
    handle: string;
    email?: string;
}

const PENDING = 'site-sign-in';
const SESSION = 'site-session';

const MINUTE = 60 * 1000;

async function start(): Promise<Hapi.Server> {
    const forum = await discoverForum(issuer, redirectUri, process.env);

    const server = Hapi.server({
        port,
        host: 'localhost',
        address: '127.0.0.1',
        // Other sites on this host, whatever their port, share its cookies.
        routes: { state: { parse: true, failAction: 'ignore' } }
    });
    const cookie: ServerStateCookieOptions = {
        encoding: 'iron',
        password: await kept('site-password', () => randomBytes(32).toString('base64url')),
        isHttpOnly: true,
        isSecure: false,
        // Strict would withhold the cookie from the way back from the forum.
        isSameSite: 'Lax',
        ignoreErrors: true,
        clearInvalid: true
    };
    server.state(PENDING, { ...cookie, path: '/callback', ttl: 10 * MINUTE });
    server.state(SESSION, { ...cookie, path: '/', ttl: 24 * 60 * MINUTE });

    server.route([
        { method: 'GET', path: '/', handler: (request, h) => home(request, h) },
        { method: 'GET', path: '/sign-in', handler: (_request, h) => beginSignIn(forum, h) },
        { method: 'GET', path: '/callback', handler: (request, h) => finishSignIn(forum, request, h) },
        { method: 'POST', path: '/sign-out', handler: (_request, h) => h.redirect('/').code(303).unstate(SESSION) }
    ]);
    await server.start();
    return server;
}

function home({ state }: Request, h: ResponseToolkit): ResponseObject {
    const session = state[SESSION] as Session | undefined;
    if (!session) {
        return page(h, '<form action="/sign-in"><button>Sign in with the forum</button></form>');
    }
    const { name, handle, email } = session;
    return page(
        h,
        `<p>You are <strong>${escapeHtml(name)}</strong>, known to the forum as <code>${escapeHtml(handle)}</code>${
            email === undefined ? '' : ` with the address ${escapeHtml(email)}`
        }.</p>
        <form method="post" action="/sign-out"><button>Sign out of this site</button></form>`
    );
}

/** Sends the browser to the forum, with three things to recognise its response by. */
async function beginSignIn(forum: oidc.Configuration, h: ResponseToolkit): Promise<ResponseObject> {
    const pending: PendingSignIn = {
        // The response belongs to this browser (state), its ID token to this sign-in (nonce), its code to this site (PKCE).
        state: oidc.randomState(),
        nonce: oidc.randomNonce(),
        codeVerifier: oidc.randomPKCECodeVerifier()
    };
    const address = oidc.buildAuthorizationUrl(forum, {
        redirect_uri: redirectUri,
        scope: 'openid profile email',
        state: pending.state,
        nonce: pending.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(pending.codeVerifier),
        code_challenge_method: 'S256'
    });
    return h.redirect(address.href).code(303).state(PENDING, pending);
}

async function finishSignIn(forum: oidc.Configuration, request: Request, h: ResponseToolkit): Promise<ResponseObject> {
    const pending = request.state[PENDING] as PendingSignIn | undefined;
    if (!pending) {
        return failure(h, 'This sign-in was not begun in this browser, or took too long.');
    }
    try {
        const tokens = await oidc.authorizationCodeGrant(forum, new URL(request.url.search, redirectUri), {
            expectedState: pending.state,
            expectedNonce: pending.nonce,
            pkceCodeVerifier: pending.codeVerifier,
            idTokenExpected: true
        });
        const { sub, name, preferred_username: handle, email } = tokens.claims()!;
        const session = { sub, name, handle, email } as Session;
        return h.redirect('/').code(303).unstate(PENDING).state(SESSION, session);
    } catch (error) {
        if (error instanceof oidc.AuthorizationResponseError) {
            return failure(h, `The forum said: ${error.error_description ?? error.error}.`);
        }
        request.log('error', error as Error);
        return failure(h, 'The forum’s answer could not be used.');
    }
}

function failure(h: ResponseToolkit, message: string): ResponseObject {
    return page(h, `<p>${escapeHtml(message)}</p><p><a href="/">Begin again</a></p>`)
        .code(400)
        .unstate(PENDING);
}

function page(h: ResponseToolkit, body: string): ResponseObject {
    const html = `<!doctype html>
<html lang="en">
    <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>A second site</title>
    </head>
    <body>
        <h1>A second site</h1>
        ${body}
    </body>
</html>
`;
    return h
        .response(html)
        .type('text/html')
        .header('cache-control', 'no-store')
        .header('referrer-policy', 'no-referrer')
        .header(
            'content-security-policy',
            // A form's action may redirect, and to there as well it may only go where this allows.
            `default-src 'none'; form-action 'self' ${new URL(issuer).origin}; base-uri 'none'; frame-ancestors 'none'`
        );
}

function fail(error: Error): void {
    const { cause } = error;
    console.error(`The site failed: ${error.message}${cause instanceof Error ? `: ${cause.message}` : ''}`);
    console.error(`It needs the forum at ${issuer}: npm run demo`);
    process.exitCode = 1;
}

start()
    .then((server) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) {
            process.on(signal, () => void server.stop());
        }
        console.log(`A second site is at ${origin}: sign in there with the forum at ${issuer}.`);
    })
    .catch(fail);
