import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Request, ResponseToolkit, ServerRoute } from '@hapi/hapi';
import { escapeHtml } from './html';

/** What the pages load. Compiled code lies two folders below `example/`, these files do not move. */
const BROWSER = join(__dirname, '../../browser');
const FILES = ['sign-in.js', 'consent.js', 'style.css'];

/** Own scripts and styles only, nothing inline, and no other site may frame a page with a button on it. */
const CONTENT_SECURITY_POLICY = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'"
].join('; ');

/**
 * Where to go after the sign-in: a path of this forum, else its start page. Never another site: not by a scheme, not by
 * two slashes, and not by what browsers read as a slash (`\`) or leave out (tabs, line ends).
 */
export function safePath(text: unknown): string {
    const isPath = typeof text === 'string' && /^\/(?![/\\])[^\\\p{Cc}?#]*(?:[?#]\P{Cc}*)?$/u.test(text);
    return isPath ? text : '/';
}

/** The pages that the plugin sends people to, and a start page. */
export function pageRoutes(): ServerRoute[] {
    return [
        page('/', ({ auth }) =>
            document(
                'A small forum',
                auth.isAuthenticated
                    ? '<p>You are signed in. <a href="/oauth/consent">Enter the code of a device</a>, or <a href="/login">sign in as somebody else</a>.</p>'
                    : '<p><a href="/login">Sign in</a> as odin, frigg or loki; the password is “password”.</p>'
            )
        ),
        page('/login', ({ query }) =>
            document(
                'Sign in',
                `<form id="sign-in" method="post" data-return-to="${escapeHtml(safePath(query.return_to))}">
                    <label>Handle <input name="handle" autocomplete="username" required autofocus></label>
                    <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
                    <button>Sign in</button>
                </form>
                <p id="message" role="status"></p>`,
                'sign-in.js'
            )
        ),
        consentPage('/oauth/consent', { endpoint: '/api/oauth/device/consent', parameter: 'user_code' }),
        consentPage('/oauth/authorize/consent', { endpoint: '/api/oauth/authorize/consent', parameter: 'request_id' }),
        ...FILES.map(browserFile)
    ];
}

/** A page on which a signed-in person decides what an application may do; its script asks the plugin's endpoint. */
function consentPage(path: string, { endpoint, parameter }: { endpoint: string; parameter: string }): ServerRoute {
    return page(path, ({ auth, url }, h) => {
        if (!auth.isAuthenticated) {
            return h.redirect(`/login?return_to=${encodeURIComponent(url.pathname + url.search)}`);
        }
        return document(
            'An application asks for access',
            `<div id="consent" data-endpoint="${endpoint}" data-parameter="${parameter}">
                <form id="code" hidden>
                    <label>The code that your device shows <input name="user_code" autocomplete="off" required></label>
                    <button>Continue</button>
                </form>
                <div id="request" hidden>
                    <p><strong id="client"></strong> wants to act for you, with:</p>
                    <ul id="scopes"></ul>
                    <p id="inherits" hidden>These are all the permissions that you have.</p>
                    <p id="compare" hidden>Approve only if your device shows the code <code id="user-code"></code>.</p>
                    <button id="approve">Approve</button> <button id="deny">Deny</button>
                </div>
            </div>
            <p id="message" role="status"></p>`,
            'consent.js'
        );
    });
}

function page(
    path: string,
    handler: (request: Request, h: ResponseToolkit) => string | ReturnType<ResponseToolkit['redirect']>
): ServerRoute {
    return {
        method: 'GET',
        path,
        options: {
            auth: { strategy: 'session', mode: 'try' },
            cache: { otherwise: 'no-store' },
            security: { hsts: false, referrer: 'same-origin', xframe: 'deny', noSniff: true }
        },
        handler: (request, h) => {
            const answer = handler(request, h);
            const response = typeof answer === 'string' ? h.response(answer).type('text/html') : answer;
            return response.header('content-security-policy', CONTENT_SECURITY_POLICY);
        }
    };
}

function browserFile(name: string): ServerRoute {
    const content = readFileSync(join(BROWSER, name), 'utf8');
    const type = name.endsWith('.css') ? 'text/css' : 'text/javascript';
    return {
        method: 'GET',
        path: `/browser/${name}`,
        options: { auth: false, security: { hsts: false, noSniff: true } },
        handler: (_request, h) => h.response(content).type(type)
    };
}

function document(title: string, body: string, script?: string): string {
    return `<!doctype html>
<html lang="en">
    <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>${title}</title>
        <link rel="stylesheet" href="/browser/style.css">
        ${script === undefined ? '' : `<script src="/browser/${script}" defer></script>`}
    </head>
    <body>
        <main>
            <h1>${title}</h1>
            ${body}
        </main>
    </body>
</html>
`;
}
